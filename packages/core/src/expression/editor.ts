import { parameterAt, signatureOf } from "./arguments.ts";
import { type CompileOptions, compileExpression } from "./compile.ts";
import type { FunctionDefinition, Parameter } from "./function.ts";
import { FUNCTIONS } from "./functions/index.ts";
import { quoteText } from "./print.ts";
import { type Token, tokensOf } from "./tokens.ts";
import type { Span } from "./tree.ts";
import { WORDS } from "./words.ts";

/** What could be written at a place of a text. */
export interface Completions {
  /** What an item's `insert` takes the place of. */
  readonly at: Span;
  readonly items: readonly Completion[];
}

export interface Completion {
  readonly kind: "function" | "attribute" | "word";
  readonly label: string;
  readonly insert: string;
  /** A function's signature, or what the word is. */
  readonly detail: string;
  readonly summary: string;
}

/** What is told of the word under the pointer. */
export interface Hover {
  readonly at: Span;
  readonly title: string;
  readonly lines: readonly string[];
}

/** A fault of a text, for an editor's margin. */
export interface Diagnostic extends Span {
  readonly code: string;
  readonly message: string;
}

/** The call that a place lies in, and which of its arguments. */
interface Enclosing {
  readonly definition: FunctionDefinition | undefined;
  readonly index: number;
}

/**
 * What could be written where the cursor stands: functions, the given attributes, and the words that the parameter
 * takes. Those that begin with what is there already come first. The text may be unfinished.
 */
export function complete(text: string, offset: number, attributes: readonly string[]): Completions {
  const { tokens } = tokensOf(text.slice(0, offset));
  const last = tokens.at(-1);
  const enclosing = enclosingOf(tokens);
  const parameter = enclosing?.definition && parameterAt(enclosing.definition, enclosing.index);
  if (last?.type === "attribute" && !last.closed) {
    const typed = text.slice(last.at.start + 1, offset).trim();
    return { at: wholeOf(text, last, offset), items: ranked(typed, attributes.map(attributeItem)) };
  }
  if (last?.type === "text" && !last.closed) {
    const items = choicesOf(parameter).map((choice) => ({ ...choice, insert: quoteText(choice.label) }));
    return { at: wholeOf(text, last, offset), items: ranked(last.value, items) };
  }
  const choices = choicesOf(parameter);
  const functions = [...FUNCTIONS.values()].map(functionItem);
  if (last?.type === "name" && last.at.end === offset) {
    const items = [...choices, ...functions, ...wordItems(), ...attributes.map(attributeItem)];
    return { at: wholeOf(text, last, offset), items: ranked(last.name, items) };
  }
  const at = { start: offset, end: offset };
  const open = last === undefined || last.type === "comparison" || (last.type === "mark" && last.mark !== ")");
  if (!open) return { at, items: [] };
  return { at, items: [...choices, ...attributes.map(attributeItem), ...functions, ...wordItems()] };
}

/** What is known of the function, the word or the argument at a place; `null` where there is nothing to tell. */
export function hover(text: string, offset: number): Hover | null {
  const { tokens } = tokensOf(text);
  const index = tokens.findIndex(({ at }) => at.start <= offset && offset < at.end);
  const token = tokens[index];
  if (token === undefined) return null;
  const next = tokens[index + 1];
  const called = token.type === "name" && next?.type === "mark" && next.mark === "(";
  const definition = called ? FUNCTIONS.get(token.name) : undefined;
  if (definition !== undefined) {
    return { at: token.at, title: signatureOf(definition), lines: describeFunction(definition) };
  }
  if (called || token.type === "mark" || token.type === "comparison" || token.type === "invalid") return null;
  const word = token.type === "name" ? WORDS.get(token.name) : undefined;
  if (token.type === "name" && word !== undefined) return { at: token.at, title: token.name, lines: [word.summary] };
  const enclosing = enclosingOf(tokens.slice(0, index));
  const parameter = enclosing?.definition && parameterAt(enclosing.definition, enclosing.index);
  if (enclosing?.definition === undefined || parameter === undefined) return null;
  return {
    at: token.at,
    title: `${enclosing.definition.name}: ${parameter.name}`,
    lines: [describeParameter(parameter)],
  };
}

