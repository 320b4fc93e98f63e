/** A piece of TypeScript as the rules need it. `text` of a string is its content; a template's text is only kept when it has no holes. */
export interface Token {
  readonly kind: "word" | "string" | "template" | "regex" | "number" | "mark";
  readonly text: string;
  readonly line: number;
  /** How many brackets of any kind are open around it; 0 is the module's top level. */
  readonly depth: number;
}

/**
 * Cuts TypeScript (and JSX, leniently) into tokens without comments, so that a rule is not fooled by a comment, a string
 * or a template. It is no parser: what it cannot tell apart (a regular expression after a closing bracket) it reads as division.
 */
export function tokensOf(source: string): readonly Token[] {
  const tokens: Token[] = [];
  /** Depths at which a template's hole was opened: its closing brace resumes the template. */
  const holes: number[] = [];
  let at = source.startsWith("#!") ? endOf(source, 0, "\n") : 0;
  let line = 1;
  let depth = 0;
  const push = (kind: Token["kind"], text: string, atDepth = depth): void => {
    tokens.push({ kind, text, line, depth: atDepth });
  };
  const template = (): void => {
    const piece = templatePiece(source, at);
    push("template", piece.hole ? "" : piece.text);
    line += count(source, at, piece.end);
    at = piece.end;
    if (!piece.hole) return;
    depth += 1;
    holes.push(depth);
  };
  while (at < source.length) {
    const char = source.charAt(at);
    const next = source.charAt(at + 1);
    if (char === "\n") {
      line += 1;
      at += 1;
    } else if (char === "/" && next === "/") at = endOf(source, at, "\n");
    else if (char === "/" && next === "*") {
      const end = endOf(source, at + 2, "*/") + 2;
      line += count(source, at, end);
      at = end;
    } else if (char === '"' || char === "'") {
      const end = stringEnd(source, at);
      push("string", source.slice(at + 1, end));
      line += count(source, at, end);
      at = end + 1;
    } else if (char === "`") {
      at += 1;
      template();
    } else if (char === "}" && holes.at(-1) === depth) {
      holes.pop();
      depth -= 1;
      at += 1;
      template();
    } else if (char === "/" && startsRegex(tokens.at(-1))) {
      const end = regexEnd(source, at);
      push("regex", source.slice(at, end));
      at = end;
    } else if (WORD_START.test(char)) {
      const word = WORD.exec(source.slice(at, at + 200))?.[0] ?? char;
      push("word", word);
      at += word.length;
    } else if (DIGIT.test(char)) {
      const number = NUMBER.exec(source.slice(at, at + 80))?.[0] ?? char;
      push("number", number);
      at += number.length;
    } else if (SPACE.test(char)) at += 1;
    else {
      if (CLOSING.has(char)) depth -= 1;
      push("mark", char === "=" && next === ">" ? "=>" : char);
      if (OPENING.has(char)) depth += 1;
      at += char === "=" && next === ">" ? 2 : 1;
    }
  }
  return tokens;
}

const WORD_START = /[\p{ID_Start}$_#]/u;
const WORD = /^#?[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/u;
const DIGIT = /[0-9]/;
const NUMBER = /^[0-9][0-9a-zA-Z_]*(\.[0-9][0-9a-zA-Z_]*)?/;
const SPACE = /\s/;
const OPENING: ReadonlySet<string> = new Set(["(", "[", "{"]);
const CLOSING: ReadonlySet<string> = new Set([")", "]", "}"]);

/** After these words an expression begins, so a slash begins a regular expression. */
const BEFORE_EXPRESSION: ReadonlySet<string> = new Set(
  "return typeof case in of delete void throw new do else await yield instanceof default".split(" "),
);

function startsRegex(before: Token | undefined): boolean {
  if (before === undefined) return true;
  if (before.kind === "word") return BEFORE_EXPRESSION.has(before.text);
  // A slash after "<" closes a JSX element.
  return before.kind === "mark" && !CLOSING.has(before.text) && before.text !== "<";
}

function endOf(source: string, from: number, mark: string): number {
  const end = source.indexOf(mark, from);
  return end === -1 ? source.length : end;
}

function count(source: string, from: number, to: number): number {
  let lines = 0;
  for (let at = source.indexOf("\n", from); at !== -1 && at < to; at = source.indexOf("\n", at + 1)) lines += 1;
  return lines;
}

/** The closing quote, or the end of the line: a string cannot go on there, but an apostrophe in JSX text looks like one. */
function stringEnd(source: string, start: number): number {
  const quote = source.charAt(start);
  for (let at = start + 1; at < source.length; at += 1) {
    const char = source.charAt(at);
    if (char === "\\") at += 1;
    else if (char === quote) return at;
    else if (char === "\n") return at - 1;
  }
  return source.length;
}

function templatePiece(
  source: string,
  start: number,
): { readonly text: string; readonly end: number; readonly hole: boolean } {
  for (let at = start; at < source.length; at += 1) {
    const char = source.charAt(at);
    if (char === "\\") at += 1;
    else if (char === "`") return { text: source.slice(start, at), end: at + 1, hole: false };
    else if (char === "$" && source.charAt(at + 1) === "{") return { text: "", end: at + 2, hole: true };
  }
  return { text: "", end: source.length, hole: false };
}

function regexEnd(source: string, start: number): number {
  let inClass = false;
  for (let at = start + 1; at < source.length; at += 1) {
    const char = source.charAt(at);
    if (char === "\\") at += 1;
    else if (char === "\n") return at;
    else if (char === "[") inClass = true;
    else if (char === "]") inClass = false;
    else if (char === "/" && !inClass) return at + 1;
  }
  return source.length;
}
