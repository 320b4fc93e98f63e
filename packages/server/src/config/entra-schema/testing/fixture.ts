import { readFileSync } from "node:fs";
import type { TargetKind } from "@entrain/core";
import { TARGET_TYPES } from "../../../target-types.ts";
import { type Imported, type ImportOptions, importEntraSchema } from "../import.ts";
import { readEntraSchema } from "../read.ts";

const CUSTOMAPPSSO: URL = new URL("customappsso.json", import.meta.url);

/** A provisioning schema in the shape of a non-gallery SCIM application's, made up for the tests. */
export function fixtureText(): string {
  return readFileSync(CUSTOMAPPSSO, "utf8");
}

export type Json = { [name: string]: unknown };

/** The fixture, to be changed by a test. */
export function fixture(): Json {
  return JSON.parse(fixtureText()) as Json;
}

/** The object mapping of people in a schema of one rule. */
export function peopleIn(schema: Json): Json & { attributeMappings: Json[] } {
  const rules = schema.synchronizationRules as { objectMappings: Json[] }[];
  const found = rules[0]?.objectMappings.find(({ sourceObjectName }) => sourceObjectName === "User");
  return found as Json & { attributeMappings: Json[] };
}

/** The kinds of a SCIM server. */
export function scimKinds(): readonly TargetKind[] {
  return TARGET_TYPES.get("scim")?.kinds({ baseUrl: "http://127.0.0.1:1/scim/v2" }) ?? [];
}

/** Imports a schema for a SCIM target. */
export function imported(schema: unknown, options: Partial<ImportOptions> = {}): Imported {
  const given = { connection: "contoso", target: "desk", name: "people", kinds: scimKinds(), ...options };
  return importEntraSchema(readEntraSchema(JSON.stringify(schema), "schema.json"), given);
}
