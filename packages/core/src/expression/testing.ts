import type { Value } from "../model/value.ts";
import { parameterAt } from "./arguments.ts";
import { type CompiledExpression, type CompileOptions, compileExpression } from "./compile.ts";
import type { EvaluationContext } from "./context.ts";
import { FUNCTIONS } from "./functions/index.ts";
import { quoteText } from "./print.ts";
import { COMPARISONS, type Tree } from "./tree.ts";

/** A whole number from 0 to below `limit`. */
export type Chance = (limit: number) => number;

/** A generator of the tests' own (mulberry32), so that a seed means the same on every machine. */
export function chance(seed: number): Chance {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

function one<T>(from: readonly T[], pick: Chance): T {
  const chosen = from[pick(from.length)];
  if (chosen === undefined) throw new Error("There is nothing to choose from.");
  return chosen;
}

const NAMES = ["givenName", "surname", "mail", "proxyAddresses", "employeeHireDate", "level", "active", "manager"];
const TEXTS = [
  "",
  " ",
  "a",
  "A b-c",
  "İıß",
  "👩‍👩‍👧 ZOË",
  "e\u0301",
  "\ud800",
  "True",
  "false",
  "0",
  "-12.5",
  "1e3",
  "999999999999999999999",
  "2020-02-29",
  "2009-06-15T01:45:30-07:00",
  "8/25/2021 5:41:18 PM",
  "yyyy-MM-dd",
  "M/d/yyyy h:mm:ss tt",
  "d",
  "ww",
  "tr-TR",
  "ana@contoso.com",
  "SMTP:ana@contoso.com",
  "[a-z]+",
  "(?<x>\\d+)",
  "(a+)+$",
  "(?=x)",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what Replace puts a group in for.
  "${x}",
  "x",
  "[",
  '"\\',
  "a,b;c",
  "line\nbreak",
  "\u0000",
];
const NUMBERS = ["0", "1", "-1", "2", "5", "1.5", "-0.000001", "255", "256", "9007199254740991", "&HF", "&HFF7"];
const WORDS = ["True", "False", "IgnoreAttributeFlow", "vbTextCompare", "vbBinaryCompare", "AND", "nothing"];

/** An expression that mostly keeps the rules: arguments of the right kind and number more often than not. */
export function makeExpression(pick: Chance, depth: number = 4): string {
  const kind = pick(depth > 0 ? 12 : 6);
  if (kind < 2) return `[${one(NAMES, pick)}]`;
  if (kind < 4) return quoteText(one(TEXTS, pick));
  if (kind === 4) return one(NUMBERS, pick);
  if (kind === 5) return pick(3) === 0 ? one(WORDS, pick) : one(NUMBERS, pick);
  if (kind === 6 && pick(2) === 0) {
    return `(${makeExpression(pick, depth - 1)}) ${one(COMPARISONS, pick)} (${makeExpression(pick, depth - 1)})`;
  }
  return makeCall(pick, depth);
}

function makeCall(pick: Chance, depth: number): string {
  const definition = one([...FUNCTIONS.values()], pick);
  const count = pick(12) === 0 ? pick(9) : definition.parameters.length + (pick(4) === 0 ? 2 * pick(3) : 0);
  const args = Array.from({ length: count }, (_, index) => {
    const parameter = parameterAt(definition, index);
    if (parameter === undefined || pick(10) === 0) return makeExpression(pick, depth - 1);
    if (parameter.optional && pick(3) === 0) return "";
    if (parameter.choices !== undefined && pick(4) > 0) {
      const word = one(parameter.choices, pick);
      return parameter.type === "name" ? word : quoteText(word);
    }
    if (parameter.type === "number" && pick(2) === 0) return one(NUMBERS, pick);
    if (parameter.type === "boolean" && pick(2) === 0) {
      return `[${one(NAMES, pick)}] ${one(COMPARISONS, pick)} ${makeExpression(pick, 0)}`;
    }
    if (parameter.type === "date" && pick(2) === 0) return "CDate([employeeHireDate])";
    return makeExpression(pick, depth - 1);
  });
  return `${definition.name}(${args.join(pick(2) === 0 ? "," : " ,\n ")})`;
}

const PIECES = [
  '"',
  "\\",
  "[",
  "]",
  "(",
  ")",
  ",",
  "=",
  "<>",
  "&H",
  "-",
  ".",
  "'",
  "“",
  "\u200b",
  "\ud83d",
  "é",
  " ",
  "\n",
];

/** The same text with some letters taken out, put in, repeated or moved. */
export function mutate(text: string, pick: Chance): string {
  let mutated = text;
  for (let times = 1 + pick(4); times > 0; times -= 1) {
    const from = pick(mutated.length + 1);
    const to = Math.min(mutated.length, from + 1 + pick(6));
    const piece = mutated.slice(from, to);
    const put = [one(PIECES, pick), String.fromCharCode(pick(0x10000)), piece + piece, "", one(TEXTS, pick)][pick(5)];
    mutated = mutated.slice(0, from) + (put ?? "") + mutated.slice(pick(2) === 0 ? from : to);
  }
  return mutated;
}

/** Values of every kind, also some that no attribute should have. */
export function makeContext(pick: Chance): EvaluationContext {
  const attributes = Object.fromEntries(
    NAMES.filter(() => pick(8) > 0).map((name) => [name, name === "manager" ? { $ref: "m1" } : makeValue(pick, 2)]),
  );
  const record = { kind: "user", id: "u1", attributes, manager: null, removed: null } as const;
  const creation = {
    now: 1_600_000_000_000 + pick(2_000_000_000),
    guid: () => "00aa00aa-bb11-cc22-dd33-44ee44ee44ee",
    random: (limit: number) => {
      if (!Number.isInteger(limit) || limit < 1) throw new Error(`a random number below ${limit}`);
      return pick(limit);
    },
  };
  return { record, ...(pick(3) > 0 ? { creation } : {}), ...(pick(2) === 0 ? { isTaken: () => pick(2) === 0 } : {}) };
}

function makeValue(pick: Chance, depth: number): Value {
  const kind = pick(depth > 0 ? 12 : 9);
  if (kind < 5) return one(TEXTS, pick);
  if (kind === 5) return one([0, -1, 1.5, 12, 1e21, 1e-7, 132539615990000000], pick);
  if (kind === 6) return pick(2) === 0;
  if (kind === 7) return null;
  if (kind === 8) return one(["a", "Ä", "😀", "ab ", "9"], pick).repeat(pick(40));
  if (kind === 9) return { value: makeValue(pick, depth - 1) };
  return Array.from({ length: pick(4) }, () => makeValue(pick, depth - 1));
}

/** Attributes are read by their bare names; a few are refused, as an unknown one would be. */
export const READ_BY_NAME: CompileOptions = {
  attribute: (name) => (name === "surName" ? "There is no such attribute." : ({ record }) => record.attributes[name]),
};

/** What a test compiles to be evaluated. @throws Error with the faults */
export function compiled(text: string, options: CompileOptions = READ_BY_NAME): CompiledExpression {
  const answer = compileExpression(text, options);
  if ("expression" in answer) return answer.expression;
  throw new Error(`${text}: ${answer.faults.map(({ column, message }) => `${column}: ${message}`).join(" ")}`);
}

/** Whether two trees are the same but for where they stand. */
export function sameTree(a: Tree, b: Tree): boolean {
  if (a.type === "call") {
    if (b.type !== "call" || a.name !== b.name || a.args.length !== b.args.length) return false;
    return a.args.every((arg, index) => {
      const other = b.args[index];
      return other !== undefined && sameTree(arg, other);
    });
  }
  if (a.type === "comparison") {
    return (
      b.type === "comparison" && a.operator === b.operator && sameTree(a.left, b.left) && sameTree(a.right, b.right)
    );
  }
  const strip = ({ at: _, ...rest }: Tree) => JSON.stringify(rest);
  return strip(a) === strip(b);
}
