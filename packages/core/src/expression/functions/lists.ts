import { isEmptyOperand, isList, isNullish, listOf } from "../coerce.ts";
import type { FunctionDefinition } from "../function.ts";
import { MAX_TEXT, tooLong } from "../limits.ts";
import { Moment, type Operand } from "../operand.ts";
import { anyIn, neededWhole, textIn, toText } from "./readers.ts";

/**
 * Functions on multi-valued attributes ("Reference for writing expressions for attribute mappings in Microsoft Entra ID").
 * A single value counts as the list of it.
 */
export const LIST_FUNCTIONS: readonly FunctionDefinition[] = [
  {
    name: "Join",
    summary: "The sources' values as one text with a separator between them; NULL and empty ones are passed over.",
    parameters: [
      { name: "separator", type: "text", summary: 'What stands between two values; may be "".' },
      { name: "source", type: "any", summary: "A value, or a list that gives each of its own.", repeats: true },
    ],
    example: {
      expression: 'Join(", ", [surname], [givenName])',
      attributes: { surname: "Doe", givenName: "John" },
      value: "Doe, John",
    },
    bind: ([first, ...rest], at) => {
      const separator = textIn("Join", "separator", first);
      const sources = rest.map((argument) => ({
        read: anyIn(argument),
        place: { of: "Join", parameter: "source", argument },
      }));
      return (context) => {
        const between = separator(context) ?? "";
        let joined = "";
        for (const { read, place } of sources) {
          const operand = read(context);
          if (typeof operand === "string") joined = joinedWith(joined, between, operand);
          else if (!isList(operand)) joined = joinedWith(joined, between, toText(operand, place));
          else for (const item of operand) joined = joinedWith(joined, between, toText(item, place));
          if (joined.length > MAX_TEXT) throw tooLong("What Join gives", at);
        }
        return joined;
      };
    },
  },
  {
    name: "Count",
    summary: "How many values an attribute has; 0 for NULL and the empty text.",
    parameters: [{ name: "attribute", type: "list", summary: "A multi-valued attribute." }],
    example: { expression: "Count([businessPhones])", attributes: { businessPhones: ["+47 1", "+47 2"] }, value: 2 },
    bind: ([first]) => {
      const source = anyIn(first);
      return (context) => {
        const operand = source(context);
        return isEmptyOperand(operand) ? 0 : listOf(operand).length;
      };
    },
  },
  {
    name: "Item",
    summary: "One value of a multi-valued attribute, counted from 1; NULL beyond the last.",
    parameters: [
      { name: "attribute", type: "list", summary: "A multi-valued attribute." },
      { name: "index", type: "number", summary: "Which value; the first is 1." },
    ],
    example: {
      expression: "Item([proxyAddresses], 1)",
      attributes: { proxyAddresses: ["SMTP:ana@contoso.com", "smtp:a@contoso.com"] },
      value: "SMTP:ana@contoso.com",
    },
    bind: ([first, second]) => {
      const source = anyIn(first);
      const index = neededWhole("Item", "index", second, { least: 1 });
      return (context) => listOf(source(context))[index(context) - 1] ?? null;
    },
  },
  {
    name: "RemoveDuplicates",
    summary: "Each value of a multi-valued attribute once, in the order in which they first stand; case counts.",
    parameters: [{ name: "attribute", type: "list", summary: "A multi-valued attribute." }],
    example: {
      expression: "RemoveDuplicates([tags])",
      attributes: { tags: ["it", "IT", "it"] },
      value: ["it", "IT"],
    },
    bind: ([first]) => {
      const source = anyIn(first);
      return (context) => {
        const operand = source(context);
        return isNullish(operand) ? null : distinct(listOf(operand));
      };
    },
  },
];

function distinct(list: readonly Operand[]): readonly Operand[] {
  const seen = new Set<unknown>();
  return list.filter((item) => {
    const key = keyOf(item);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** The same for equal values, and different for a text and the number that it reads as. */
function keyOf(item: Operand): unknown {
  if (item instanceof Moment) return `moment ${item.ms}`;
  return typeof item === "object" && item !== null
    ? `object ${JSON.stringify(item)}`
    : typeof item === "string"
      ? `text ${item}`
      : item;
}

/** Nothing empty was joined before, so an empty text is the beginning. */
function joinedWith(joined: string, between: string, text: string | null): string {
  if (text === null || text === "") return joined;
  return joined === "" ? text : joined + between + text;
}
