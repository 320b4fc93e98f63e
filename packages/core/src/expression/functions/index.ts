import type { FunctionDefinition } from "../function.ts";

/** One list per file of `functions/` and `dates/`. */
const LISTS: readonly (readonly FunctionDefinition[])[] = [];

/** Every function of the language by its name, which is case-sensitive. */
export const FUNCTIONS: ReadonlyMap<string, FunctionDefinition> = new Map(
  LISTS.flat().map((definition) => [definition.name, definition]),
);
