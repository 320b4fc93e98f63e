import { meant } from "./arguments.ts";
import { FUNCTIONS } from "./functions/index.ts";
import { OMITTED, type Operand } from "./operand.ts";
import type { Place } from "./place.ts";

/**
 * The bare words that are values of their own. `IgnoreAttributeFlow` leaves the target's attribute as it is; it stands in
 * "Workday expression mapping functions for Microsoft Entra ID provisioning", not in the functions' reference.
 */
export const WORDS: ReadonlyMap<string, { readonly summary: string; readonly value: Operand }> = new Map<
  string,
  { readonly summary: string; readonly value: Operand }
>([
  ["True", { summary: "The boolean True.", value: true }],
  ["False", { summary: "The boolean False.", value: false }],
  ["IgnoreAttributeFlow", { summary: "Leaves the target's attribute as it is.", value: OMITTED }],
]);

/** The value of a bare word, or what is wrong with it. */
export function valueOfWord(name: string, place: Place): { readonly value: Operand } | { readonly flaw: string } {
  const word = WORDS.get(name);
  if (word?.value === OMITTED && place === "inside") {
    return { flaw: `${name} can only stand where its value is the whole result.` };
  }
  if (word !== undefined) return { value: word.value };
  if (name === "IgnoreObjectFlow") {
    return {
      flaw: "IgnoreObjectFlow is not supported in a mapping: who is provisioned at all is said by the sync's scope.",
    };
  }
  if (FUNCTIONS.has(name))
    return { flaw: `${name} is a function: its arguments follow in parentheses, as in ${name}().` };
  const near = meant(name, [...WORDS.keys()]);
  if (near !== "") return { flaw: `${name} is no word of the language${near}${near.endsWith("?") ? "" : "."}` };
  return { flaw: `${name} is no value: write [${name}] for the attribute, "${name}" for the text.` };
}
