import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Json, JsonObject } from "./json.ts";

/** Where Microsoft's pages and the official description differ, or the description is silent: the page wins. */
export interface Overrides {
  readonly entries: readonly Override[];
}

/** One documented difference. Operations are named `METHOD /path/{}`; query options stand in lower case. */
export interface Override {
  /** Title of the documentation page that says so. */
  readonly page: string;
  /** Its address, at learn.microsoft.com. */
  readonly address: string;
  /** What it says, in a sentence. */
  readonly says: string;
  /** The operations that `allow`, `refuse`, `top`, `body` and `answer` amend. */
  readonly at?: readonly string[];
  readonly allow?: readonly string[];
  readonly refuse?: readonly string[];
  readonly top?: { readonly least: number; readonly most: number };
  readonly body?: JsonObject;
  /** Takes the place of all 2xx answers: a schema by status, null for an answer without content. */
  readonly answer?: Readonly<Record<string, JsonObject | null>>;
  /** Collections that also have `/$count` and the casts to these types. */
  readonly derive?: readonly {
    readonly collection: string;
    readonly casts?: readonly string[];
    readonly count?: boolean;
  }[];
  /** Operations that the subset leaves out, as OpenAPI describes one. */
  readonly operations?: readonly ({ readonly at: string } & JsonObject)[];
  /** Schemas that are added, or merged over those of the description. */
  readonly schemas?: Readonly<Record<string, Json>>;
  /** The first segments of paths whose queries are advanced by these rules. */
  readonly advanced?: { readonly sets: readonly string[]; readonly filters: readonly string[] };
}

/** Reads the overrides beside this file. */
export function readOverrides(): Overrides {
  return JSON.parse(readFileSync(join(import.meta.dirname, "overrides.json"), "utf8")) as Overrides;
}
