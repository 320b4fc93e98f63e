import { plainOf } from "../expression/coerce.ts";
import { daysIn } from "../expression/dates/calendar.ts";
import { Moment, type Operand } from "../expression/operand.ts";
import { matchKey } from "../matching/key.ts";
import { isEmpty } from "../model/record.ts";
import type { TargetAttribute } from "../model/target.ts";
import { isReference, type Value } from "../model/value.ts";
import { grouped, inWords, plain } from "../model/wording.ts";

/** A value in the target attribute's type, or why it does not fit: the rest of a sentence that begins with its name. */
export type Converted = { readonly value: Value } | { readonly flaw: string };

/** RFC 3339, section 5.6, with the seconds that JSON Schema and SCIM (RFC 7643, section 2.3.5) ask for. */
const DATETIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/**
 * Converts a value that is not empty, and holds it against what the target takes. Numbers and booleans become text; texts
 * that read as a whole number or boolean become one; a moment becomes a date and time in UTC; a list of one becomes its item
 * and one text a list of one. Nothing else is guessed. U+0000 and broken UTF-16 are refused, for no store could give them
 * back unchanged.
 */
export function convert(operand: Operand, attribute: TargetAttribute): Converted {
  if (operand instanceof Moment && attribute.type === "datetime") {
    return { value: new Date(operand.ms).toISOString() };
  }
  const value = plainOf(operand) ?? null;
  const { type, maxLength, choices, spellings } = attribute;
  const converted = inType(value, type);
  if ("flaw" in converted || (maxLength ?? choices ?? spellings) === undefined) return converted;
  return allowed(converted.value, attribute);
}

function inType(value: Value, type: TargetAttribute["type"]): Converted {
  switch (type) {
    case "string":
    case "lookup":
      return toText(value);
    case "boolean":
      return toBoolean(value);
    case "integer":
      return toInteger(value);
    case "datetime":
      return toDatetime(value);
    case "strings":
      return toTexts(value);
    case "reference":
      return isReference(value) ? { value } : misfit(value, "a reference to another record");
  }
}

/** What the target says of a text, or of each text of a list. */
function allowed(value: Value, attribute: TargetAttribute): Converted {
  if (Array.isArray(value)) {
    const items: Value[] = [];
    for (const item of value as readonly Value[]) {
      const one = allowed(item, attribute);
      if ("flaw" in one) return one;
      items.push(one.value);
    }
    return { value: items };
  }
  if (typeof value !== "string") return { value };
  const { maxLength, choices, spellings } = attribute;
  if (maxLength !== undefined && value.length > maxLength) {
    const length = [...value].length;
    if (length > maxLength) {
      return { flaw: `is ${grouped(length)} characters long, and the target takes ${grouped(maxLength)}` };
    }
  }
  const known = choices ?? spellings;
  if (known === undefined) return { value };
  const key = matchKey(value, attribute);
  const spelled = known.find((one) => matchKey(one, attribute) === key);
  if (spelled !== undefined || choices === undefined) return { value: spelled ?? value };
  return { flaw: `"${inWords(value)}" is none of what the target takes: ${plainList(choices)}` };
}

const SAID_CHOICES = 10;

function plainList(choices: readonly string[]): string {
  const more = choices.length > SAID_CHOICES ? ` and ${choices.length - SAID_CHOICES} more` : "";
  return choices.slice(0, SAID_CHOICES).map(plain).join(", ") + more;
}

function misfit(value: Value, wanted: string): Converted {
  return { flaw: `"${inWords(value)}" is not ${wanted}` };
}

function toText(value: Value): Converted {
  if (typeof value === "string") return checked(value);
  if (typeof value === "number" || typeof value === "boolean") return { value: String(value) };
  if (!Array.isArray(value)) return misfit(value, "one text");
  const items = (value as readonly Value[]).filter((item) => !isEmpty(item));
  const [only] = items;
  if (items.length === 1 && only !== undefined && !Array.isArray(only)) return toText(only);
  return {
    flaw: `holds ${items.length} values where the target takes one; map one of them, as in \`name.0\`, or join them: Join(", ", [name])`,
  };
}

function checked(text: string): Converted {
  if (text.includes("\u0000")) return { flaw: "holds the character U+0000, which no target can keep" };
  if (!text.isWellFormed()) return { flaw: "holds half a character (a lone surrogate), which no target can keep" };
  return { value: text };
}

function toBoolean(value: Value): Converted {
  if (typeof value === "boolean") return { value };
  if (value === "true" || value === "True") return { value: true };
  if (value === "false" || value === "False") return { value: false };
  return misfit(value, "true or false");
}

function toInteger(value: Value): Converted {
  const number = typeof value === "string" && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
  if (typeof number === "number" && Number.isSafeInteger(number)) return { value: number === 0 ? 0 : number };
  return misfit(value, "a whole number");
}

/** `Date.parse` by itself takes 30 February for 2 March, and 24:00 for the next day. */
function isDatetime(text: string): boolean {
  if (!DATETIME.test(text) || Number.isNaN(Date.parse(text))) return false;
  const [year = 0, month = 0, day = 0, hour = 0] = text.split(/[-T:]/).map(Number);
  return day <= daysIn(year, month) && hour < 24;
}

function toDatetime(value: Value): Converted {
  if (typeof value === "string" && isDatetime(value)) return { value };
  return misfit(value, "a date and time such as 2026-01-31T09:00:00Z");
}

function toTexts(value: Value): Converted {
  const texts: Value[] = [];
  for (const item of Array.isArray(value) ? (value as readonly Value[]) : [value]) {
    if (isEmpty(item)) continue;
    const text = Array.isArray(item) ? misfit(item, "one text") : toText(item);
    if ("flaw" in text) return text;
    texts.push(text.value);
  }
  return { value: texts };
}
