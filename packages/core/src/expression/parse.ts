import { ExpressionFault } from "./fault.ts";
import { MAX_ARGUMENTS, MAX_DEPTH, MAX_EXPRESSION_LENGTH, MAX_FAULTS } from "./limits.ts";
import { type Token, tokensOf } from "./tokens.ts";
import type { Span, Tree } from "./tree.ts";

/**
 * Reads an expression ("Reference for writing expressions for attribute mappings in Microsoft Entra ID"). Beside calls,
 * an attribute or a constant may stand alone, as it does in a synchronizationSchema. Parentheses may group a comparison.
 * Answers every fault that can be told from the others, in the order in which they stand.
 */
export function parse(
  text: string,
): { readonly tree: Tree } | { readonly faults: readonly [ExpressionFault, ...ExpressionFault[]] } {
  if (text.length > MAX_EXPRESSION_LENGTH) {
    const message = `The expression has ${text.length} characters; at most ${MAX_EXPRESSION_LENGTH} are allowed.`;
    const at = { start: MAX_EXPRESSION_LENGTH, end: text.length };
    return { faults: [new ExpressionFault("expression_too_large", message, at)] };
  }
  const { tokens, faults } = tokensOf(text);
  const parser = new Parser(tokens, text.length);
  const tree = parser.whole();
  const [first, ...rest] = inOrder([...faults, ...parser.faults]);
  return first === undefined ? { tree } : { faults: [first, ...rest] };
}

/** By where they stand; of several at one place the first that was found, for the others follow from it. The first MAX_FAULTS. */
export function inOrder(faults: readonly ExpressionFault[]): readonly ExpressionFault[] {
  const first = new Map<number, ExpressionFault>();
  for (const fault of faults) if (!first.has(fault.at.start)) first.set(fault.at.start, fault);
  return [...first.values()].sort((a, b) => a.at.start - b.at.start).slice(0, MAX_FAULTS);
}

class Parser {
  readonly faults: ExpressionFault[] = [];
  readonly #tokens: readonly Token[];
  readonly #end: Span;
  #position = 0;
  /** Set beyond the bound of depth: what follows would be noise. */
  #stopped = false;

  constructor(tokens: readonly Token[], length: number) {
    this.#tokens = tokens;
    this.#end = { start: length, end: length };
  }

  whole(): Tree {
    if (this.#tokens.length === 0) {
      this.#fault("The expression is empty.", this.#end);
      return { type: "empty", at: this.#end };
    }
    this.#leadingEquals();
    const tree = this.#expression(1);
    const rest = this.#peek();
    if (rest !== undefined && this.#isMark(")")) this.#fault('This ")" closes nothing.', rest.at);
    else if (rest !== undefined) this.#misplaced(rest);
    return tree;
  }

  /** What spreadsheets begin with. What follows is read as if it were not there. */
  #leadingEquals(): void {
    const token = this.#peek();
    if (token?.type !== "comparison" || token.operator !== "=") return;
    this.#fault('An expression begins without "=": leave it out.', token.at);
    this.#position += 1;
  }

  #expression(depth: number): Tree {
    const left = this.#operand(depth);
    const token = this.#peek();
    if (token?.type !== "comparison") return left;
    this.#position += 1;
    const right = this.#operand(depth);
    const next = this.#peek();
    if (next?.type === "comparison") {
      this.#fault("A comparison has two sides; put one of two comparisons in an IIF of its own.", next.at);
      this.#recover();
    }
    const at = { start: left.at.start, end: right.at.end };
    return { type: "comparison", operator: token.operator, left, right, at };
  }