/** Everything that is wrong with a text. Without `options` every attribute counts as known. */
export function diagnose(
  text: string,
  options: CompileOptions = { attribute: () => () => null },
): readonly Diagnostic[] {
  const compiled = compileExpression(text, options);
  if (!("faults" in compiled)) return [];
  return compiled.faults.map(({ code, message, at }) => ({ code, message, start: at.start, end: at.end }));
}

/** A function's documentation in lines: what it does, its parameters, an example. */
export function describeFunction(definition: FunctionDefinition): readonly string[] {
  const { summary, parameters, example } = definition;
  const notes = [
    ...(definition.volatile ? ["Only in a field that is applied on create."] : []),
    ...(definition.place === "top" ? ["Only as the outermost function."] : []),
    ...(definition.place === "result" ? ["Only where its value is the whole result."] : []),
  ];
  return [
    summary,
    ...parameters.map((parameter) => `  ${parameter.name}: ${describeParameter(parameter)}`),
    ...notes,
    `${example.expression} → ${JSON.stringify(example.value)}`,
  ];
}

function describeParameter({ type, summary, optional, repeats, choices }: Parameter): string {
  const marks = [
    type === "any" ? "any value" : type,
    ...(optional ? ["optional"] : []),
    ...(repeats ? ["repeats"] : []),
  ];
  const words = choices === undefined ? "" : ` One of ${choices.join(", ")}.`;
  return `${summary} (${marks.join(", ")})${words}`;
}

function enclosingOf(tokens: readonly Token[]): Enclosing | null {
  const open: { definition: FunctionDefinition | undefined; index: number }[] = [];
  for (const [position, token] of tokens.entries()) {
    if (token.type !== "mark") continue;
    const before = tokens[position - 1];
    if (token.mark === "(") {
      open.push({ definition: before?.type === "name" ? FUNCTIONS.get(before.name) : undefined, index: 0 });
    } else if (token.mark === ")") open.pop();
    else {
      const call = open.at(-1);
      if (call !== undefined) call.index += 1;
    }
  }
  return open.at(-1) ?? null;
}

/** The whole of the word that the cursor stands in, also what of it stands behind the cursor. */
function wholeOf(text: string, { at, type }: Token, offset: number): Span {
  const whole = tokensOf(text).tokens.find((token) => token.at.start === at.start && token.type === type);
  const closed = whole !== undefined && (!("closed" in whole) || whole.closed);
  return { start: at.start, end: closed ? Math.max(whole.at.end, offset) : offset };
}

function ranked(typed: string, items: readonly Completion[]): readonly Completion[] {
  const part = typed.toLowerCase();
  const fitting = items.filter(({ label }) => label.toLowerCase().includes(part));
  const first = fitting.filter(({ label }) => label.toLowerCase().startsWith(part));
  return [...first, ...fitting.filter((item) => !first.includes(item))];
}

function functionItem(definition: FunctionDefinition): Completion {
  const { name, summary, parameters } = definition;
  const insert = parameters.length === 0 ? `${name}()` : `${name}(`;
  return { kind: "function", label: name, insert, detail: signatureOf(definition), summary };
}

function attributeItem(name: string): Completion {
  return { kind: "attribute", label: name, insert: `[${name}]`, detail: "attribute of the source", summary: "" };
}

function wordItems(): readonly Completion[] {
  return [...WORDS].map(([name, { summary }]) => ({
    kind: "word",
    label: name,
    insert: name,
    detail: "word",
    summary,
  }));
}

function choicesOf(parameter: Parameter | undefined): readonly Completion[] {
  const { choices = [], type, name = "", summary = "" } = parameter ?? {};
  return choices.map((label) => {
    const insert = type === "name" ? label : quoteText(label);
    return { kind: "word", label, insert, detail: name, summary };
  });
}
