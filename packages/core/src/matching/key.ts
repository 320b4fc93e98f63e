import { isEmpty } from "../model/record.ts";
import type { TargetAttribute } from "../model/target.ts";
import type { Value } from "../model/value.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII is meant.
const ASCII = /^[\u0000-\u007f]*$/;

/**
 * The text by which values of an attribute are compared when matching, the same on every machine and engine: NFC, and
 * case-folded unless the attribute is case-exact. Nothing is trimmed: a space is a difference. `null` for what cannot
 * match: empty values, lists and objects.
 */
export function matchKey(value: Value | undefined, attribute: Pick<TargetAttribute, "caseExact">): string | null {
  if (value === undefined || isEmpty(value) || typeof value === "object") return null;
  const text = String(value);
  if (ASCII.test(text)) return attribute.caseExact === true ? text : text.toLowerCase();
  const composed = text.normalize("NFC");
  return attribute.caseExact === true ? composed : folded(composed).normalize("NFC");
}

/** The keys of a value that may be a list. */
export function matchKeys(value: Value | undefined, attribute: Pick<TargetAttribute, "caseExact">): readonly string[] {
  const items: readonly (Value | undefined)[] = Array.isArray(value) ? (value as readonly Value[]) : [value];
  return items.map((item) => matchKey(item, attribute)).filter((key) => key !== null);
}

/**
 * Full case folding (Unicode, section 3.13), which JavaScript does not offer, by lower, upper, lower: the first step
 * reaches letters whose capital has no lower form of its own spelling (ẞ), the second joins what shares a capital (ß and
 * ss, ſ and s, ς and σ), the third is the fold. The dotless ı is kept apart: it shares the capital I with i, but Unicode
 * folds it to itself, and two people whose names differ in it must not match.
 */
function folded(text: string): string {
  const fold = (part: string): string => part.toLowerCase().toUpperCase().toLowerCase();
  return text.includes("ı") ? text.split("ı").map(fold).join("ı") : fold(text);
}