  #operand(depth: number): Tree {
    const token = this.#peek();
    if (token === undefined || token.type === "comparison" || (token.type === "mark" && token.mark !== "(")) {
      return this.#missing(token);
    }
    if (depth > MAX_DEPTH) return this.#tooDeep(token.at);
    this.#position += 1;
    const { at } = token;
    switch (token.type) {
      case "text":
        return { type: "text", value: token.value, at };
      case "number":
        return { type: "number", value: token.value, hexadecimal: token.hexadecimal, at };
      case "attribute":
        return { type: "attribute", name: token.name, at };
      case "name":
        return this.#isMark("(") ? this.#call(token.name, at, depth) : { type: "name", name: token.name, at };
      case "mark":
        return this.#group(at, depth);
      case "invalid":
        return { type: "empty", at };
    }
  }

  #missing(token: Token | undefined): Tree {
    const before = this.#tokens[this.#position - 1];
    const where = before === undefined ? "here" : `after ${inWords(before)}`;
    this.#fault(`A value is missing ${where}.`, token?.at ?? this.#end);
    return { type: "empty", at: token?.at ?? this.#end };
  }

  #tooDeep(at: Span): Tree {
    const message = `The expression nests deeper than ${MAX_DEPTH} levels.`;
    this.#fault(message, at, "expression_too_large");
    this.#stopped = true;
    this.#position = this.#tokens.length;
    return { type: "empty", at };
  }

  #group(open: Span, depth: number): Tree {
    const tree = this.#expression(depth + 1);
    if (!this.#isMark(")")) this.#unexpected(open);
    if (this.#isMark(")")) this.#position += 1;
    return tree;
  }

  #call(name: string, start: Span, depth: number): Tree {
    const open = this.#peek()?.at ?? start;
    this.#position += 1;
    const args: Tree[] = [];
    const ended = (): Tree => {
      const last = this.#tokens[this.#position - 1]?.at ?? open;
      return { type: "call", name, args, at: { start: start.start, end: last.end } };
    };
    if (this.#isMark(")")) {
      this.#position += 1;
      return ended();
    }
    for (;;) {
      args.push(this.#argument(depth));
      if (args.length === MAX_ARGUMENTS + 1) {
        this.#fault(`${name} has more than ${MAX_ARGUMENTS} arguments.`, start, "expression_too_large");
      }
      if (!this.#isMark(",") && !this.#isMark(")")) this.#unexpected(open);
      const comma = this.#isMark(",");
      if (!comma && !this.#isMark(")")) return ended();
      this.#position += 1;
      if (!comma) return ended();
    }
  }

  #argument(depth: number): Tree {
    const token = this.#peek();
    if (token !== undefined && (this.#isMark(",") || this.#isMark(")"))) {
      return { type: "empty", at: { start: token.at.start, end: token.at.start } };
    }
    if (token === undefined) return { type: "empty", at: this.#end };
    return this.#expression(depth + 1);
  }

  /** Faults what stands where a comma or the closing parenthesis should, and goes on behind it. */
  #unexpected(open: Span): void {
    const token = this.#peek();
    if (token !== undefined) {
      this.#misplaced(token);
      this.#recover();
    }
    // A text that is not closed took the parenthesis with it.
    const last = this.#tokens.at(-1);
    if (this.#peek() === undefined && !(last?.type === "text" && !last.closed)) {
      this.#fault('This "(" is never closed.', open);
    }
  }

  /** What follows a word that was faulted already may well belong to it. */
  #misplaced(token: Token): void {
    const before = this.#tokens[this.#position - 1];
    if (before?.type !== "invalid") this.#fault(afterValue(token, before), token.at);
  }

  /** To the next comma or closing parenthesis of the same call. */
  #recover(): void {
    let inner = 0;
    for (let token = this.#peek(); token !== undefined; token = this.#peek()) {
      if (token.type === "mark") {
        if (inner === 0 && token.mark !== "(") return;
        if (token.mark === "(") inner += 1;
        if (token.mark === ")") inner -= 1;
      }
      this.#position += 1;
    }
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#position];
  }

  #isMark(mark: "(" | ")" | ","): boolean {
    const token = this.#peek();
    return token?.type === "mark" && token.mark === mark;
  }

  #fault(message: string, at: Span, code: "expression_invalid" | "expression_too_large" = "expression_invalid"): void {
    if (!this.#stopped && this.faults.length < MAX_FAULTS) this.faults.push(new ExpressionFault(code, message, at));
  }
}

/** What is wrong with a word that follows a value. */
function afterValue(token: Token, before: Token | undefined): string {
  if (token.type === "name" && /^and$/i.test(token.name)) {
    return "There is no AND: nest one IIF in the other's second value.";
  }
  if (token.type === "name" && /^or$/i.test(token.name)) {
    return "There is no OR: nest one IIF in the other's third value.";
  }
  if (token.type === "mark" && token.mark === ",") return "A comma stands only between the arguments of a function.";
  const close = before?.type === "text" && before.at.end === token.at.start;
  const quote = close ? ' If the quote before it belongs to the text, write it \\".' : "";
  if (before?.type === "name") return `After ${before.name} a "(" is missing, or a comma before ${inWords(token)}.`;
  return `A comma is missing before ${inWords(token)}.${quote}`;
}

function inWords(token: Token): string {
  switch (token.type) {
    case "name":
      return token.name;
    case "attribute":
      return `[${token.name}]`;
    case "text":
      return "this text";
    case "number":
      return "this number";
    case "comparison":
      return `"${token.operator}"`;
    case "mark":
      return `"${token.mark}"`;
    case "invalid":
      return "this";
  }
}
