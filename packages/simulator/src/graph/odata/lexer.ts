import { malformed } from "../request.ts";

/** One token of a filter expression. */
export interface Token {
  readonly type: "name" | "literal" | "punctuation" | "end";
  readonly text: string;
  readonly value?: string | number | boolean | null;
  readonly at: number;
}

const PATTERN =
  /\s*(?:('(?:[^']|'')*')|([0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})|(\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2})?)?)|(-?\d+(?:\.\d+)?)(?![\w-])|(\$?[\p{L}_@][\p{L}\p{N}_.@]*)|([(),:/]))/uy;

/** Splits a filter expression (OData 4.01 URL conventions, section 5.1.1). */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  PATTERN.lastIndex = 0;
  let at = 0;
  while (text.slice(at).trim() !== "") {
    PATTERN.lastIndex = at;
    const match = PATTERN.exec(text);
    if (match === null) throw syntaxError(at, text);
    tokens.push(tokenOf(match, at));
    at = PATTERN.lastIndex;
  }
  tokens.push({ type: "end", text: "", at });
  return tokens;
}

function tokenOf(match: RegExpExecArray, at: number): Token {
  const [, quoted, guid, date, number, name, punctuation] = match;
  if (quoted !== undefined) {
    return { type: "literal", text: quoted, value: quoted.slice(1, -1).replaceAll("''", "'"), at };
  }
  const bare = guid ?? date;
  if (bare !== undefined) return { type: "literal", text: bare, value: bare, at };
  if (number !== undefined) return { type: "literal", text: number, value: Number(number), at };
  if (name === "true" || name === "false") return { type: "literal", text: name, value: name === "true", at };
  if (name === "null") return { type: "literal", text: name, value: null, at };
  if (name !== undefined) return { type: "name", text: name, at };
  return { type: "punctuation", text: punctuation ?? "", at };
}

export function syntaxError(at: number, text: string): Error {
  return malformed(`Invalid filter clause: Syntax error at position ${at} in '${text}'.`);
}
