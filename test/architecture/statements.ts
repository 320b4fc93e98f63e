import { isMark, isWord } from "./imports.ts";
import type { Token } from "./tokens.ts";

/** The line of every statement that does something when its file is imported. A heuristic over tokens: see each list. */
export function linesThatRun(tokens: readonly Token[]): readonly number[] {
  return statementsOf(tokens).flatMap((statement) => (runs(statement) ? [statement[0]?.line ?? 1] : []));
}

const DECLARES: ReadonlySet<string> = new Set(
  "import export function async class abstract interface type declare const let var".split(" "),
);
/** After these, what stands in a declaration is not run by it. */
const DEFERS: ReadonlySet<string> = new Set(["=>", "function", "class"]);
/** Calls that reach out of the process or keep it alive; building a constant needs none of them. */
const REACHES =
  /^(fetch|setInterval|setTimeout|setImmediate|queueMicrotask|spawn|spawnSync|exec|execSync|execFileSync|fork|createServer|listen|connect|open|openSync|mkdirSync|mkdtempSync|readFileSync|readdirSync|writeFileSync|rmSync|DatabaseSync)$/;

function runs(statement: readonly Token[]): boolean {
  const [first] = statement;
  if (first === undefined || isMark(first, ";")) return false;
  if (isWord(first, "if")) return !isMainGuard(statement);
  if (first.kind !== "word" || !DECLARES.has(first.text)) return true;
  if (statement.slice(0, 3).some((token) => isWord(token, "interface") || isWord(token, "type"))) return false;
  for (const [index, token] of statement.entries()) {
    if (DEFERS.has(token.text)) return false;
    if (token.kind !== "word" || isMark(statement[index - 1], ".")) continue;
    if (token.text === "await") return true;
    if (REACHES.test(token.text) && isMark(statement[index + 1], "(")) return true;
  }
  return false;
}

/** `if (import.meta.main) …` is how a file may be both a program and a module. */
function isMainGuard(statement: readonly Token[]): boolean {
  const condition = statement.slice(1, 8).map((token) => token.text);
  return condition.join("") === "(import.meta.main)";
}

function statementsOf(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const statements: Token[][] = [];
  let current: Token[] = [];
  for (const [index, token] of tokens.entries()) {
    current.push(token);
    if (token.depth > 0 || !(isMark(token, ";") || (isMark(token, "}") && endsBlock(current, tokens[index + 1]))))
      continue;
    statements.push(current);
    current = [];
  }
  return current.length === 0 ? statements : [...statements, current];
}

/** A brace at the top level closes a statement, unless it closed a type within a head or an expression that goes on. */
function endsBlock(statement: readonly Token[], next: Token | undefined): boolean {
  const words = statement.slice(0, 4).map((token) => token.text);
  if (!words.some((word) => BLOCKS.has(word))) return false;
  if (next === undefined) return true;
  if (next.kind === "mark") return !["{", "|", "&", "[", ">", "<", ",", ")", "=", "."].includes(next.text);
  return !["extends", "implements", "is", "else", "satisfies", "as"].includes(next.text);
}

const BLOCKS: ReadonlySet<string> = new Set(["function", "class", "interface", "if", "for", "while", "try", "switch"]);
