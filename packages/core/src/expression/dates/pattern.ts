import { STANDARD_FORMATS } from "./names.ts";

/** One piece of a format. `:` and `/` are texts, for the invariant culture separates with them. */
export type Token =
  | { readonly type: "text"; readonly text: string; readonly quoted: boolean }
  | { readonly type: "field"; readonly letter: string; readonly count: number }
  /** `Z` or `GMT`, unquoted: only a text where a date is written, but UTC where one is read. */
  | { readonly type: "zone"; readonly text: "Z" | "GMT" };

/** A date format, compiled. */
export interface Pattern {
  readonly format: string;
  readonly tokens: readonly Token[];
  /** The standard format `U`: what is read is UTC. */
  readonly universal: boolean;
}

const FIELDS = "dfFghHKmMstyz";
const MAX_FRACTION_DIGITS = 7;
/** Characters of a format; the longest standard one has 27. */
const MAX_FORMAT = 256;

/**
 * Compiles a format as "Standard date and time format strings" (one character) or "Custom date and time format strings"
 * (.NET) has it; a text says what is wrong with it.
 */
export function compilePattern(format: string): Pattern | string {
  if (format === "") return "a date format is missing";
  if (format.length > MAX_FORMAT) return `a date format has at most ${MAX_FORMAT} characters`;
  if (format.length > 1) return ofCustom(format, format);
  const standard = STANDARD_FORMATS.get(format);
  if (standard !== undefined) return { ...ofStandard(format, standard), universal: format === "U" };
  return `"${format}" is no standard date format, which are ${[...STANDARD_FORMATS.keys()].join(" ")}; a single custom specifier is written "%${format}"`;
}

function ofStandard(format: string, custom: string): Pattern {
  const pattern = ofCustom(format, custom);
  if (typeof pattern === "string") throw new Error(`The standard format ${format} does not compile: ${pattern}.`);
  return pattern;
}

function ofCustom(format: string, custom: string): Pattern | string {
  const tokens: Token[] = [];
  for (let at = 0; at < custom.length; ) {
    const next = tokenAt(custom, at);
    if (typeof next === "string") return `the date format ${JSON.stringify(format)} ${next}`;
    if (next.token !== null) tokens.push(next.token);
    at += next.length;
  }
  return { format, tokens, universal: false };
}

function tokenAt(format: string, at: number): { token: Token | null; length: number } | string {
  const char = format.charAt(at);
  if (char === "'" || char === '"') return quotedAt(format, at);
  if (char === "\\") {
    if (at + 1 === format.length) return "ends in a backslash, which makes the character after it a literal";
    return { token: { type: "text", text: format.charAt(at + 1), quoted: false }, length: 2 };
  }
  if (char === "%") {
    if (at + 1 === format.length || format.charAt(at + 1) === "%") return 'has a "%" without a specifier after it';
    return { token: null, length: 1 };
  }
  if (FIELDS.includes(char)) return fieldAt(format, at, char);
  if (char === "Z") return { token: { type: "zone", text: "Z" }, length: 1 };
  if (format.startsWith("GMT", at)) return { token: { type: "zone", text: "GMT" }, length: 3 };
  return { token: { type: "text", text: char, quoted: false }, length: 1 };
}

function fieldAt(format: string, at: number, letter: string): { token: Token; length: number } | string {
  let count = 1;
  // Each K stands for itself; of all others a run is one specifier.
  while (letter !== "K" && format.charAt(at + count) === letter) count++;
  if ((letter === "f" || letter === "F") && count > MAX_FRACTION_DIGITS)
    return `asks for ${count} digits of a second, of which there are ${MAX_FRACTION_DIGITS}`;
  return { token: { type: "field", letter, count }, length: count };
}

function quotedAt(format: string, at: number): { token: Token; length: number } | string {
  const quote = format.charAt(at);
  let text = "";
  for (let end = at + 1; end < format.length; end++) {
    const char = format.charAt(end);
    if (char === quote) return { token: { type: "text", text, quoted: true }, length: end - at + 1 };
    if (char === "\\") end++;
    text += format.charAt(end);
  }
  return `opens a quotation with ${quote} and does not close it`;
}

/** Which of the specifiers a pattern has; `ddd` stands for the names of the day, also in full. */
export function specifiersOf(pattern: Pattern): ReadonlySet<string> {
  return new Set(
    pattern.tokens.flatMap((token) =>
      token.type === "field" ? [token.letter === "d" && token.count > 2 ? "ddd" : token.letter] : [],
    ),
  );
}
