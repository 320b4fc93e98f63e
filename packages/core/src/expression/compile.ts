import type { Value } from "../model/value.ts";
import { meant, parameterAt, wrongArgument, wrongCount } from "./arguments.ts";
import { compare, type Side } from "./compare.ts";
import type { EvaluationContext } from "./context.ts";
import { ExpressionFault } from "./fault.ts";
import type { Argument, Evaluate, FunctionDefinition } from "./function.ts";
import { FUNCTIONS } from "./functions/index.ts";
import { Meter } from "./meter.ts";
import { OMITTED, type Operand } from "./operand.ts";
import { inOrder, parse } from "./parse.ts";
import { type Place, placeOfArgument } from "./place.ts";
import { tokensOf } from "./tokens.ts";
import type { Span, Tree } from "./tree.ts";
import { valueOfWord } from "./words.ts";

/** How an expression's attributes are read: a function, or what is wrong with the name, which is told as it is. */
export interface CompileOptions {
  readonly attribute: (name: string) => ReadAttribute | string;
}

/** `undefined` for an attribute that was never read; `null` for one without a value. */
export type ReadAttribute = (context: EvaluationContext) => Value | undefined;

export interface CompiledExpression {
  readonly tree: Tree;
  /**
   * Never throws. An attribute that was never read makes the whole value OMITTED, for nothing can be said of it, except
   * while a record is created: there it is NULL.
   */
  readonly evaluate: (context: EvaluationContext) => { readonly value: Operand } | { readonly fault: ExpressionFault };
  /**
   * What `SelectUniqueValue` would try, in its order; `null` for an expression without it.
   * @throws ExpressionFault
   */
  readonly candidates: ((context: EvaluationContext) => readonly Operand[]) | null;
  /** The attributes that it names, as written, each once. */
  readonly attributes: readonly string[];
  /** Rests on time or chance: only where a record is created. */
  readonly volatile: boolean;
  /** `Redact` occurs: the value is shown nowhere, nor what was wrong with it. */
  readonly sensitive: boolean;
}

type Compiled =
  | { readonly expression: CompiledExpression }
  | { readonly faults: readonly [ExpressionFault, ...ExpressionFault[]] };

/** An attribute that was never read was asked for. One for all, for no one looks at its stack. */
class Unread extends Error {}
const UNREAD: Unread = new Unread("unread");

/** What constants are computed on: no function without `volatile` or `place` looks at it. */
const NOBODY: EvaluationContext = { record: { kind: "user", id: "", attributes: {}, manager: null, removed: null } };

/**
 * Compiles an expression to closures, once; what is the same for every record is computed here. Its time is bounded by
 * the bounds of limits.ts. Answers all faults that can be told from the others: at least one for every unknown function.
 */
export function compileExpression(text: string, options: CompileOptions): Compiled {
  const parsed = parse(text);
  if ("faults" in parsed) {
    const tooLarge = parsed.faults.some(({ code }) => code === "expression_too_large");
    const [first = parsed.faults[0], ...rest] = inOrder([...parsed.faults, ...(tooLarge ? [] : unknownIn(text))]);
    return { faults: [first, ...rest] };
  }
  const compiler = new Compiler(options);
  const root = compiler.node(parsed.tree, "top");
  const [first, ...rest] = inOrder(compiler.faults);
  if (first !== undefined) return { faults: [first, ...rest] };
  const { attributes, volatile, sensitive, meter } = compiler;
  const evaluate = evaluator(root.evaluate, meter, sensitive);
  const candidates = compiler.candidates;
  return { expression: { tree: parsed.tree, evaluate, candidates, attributes: [...attributes], volatile, sensitive } };
}

/** The unknown functions of a text that cannot be read as a whole. */
function unknownIn(text: string): readonly ExpressionFault[] {
  const { tokens } = tokensOf(text);
  return tokens.flatMap((token, index) => {
    const next = tokens[index + 1];
    const called = token.type === "name" && next?.type === "mark" && next.mark === "(";
    return called && !FUNCTIONS.has(token.name) ? [unknownFunction(token.name, token.at)] : [];
  });
}

