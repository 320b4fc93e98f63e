import { ExpressionFault } from "./fault.ts";
import { MAX_FAULTS, MAX_NAME } from "./limits.ts";
import { COMPARISONS, type Comparison, type Span } from "./tree.ts";

/** A word of an expression. `invalid` stands for what was faulted already, so that the rest can still be read. */
export type Token = { readonly at: Span } & (
  | { readonly type: "name"; readonly name: string }
  | { readonly type: "attribute"; readonly name: string; readonly closed: boolean }
  | { readonly type: "text"; readonly value: string; readonly closed: boolean }
  | { readonly type: "number"; readonly value: number; readonly hexadecimal: boolean }
  | { readonly type: "comparison"; readonly operator: Comparison }
  | { readonly type: "mark"; readonly mark: "(" | ")" | "," }
  | { readonly type: "invalid" }
);

/** The words, whatever they are: half-written text gives the words that are there, and the faults. */
export interface Tokens {
  readonly tokens: readonly Token[];
  readonly faults: readonly ExpressionFault[];
}

const SPACE = /\s+/y;
const NAME = /[\p{L}_][\p{L}\p{M}\p{N}_]*/uy;
const HEXADECIMAL = /&[Hh]([0-9A-Fa-f]*)([\p{L}\p{N}_]*)/uy;
const NUMBER = /-?(?:\d+(?:\.\d+)?|\.\d+)([\p{L}\p{N}_.]*)/uy;
const QUOTES = "'`´‘’‚‛“”„‟«»‹›＂";
const CLOSING_QUOTE = new RegExp(`[${QUOTES}"]`, "g");
/** What other languages write, each with what is written here. */
const FOREIGN: readonly (readonly [string, string])[] = [
  ["==", 'Equality is tested with a single "=".'],
  ["!=", '"Not equal" is written "<>".'],
  ["=>", '"At least" is written ">=".'],
  ["=<", '"At most" is written "<=".'],
  ["&&", "There is no AND: nest one IIF in the other's second value."],
  ["||", "There is no OR: nest one IIF in the other's third value."],
  ["&", 'Texts are joined with Join("", …) or Append; hexadecimal numbers are written &H1F.'],
  ["+", 'There is no "+": texts are joined with Join("", …) or Append, dates moved with DateAdd.'],
  ["]", 'This "]" closes nothing: an attribute is written [name].'],
  [";", 'Arguments are separated by commas, not by ";".'],
];

/**
 * Cuts an expression into its words. Texts stand in double quotes and may run over several lines; in them `\\` stands for
 * a backslash and `\"` for a quote ("Reference for writing expressions for attribute mappings in Microsoft Entra ID",
 * syntax overview). A backslash before anything else stands for itself, for Microsoft's own mappings rest on that:
 * `"\+(?<isdCode>49|44)"` is the pattern `\+…` ("Workday expression mapping functions for Microsoft Entra ID
 * provisioning"). An attribute's name runs to its bracket, may hold brackets and quotes of its own
 * (`[emails[type eq "work"].value]`), and is taken without the white space around it.
 */
export function tokensOf(text: string): Tokens {
  const tokens: Token[] = [];
  const faults = new Faults();
  let offset = 0;
  while (offset < text.length) {
    SPACE.lastIndex = offset;
    if (SPACE.test(text)) {
      offset = SPACE.lastIndex;
      continue;
    }
    const token = tokenAt(text, offset, faults);
    tokens.push(token);
    offset = token.at.end;
  }
  return { tokens, faults: faults.all };
}

class Faults {
  readonly all: ExpressionFault[] = [];

  push(message: string, at: Span): void {
    if (this.all.length < MAX_FAULTS) this.all.push(new ExpressionFault("expression_invalid", message, at));
  }
}

function tokenAt(text: string, start: number, faults: Faults): Token {
  const letter = text.charAt(start);
  if (letter === "(" || letter === ")" || letter === ",") {
    return { type: "mark", mark: letter, at: { start, end: start + 1 } };
  }
  if (letter === '"') return textAt(text, start, faults);
  if (letter === "[") return attributeAt(text, start, faults);
  const [name] = match(NAME, text, start);
  if (name !== undefined) return { type: "name", name, at: { start, end: start + name.length } };
  return numberAt(text, start, faults) ?? signAt(text, start, faults);
}

function textAt(text: string, start: number, faults: Faults): Token {
  let value = "";
  let from = start + 1;
  for (let offset = from; offset < text.length; offset += 1) {
    const letter = text[offset];
    if (letter === '"') {
      return { type: "text", value: value + text.slice(from, offset), closed: true, at: { start, end: offset + 1 } };
    }
    if (letter !== "\\" || (text[offset + 1] !== "\\" && text[offset + 1] !== '"')) continue;
    value += text.slice(from, offset) + text.charAt(offset + 1);
    from = offset + 2;
    offset += 1;
  }
  const message = 'This text has no closing double quote. In a text, a quote is written \\" and a backslash \\\\.';
  faults.push(message, { start, end: start + 1 });
  return { type: "text", value: value + text.slice(from), closed: false, at: { start, end: text.length } };
}

