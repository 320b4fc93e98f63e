import { DATE_FUNCTIONS } from "../dates/index.ts";
import type { FunctionDefinition } from "../function.ts";
import { CASE_FUNCTIONS } from "./case.ts";
import { DIACRITICS_FUNCTIONS } from "./diacritics.ts";
import { ENCODING_FUNCTIONS } from "./encoding.ts";
import { LIST_FUNCTIONS } from "./lists.ts";
import { LOGIC_FUNCTIONS } from "./logic.ts";
import { RANDOM_FUNCTIONS } from "./random.ts";
import { REPLACE_FUNCTIONS } from "./replace.ts";
import { ROLE_FUNCTIONS } from "./roles.ts";
import { TEXT_FUNCTIONS } from "./text.ts";
import { UNIQUE_FUNCTIONS } from "./unique.ts";

/** One list per file of `functions/` and `dates/`. */
const LISTS: readonly (readonly FunctionDefinition[])[] = [
  CASE_FUNCTIONS,
  DATE_FUNCTIONS,
  DIACRITICS_FUNCTIONS,
  ENCODING_FUNCTIONS,
  LIST_FUNCTIONS,
  LOGIC_FUNCTIONS,
  RANDOM_FUNCTIONS,
  REPLACE_FUNCTIONS,
  ROLE_FUNCTIONS,
  TEXT_FUNCTIONS,
  UNIQUE_FUNCTIONS,
];

/** Every function of the language by its name, which is case-sensitive. */
export const FUNCTIONS: ReadonlyMap<string, FunctionDefinition> = new Map(
  LISTS.flat().map((definition) => [definition.name, definition]),
);
