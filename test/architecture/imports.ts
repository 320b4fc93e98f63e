import type { Token } from "./tokens.ts";

/** One import of a file. `type` imports load nothing; `dynamic` ones load when they are called. */
export interface Import {
  /** Null when a dynamic import's module is computed. */
  readonly specifier: string | null;
  readonly form: "static" | "type" | "dynamic";
  readonly line: number;
}

/** Every import, re-export, dynamic import and `require` in the order of the text. */
export function importsOf(tokens: readonly Token[]): readonly Import[] {
  const found: Import[] = [];
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== "word" || isMark(tokens[index - 1], ".")) continue;
    const read = READERS.get(token.text)?.(tokens, index);
    if (read !== undefined && read !== null) found.push({ ...read, line: token.line });
  }
  return found;
}

type Read = Omit<Import, "line"> | null;

const READERS: ReadonlyMap<string, (tokens: readonly Token[], index: number) => Read> = new Map([
  ["import", readImport],
  ["export", readExport],
  ["require", readRequire],
]);

function readImport(tokens: readonly Token[], index: number): Read {
  const next = tokens[index + 1];
  if (isMark(next, ".")) return null; // import.meta
  if (isMark(next, "(")) return readCall(tokens, index);
  if (next?.kind === "string") return { specifier: next.text, form: "static" };
  return readFrom(tokens, index);
}

function readExport(tokens: readonly Token[], index: number): Read {
  const next = tokens[index + 1];
  const list = next?.kind === "word" && next.text === "type" ? tokens[index + 2] : next;
  return isMark(list, "{") || isMark(list, "*") ? readFrom(tokens, index) : null;
}

function readRequire(tokens: readonly Token[], index: number): Read {
  return isMark(tokens[index + 1], "(")
    ? { specifier: literal(tokens[index + 2], tokens[index + 3]), form: "dynamic" }
    : null;
}

function readCall(tokens: readonly Token[], index: number): Read {
  const specifier = literal(tokens[index + 2], tokens[index + 3]);
  const isType = isWord(tokens[index - 1], "typeof") || namesMember(tokens.slice(index + 4, index + 6));
  return { specifier, form: isType ? "type" : "dynamic" };
}

/** `import("x").Name` is a type; a promise's own methods are the only members that code asks of the call. */
function namesMember(tokens: readonly Token[]): boolean {
  const [dot, name] = tokens;
  return isMark(dot, ".") && name?.kind === "word" && !["then", "catch", "finally"].includes(name.text);
}

/** Reads up to `from "…"`; a declaration such as `export { a };` ends before. */
function readFrom(tokens: readonly Token[], index: number): Read {
  const depth = tokens[index]?.depth ?? 0;
  for (let at = index + 1; at < tokens.length; at += 1) {
    const token = tokens[at];
    const after = tokens[at + 1];
    if (token === undefined || (token.depth === depth && isMark(token, ";"))) return null;
    if (token.depth !== depth || !isWord(token, "from") || after?.kind !== "string") continue;
    // In `import type from "x"` the word is a name.
    const isType = isWord(tokens[index + 1], "type") && at > index + 2;
    return { specifier: after.text, form: isType ? "type" : "static" };
  }
  return null;
}

/** The module's name when it is the whole argument or the first of several. */
function literal(token: Token | undefined, after: Token | undefined): string | null {
  if (token === undefined || !(isMark(after, ")") || isMark(after, ","))) return null;
  return (token.kind === "string" || token.kind === "template") && token.text !== "" ? token.text : null;
}

export function isMark(token: Token | undefined, text: string): boolean {
  return token?.kind === "mark" && token.text === text;
}

export function isWord(token: Token | undefined, text: string): boolean {
  return token?.kind === "word" && token.text === text;
}
