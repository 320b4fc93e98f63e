import { isEmptyOperand } from "../coerce.ts";
import type { FunctionDefinition } from "../function.ts";
import { foldCase } from "./case.ts";
import { failed, invalid, isGiven, neededWhole, textIn, wholeIn } from "./readers.ts";

/**
 * Functions on texts ("Reference for writing expressions for attribute mappings in Microsoft Entra ID"). Positions and
 * lengths count UTF-16 code units, as .NET's do; a cut that falls within a surrogate pair leaves the whole pair out, for
 * half of one is no text. Unless a function says otherwise, NULL in gives NULL out.
 */
export const TEXT_FUNCTIONS: readonly FunctionDefinition[] = [
  {
    name: "Append",
    summary: "Adds a suffix to the end of a text; NULL when the text is.",
    parameters: [
      { name: "source", type: "text", summary: "The text to begin with." },
      { name: "suffix", type: "text", summary: "What is added; nothing when it is NULL." },
    ],
    example: {
      expression: 'Append([userPrincipalName], ".test")',
      attributes: { userPrincipalName: "ana@contoso.com" },
      value: "ana@contoso.com.test",
    },
    bind: ([first, second]) => {
      const source = textIn("Append", "source", first);
      const suffix = textIn("Append", "suffix", second);
      return (context) => {
        const text = source(context);
        return text === null ? null : text + (suffix(context) ?? "");
      };
    },
  },
  {
    name: "Left",
    summary: "The first characters of a text; empty for NULL, the whole text for a negative number.",
    parameters: [
      { name: "String", type: "text", summary: "The text to take from." },
      { name: "NumChars", type: "number", summary: "How many characters." },
    ],
    example: { expression: "Left([displayName], 3)", attributes: { displayName: "John Doe" }, value: "Joh" },
    bind: ([first, second]) => {
      const source = textIn("Left", "String", first);
      const count = neededWhole("Left", "NumChars", second);
      return (context) => {
        const text = source(context) ?? "";
        const length = count(context);
        return length < 0 ? text : cut(text, 0, length);
      };
    },
  },
  {
    name: "Mid",
    summary: "A part of a text, from a position that is counted from 1; shorter where the text ends sooner.",
    parameters: [
      { name: "source", type: "text", summary: "The text to take from." },
      { name: "start", type: "number", summary: "Where the part begins; the first character is 1." },
      { name: "length", type: "number", summary: "How many characters at most." },
    ],
    example: { expression: "Mid([givenName], 2, 3)", attributes: { givenName: "Joanna" }, value: "oan" },
    bind: ([first, second, third]) => {
      const source = textIn("Mid", "source", first);
      const start = neededWhole("Mid", "start", second, { least: 1 });
      const length = neededWhole("Mid", "length", third, { least: 0 });
      return (context) => {
        const text = source(context);
        if (text === null) return null;
        const from = start(context) - 1;
        return cut(text, from, from + length(context));
      };
    },
  },
  {
    name: "InStr",
    summary: "Where a text first stands in another, counted from 1; 0 when it does not, and for NULL.",
    parameters: [
      { name: "value1", type: "text", summary: "The text that is searched." },
      { name: "value2", type: "text", summary: "The text to find; the empty one stands at the start." },
      { name: "start", type: "number", summary: "Where the search begins; 1 unless given.", optional: true },
      {
        name: "compareType",
        type: "name",
        summary: "vbBinaryCompare minds the case, as it does unless given; vbTextCompare does not.",
        optional: true,
        choices: ["vbBinaryCompare", "vbTextCompare"],
      },
    ],
    example: { expression: 'InStr([title], "e", 3, vbBinaryCompare)', attributes: { title: "repEated" }, value: 7 },
    bind: ([first, second, third, fourth]) => {
      const searched = textIn("InStr", "value1", first);
      const wanted = textIn("InStr", "value2", second);
      const start = wholeIn("InStr", "start", third, { least: 1 });
      if (isGiven(fourth) && fourth.constant === undefined) {
        throw invalid(
          { of: "InStr", parameter: "compareType", argument: fourth },
          "is vbBinaryCompare or vbTextCompare",
        );
      }
      const fold = fourth?.constant === "vbTextCompare" ? foldCase : (text: string) => text;
      return (context) => {
        const text = searched(context);
        const part = wanted(context);
        if (text === null || part === null || text === "") return 0;
        const from = (start(context) ?? 1) - 1;
        return from >= text.length ? 0 : fold(text).indexOf(fold(part), from) + 1;
      };
    },
  },
  {
    name: "Word",
    summary: "One word of a text, where each character of the delimiters parts words; empty when there is none.",
    parameters: [
      { name: "String", type: "text", summary: "The text to take from; NULL gives the empty text." },
      { name: "WordNumber", type: "number", summary: "Which word, counted from 1." },
      { name: "Delimiters", type: "text", summary: "The characters that part words; several in a row part once." },
    ],
    example: {
      expression: 'Word([title], 3, ",!&#")',
      attributes: { title: "This,string!has&many separators" },
      value: "has",
    },
    bind: ([first, second, third]) => {
      const source = textIn("Word", "String", first);
      const number = neededWhole("Word", "WordNumber", second);
      const delimiters = textIn("Word", "Delimiters", third);
      return (context) => {
        const which = number(context);
        const text = source(context) ?? "";
        return which < 1 ? "" : (wordsOf(text, delimiters(context) ?? "")[which - 1] ?? "");
      };
    },
  },
  {
    name: "StripSpaces",
    summary: "A text without its spaces (U+0020); other white space stays.",
    parameters: [{ name: "source", type: "text", summary: "The text." }],
    example: { expression: "StripSpaces([surname])", attributes: { surname: "van der Berg" }, value: "vanderBerg" },
    bind: ([first]) => {
      const source = textIn("StripSpaces", "source", first);
      return (context) => {
        const text = source(context);
        return text?.includes(" ") ? text.replaceAll(" ", "") : text;
      };
    },
  },
  {
    name: "Split",
    summary: "A text as a list: parted at each delimiter, white space around the parts taken off, empty parts kept.",
    parameters: [
      { name: "source", type: "text", summary: "The text; NULL gives NULL, the empty text the empty list." },
      { name: "delimiter", type: "text", summary: "What parts the values, as a whole." },
    ],
    example: {
      expression: 'Split([extensionAttribute5], ",")',
      attributes: { extensionAttribute5: "Sales, Support" },
      value: ["Sales", "Support"],
    },
    bind: ([first, second]) => {
      const source = textIn("Split", "source", first);
      const delimiter = textIn("Split", "delimiter", second);
      const empty = { of: "Split", parameter: "delimiter", argument: second } as const;
      if (second?.constant !== undefined && isEmptyOperand(second.constant))
        throw invalid(empty, "is empty, so that it parts nothing");
      return (context) => {
        const text = source(context);
        if (text === null || text === "") return text === null ? null : [];
        const between = delimiter(context) ?? "";
        if (between === "") throw failed(empty, "is empty, so that it parts nothing");
        return text.split(between).map((part) => part.trim());
      };
    },
  },
];

/** The part between two positions, without a half of a surrogate pair at either end. */
function cut(text: string, from: number, to: number): string {
  const start = splitsPair(text, from) ? from + 1 : from;
  return text.slice(start, splitsPair(text, to) ? to - 1 : to);
}

/** True when the code units on both sides of a position are one character. */
function splitsPair(text: string, position: number): boolean {
  const low = text.charCodeAt(position);
  if (!(low >= 0xdc00 && low <= 0xdfff)) return false;
  const high = text.charCodeAt(position - 1);
  return high >= 0xd800 && high <= 0xdbff;
}

function wordsOf(text: string, delimiters: string): readonly string[] {
  const parts = new Set(delimiters);
  const words: string[] = [];
  let word = "";
  for (const character of text) {
    if (!parts.has(character)) word += character;
    else if (word !== "") {
      words.push(word);
      word = "";
    }
  }
  return word === "" ? words : [...words, word];
}