function unknownFunction(name: string, { start }: Span): ExpressionFault {
  const message = `There is no function ${name}${meant(name, [...FUNCTIONS.keys()])}`;
  return invalid(message.endsWith("?") ? message : `${message}.`, { start, end: start + name.length });
}

function evaluator(root: Evaluate, meter: Meter, sensitive: boolean): CompiledExpression["evaluate"] {
  return (context) => {
    meter.restart();
    try {
      return { value: root(context) };
    } catch (error) {
      if (error === UNREAD) return { value: OMITTED };
      const fault =
        error instanceof ExpressionFault ? error : unexpected("The expression", error, { start: 0, end: 0 });
      return { fault: sensitive ? withoutValues(fault) : fault };
    }
  };
}

class Compiler {
  readonly faults: ExpressionFault[] = [];
  readonly attributes: Set<string> = new Set();
  readonly meter: Meter = new Meter();
  volatile = false;
  sensitive = false;
  candidates: CompiledExpression["candidates"] = null;
  readonly #options: CompileOptions;

  constructor(options: CompileOptions) {
    this.#options = options;
  }

  node(tree: Tree, place: Place): Argument {
    const { at } = tree;
    switch (tree.type) {
      case "text":
        return constant(tree.value, at);
      case "number":
        return constant(tree.value, at);
      case "empty":
        return { ...constant(null, at), empty: true };
      case "name":
        return this.#word(tree.name, place, at);
      case "attribute":
        return this.#attribute(tree.name, at);
      case "comparison":
        return this.#comparison(tree);
      case "call":
        return this.#call(tree, place);
    }
  }

  /** A word by itself is a value; an argument of a function that knows it is taken before it comes here. */
  #word(name: string, place: Place, at: Span): Argument {
    const value = valueOfWord(name, place);
    if (!("flaw" in value)) return { ...constant(value.value, at), word: name };
    return this.#faulted(value.flaw, at);
  }

  #attribute(name: string, at: Span): Argument {
    this.attributes.add(name);
    const read = this.#options.attribute(name);
    if (typeof read === "string") return this.#faulted(read, at);
    const { meter } = this;
    const what = `The attribute ${name}`;
    const evaluate: Evaluate = (context) => {
      const value = read(context);
      if (value === undefined) {
        if (context.creation === undefined) throw UNREAD;
        return null;
      }
      meter.count(value, what, at);
      return value;
    };
    return variable(evaluate, at);
  }

  #comparison({ operator, left, right, at }: Extract<Tree, { type: "comparison" }>): Argument {
    const a = this.node(left, "inside");
    const b = this.node(right, "inside");
    const attributes = [left.type === "attribute", right.type === "attribute"] as const;
    const evaluate: Evaluate = (context) => {
      const first: Side = { operand: a.evaluate(context), attribute: attributes[0] };
      return compare(operator, first, { operand: b.evaluate(context), attribute: attributes[1] }, at);
    };
    return a.constant === undefined || b.constant === undefined ? variable(evaluate, at) : this.#folded(evaluate, at);
  }

  #call({ name, args, at }: Extract<Tree, { type: "call" }>, place: Place): Argument {
    const definition = FUNCTIONS.get(name);
    if (definition === undefined) this.faults.push(unknownFunction(name, at));
    const known = this.faults.length;
    const bound = args.map((arg, index) => this.#argument(definition, arg, { index, place }));
    if (definition === undefined) return variable(() => null, at);
    const wrong = wrongCount(definition, args.length) ?? misplaced(definition, place);
    if (wrong !== null) return this.#faulted(wrong, { start: at.start, end: at.start + name.length });
    if (this.faults.length > known) return variable(() => null, at);
    return this.#bind(definition, bound, at);
  }

  #argument(
    definition: FunctionDefinition | undefined,
    tree: Tree,
    { index, place }: { readonly index: number; readonly place: Place },
  ): Argument {
    const parameter = definition === undefined ? undefined : parameterAt(definition, index);
    const listed = tree.type === "name" && (parameter?.type === "name" || parameter?.choices !== undefined);
    const given = listed
      ? { ...constant(tree.name, tree.at), word: tree.name }
      : this.node(tree, definition === undefined ? place : placeOfArgument(definition.name, index, place));
    const flaw = parameter && definition ? wrongArgument(definition.name, parameter, given) : null;
    if (flaw !== null) this.faults.push(invalid(flaw, tree.at));
    return given;
  }

  #bind(definition: FunctionDefinition, args: readonly Argument[], at: Span): Argument {
    const { name, volatile = false } = definition;
    this.volatile ||= volatile;
    this.sensitive ||= name === "Redact";
    let inner: Evaluate;
    try {
      inner = definition.bind(args, at, this.meter.search);
    } catch (error) {
      this.faults.push(error instanceof ExpressionFault ? error : unexpected(name, error, at));
      return variable(() => null, at);
    }
    if (definition.place === "top") this.candidates = (context) => this.#candidatesOf(args, context);
    const evaluate = guarded(name, inner, this.meter, at);
    const folds = !volatile && definition.place !== "top" && args.every((arg) => arg.constant !== undefined);
    return folds ? this.#folded(evaluate, at) : variable(evaluate, at);
  }

  #candidatesOf(args: readonly Argument[], context: EvaluationContext): readonly Operand[] {
    this.meter.restart();
    try {
      return args.map((arg) => arg.evaluate(context));
    } catch (error) {
      if (error === UNREAD) return [];
      throw error;
    }
  }

  /** The value that is the same for every record. What fails for every record is wrong already now. */
  #folded(evaluate: Evaluate, at: Span): Argument {
    try {
      return constant(evaluate(NOBODY), at);
    } catch (error) {
      const fault = error instanceof ExpressionFault ? error : unexpected("The expression", error, at);
      this.faults.push(fault.code === "expression_failed" ? invalid(fault.message, fault.at) : fault);
      return variable(() => null, at);
    } finally {
      this.meter.restart();
    }
  }

  #faulted(message: string, at: Span): Argument {
    this.faults.push(invalid(message, at));
    return variable(() => null, at);
  }
}

