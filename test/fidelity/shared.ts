import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sharedFolder } from "../servers.ts";
import { Judge } from "./exchanges.ts";
import { type Json, parseJson } from "./json.ts";
import { readOverrides } from "./overrides.ts";
import { SchemaChecker } from "./schemas.ts";
import { normalise, type Specification } from "./specification.ts";

/** Everything that judging by the official description needs. */
export interface Standard {
  readonly specification: Specification;
  readonly checker: SchemaChecker;
  readonly judge: Judge;
}

/** Reads the official description, with our overrides laid over it. Throws when the reference data is absent. */
export function readStandard(): Standard {
  const specification = normalise(readShared("openapi-subset.json"), readOverrides());
  const checker = new SchemaChecker(specification.schemas);
  return { specification, checker, judge: new Judge(specification, checker) };
}

/** One file of the reference data about Graph. */
export function readShared(path: string): Json {
  const content = parseJson(readFileSync(join(graphFolder(), path), "utf8"));
  assert.ok(content !== undefined, `${path} is not JSON`);
  return content;
}

/** The folder of the reference data about Graph. */
export function graphFolder(): string {
  const shared = sharedFolder();
  assert.ok(shared.available, shared.available ? "" : `${shared.reason}; ${shared.install}`);
  return join(shared.path, "graph");
}

/** The numbers that must not fall, each by what is counted. */
export function readFloor(): Readonly<Record<string, number>> {
  return JSON.parse(readFileSync(join(import.meta.dirname, "floor.json"), "utf8")) as Readonly<Record<string, number>>;
}