function attributeAt(text: string, start: number, faults: Faults): Token {
  const end = endOfAttribute(text, start);
  const closed = text[end - 1] === "]" && end > start + 1;
  const name = text.slice(start + 1, closed ? end - 1 : end).trim();
  const at = { start, end };
  if (!closed) faults.push('This attribute has no closing "]".', { start, end: start + 1 });
  else if (name === "") faults.push("The attribute's name is missing between the brackets.", at);
  return { type: "attribute", name, closed, at };
}

/** Past the closing bracket; before what no name holds outside of inner brackets, where the closing one is missing. */
function endOfAttribute(text: string, start: number): number {
  let inner = 0;
  const longest = Math.min(text.length, start + MAX_NAME + 2);
  for (let offset = start + 1; offset < longest; offset += 1) {
    const letter = text[offset];
    if (letter === "]" && inner === 0) return offset + 1;
    if (letter === "]") inner -= 1;
    else if (letter === "[") inner += 1;
    else if (letter === "\n" || letter === "\r" || (inner === 0 && (letter === '"' || letter === ","))) {
      return withoutClose(text, start, offset);
    }
  }
  return withoutClose(text, start, longest);
}

/** A name without its closing bracket ends before the parenthesis that closes the call, and before white space. */
function withoutClose(text: string, start: number, end: number): number {
  const name = /^\[[^\]),\r\n]*/.exec(text.slice(start, end))?.[0].trimEnd() ?? "[";
  return start + name.length;
}

function numberAt(text: string, start: number, faults: Faults): Token | null {
  const [hexadecimal, digits = "", after = ""] = match(HEXADECIMAL, text, start);
  if (hexadecimal !== undefined) {
    const at = { start, end: start + hexadecimal.length };
    if (digits === "" || after !== "") {
      faults.push(`"${hexadecimal}" is no hexadecimal number, such as &H1F.`, at);
      return { type: "invalid", at };
    }
    return wholeOrFault(Number.parseInt(digits, 16), true, at, faults);
  }
  const [number, rest = ""] = match(NUMBER, text, start);
  if (number === undefined) return null;
  const at = { start, end: start + number.length };
  if (rest !== "") {
    faults.push(`"${number}" is no number, such as 5, -5 or 0.5; a text stands in double quotes.`, at);
    return { type: "invalid", at };
  }
  const value = Number(number) + 0;
  // Microsoft's own example of DateFromNum has a number beyond 2^53 that is held and printed to its last digit.
  if (String(value) === number) return { type: "number", value, hexadecimal: false, at };
  return wholeOrFault(value, false, at, faults);
}

/** Numbers beyond 2^53 would be rounded without a word. */
function wholeOrFault(value: number, hexadecimal: boolean, at: Span, faults: Faults): Token {
  if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return { type: "number", value, hexadecimal, at };
  faults.push("This number has too many digits to be held exactly; write it in double quotes.", at);
  return { type: "invalid", at };
}

function signAt(text: string, start: number, faults: Faults): Token {
  const foreign = FOREIGN.find(([sign]) => text.startsWith(sign, start));
  const operator = foreign === undefined ? COMPARISONS.find((one) => text.startsWith(one, start)) : undefined;
  if (operator !== undefined) return { type: "comparison", operator, at: { start, end: start + operator.length } };
  const letter = String.fromCodePoint(text.codePointAt(start) ?? 0);
  if (QUOTES.includes(letter)) return quotedAt(text, start, faults);
  const at = { start, end: start + (foreign?.[0] ?? letter).length };
  faults.push(foreign?.[1] ?? `${shown(letter)} has no meaning outside of a text.`, at);
  return { type: "invalid", at };
}

/** A text in quotes of another kind counts as one fault, however long it is. */
function quotedAt(text: string, start: number, faults: Faults): Token {
  const kind = text[start] === "'" ? "a single quote" : "a typographic quote, as web pages and documents have it";
  CLOSING_QUOTE.lastIndex = start + 1;
  const end = CLOSING_QUOTE.test(text) ? CLOSING_QUOTE.lastIndex : start + 1;
  const line = text.slice(start, end).search(/[\r\n]/);
  const at = { start, end: line < 0 ? end : start + Math.max(1, line) };
  faults.push(`A text stands in straight double quotes ("…"); this is ${kind}.`, at);
  return { type: "invalid", at };
}

function shown(letter: string): string {
  const point = (letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return /[\p{C}\p{Z}]/u.test(letter) ? `The invisible character U+${point}` : `"${letter}"`;
}

function match(pattern: RegExp, text: string, start: number): readonly (string | undefined)[] {
  pattern.lastIndex = start;
  return pattern.exec(text) ?? [];
}