/** Bounds what a function answers, and gives its name to what it should never have thrown. */
function guarded(name: string, inner: Evaluate, meter: Meter, at: Span): Evaluate {
  const what = `What ${name} gives`;
  return (context) => {
    try {
      const value = inner(context);
      meter.count(value, what, at);
      return value;
    } catch (error) {
      if (error instanceof ExpressionFault || error === UNREAD) throw error;
      throw unexpected(name, error, at);
    }
  };
}

/** The engine refuses texts beyond its own bound with a RangeError; anything else is a fault of the function. */
function unexpected(name: string, error: unknown, at: Span): ExpressionFault {
  if (error instanceof RangeError) {
    return new ExpressionFault("expression_too_large", `${name} would make a value that is too large.`, at);
  }
  const detail = error instanceof Error ? error.message : String(error);
  return new ExpressionFault("expression_failed", `${name} failed unexpectedly: ${detail}.`, at);
}

function withoutValues(fault: ExpressionFault): ExpressionFault {
  const message = "The expression failed with the values that it was given; they are not shown, for it redacts them.";
  return fault.code === "expression_too_large" ? fault : new ExpressionFault(fault.code, message, fault.at);
}

function misplaced({ name, place }: FunctionDefinition, where: Place): string | null {
  if (place === "top" && where !== "top") return `${name} can only be the outermost function.`;
  if (place !== "result" || where !== "inside") return null;
  return `${name} can only stand where its value is the whole result, not as an argument of a function that uses it.`;
}

function constant(value: Operand, at: Span): Argument {
  return { evaluate: () => value, constant: value, empty: false, word: null, at };
}

function variable(evaluate: Evaluate, at: Span): Argument {
  return { evaluate, constant: undefined, empty: false, word: null, at };
}

function invalid(message: string, at: Span): ExpressionFault {
  return new ExpressionFault("expression_invalid", message, at);
}
