import type { Kind } from "../../state/objects.ts";
import type { Json } from "../../tenant/types.ts";
import { malformed, unsupportedQuery } from "../request.ts";
import { emptyValue, isExtension, resourceName, shapeOf, typeName } from "../schema.ts";
import { syntaxError, type Token, tokenize } from "./lexer.ts";

/** A record as a filter sees it: its id and its properties. */
export interface Filterable {
  readonly id: string;
  readonly properties: Readonly<Record<string, Json>>;
}

/** A compiled `$filter`. */
export interface Filter {
  readonly matches: (record: Filterable) => boolean;
  /** Uses an operator that needs `ConsistencyLevel: eventual` and `$count=true` ("Advanced query capabilities"). */
  readonly advanced: boolean;
  /** Ids or user names that a match must have, when the filter says so: an index can answer it. */
  readonly keys: readonly string[] | null;
}

type Literal = string | number | boolean | null;
type Test = (record: Filterable, variables: Variables) => boolean;
type Variables = Readonly<Record<string, Json>>;
interface Node {
  readonly test: Test;
  readonly keys: readonly string[] | null;
}

const OPERATORS = new Set(["eq", "ne", "ge", "le"]);

/** Compiles the subset of `$filter` that Graph documents for directory objects; what it refuses is refused here. */
export function compileFilter(kind: Kind, text: string): Filter {
  const parser = new FilterParser(kind, text);
  const node = parser.parse();
  return { matches: (record) => node.test(record, {}), advanced: parser.advanced, keys: node.keys };
}

class FilterParser {
  advanced = false;
  readonly #kind: Kind;
  readonly #text: string;
  readonly #tokens: readonly Token[];
  readonly #variables: string[] = [];
  #at = 0;

  constructor(kind: Kind, text: string) {
    this.#kind = kind;
    this.#text = text;
    this.#tokens = tokenize(text);
  }

  parse(): Node {
    const node = this.#or();
    if (this.#peek().type !== "end") throw this.#error();
    return node;
  }

  #or(): Node {
    let left = this.#and();
    while (this.#takeName("or")) left = eitherOf(left, this.#and());
    return left;
  }

  #and(): Node {
    let left = this.#unary();
    while (this.#takeName("and")) left = bothOf(left, this.#unary());
    return left;
  }

  #unary(): Node {
    if (this.#takeName("not")) {
      this.advanced = true;
      const inner = this.#unary();
      return { test: (record, variables) => !inner.test(record, variables), keys: null };
    }
    if (this.#take("(")) {
      const inner = this.#or();
      this.#expect(")");
      return inner;
    }
    const name = this.#peek();
    if (name.type !== "name") throw this.#error();
    if (this.#tokens[this.#at + 1]?.text === "(") return this.#function();
    return this.#comparison();
  }

  #function(): Node {
    const name = this.#next().text.toLowerCase();
    this.#expect("(");
    if (name !== "startswith" && name !== "endswith") {
      throw unsupportedQuery(`Unsupported Query. The function '${name}' is not supported on ${typeName(this.#kind)}.`);
    }
    if (name === "endswith") this.advanced = true;
    const path = this.#path();
    const read = this.#reader(path);
    this.#expect(",");
    const literal = this.#literal();
    this.#expect(")");
    if (typeof literal !== "string") throw this.#unsupported(path);
    const wanted = literal.toLowerCase();
    const check = name === "startswith" ? "startsWith" : "endsWith";
    return {
      test: (record, variables) => {
        const value = read(record, variables);
        return typeof value === "string" && value.toLowerCase()[check](wanted);
      },
      keys: null,
    };
  }

  #comparison(): Node {
    const path = this.#path();
    const last = path[path.length - 1];
    if (last === "any" && this.#take("(")) return this.#any(path.slice(0, -1));
    if (last === "$count") return this.#countOf(path.slice(0, -1));
    const read = this.#reader(path);
    if (this.#takeName("in")) return this.#inList(path, read);
    const operator = this.#next().text.toLowerCase();
    if (!OPERATORS.has(operator))
      throw operator === "gt" || operator === "lt" ? this.#unsupported(path) : this.#error(-1);
    const literal = this.#literal();
    if (operator === "ne") this.advanced = true;
    this.#checkLiteral(path, literal);
    return compare(path, operator, literal, read);
  }

  #inList(path: readonly string[], read: Read): Node {
    this.#expect("(");
    const wanted: Literal[] = [];
    do wanted.push(this.#literal());
    while (this.#take(","));
    this.#expect(")");
    if (wanted.length > 15) {
      throw unsupportedQuery(
        `Too many child clauses specified in search filter expression containing 'OR' operators: ${wanted.length}. Max allowed: 15.`,
      );
    }
    return wanted.map((literal) => compare(path, "eq", literal, read)).reduce(eitherOf);
  }

  #any(path: readonly string[]): Node {
    const read = this.#reader(path, true);
    if (this.#take(")")) return { test: (record, variables) => listIn(read(record, variables)).length > 0, keys: null };
    const variable = this.#next().text;
    this.#expect(":");
    this.#variables.push(variable);
    const inner = this.#or();
    this.#variables.pop();
    this.#expect(")");
    return {
      test: (record, variables) =>
        listIn(read(record, variables)).some((item) => inner.test(record, { ...variables, [variable]: item })),
      keys: null,
    };
  }

  #countOf(path: readonly string[]): Node {
    this.advanced = true;
    const read = this.#reader(path, true);
    const operator = this.#next().text.toLowerCase();
    const wanted = this.#literal();
    if ((operator !== "eq" && operator !== "ne") || wanted !== 0) throw this.#unsupported(path);
    return {
      test: (record, variables) => (listIn(read(record, variables)).length === 0) === (operator === "eq"),
      keys: null,
    };
  }

  /** How the value of a path is read; refuses what the type does not have or cannot be compared as. */
  #reader(path: readonly string[], collection = false): Read {
    const [head = "", ...rest] = path;
    if (this.#variables.includes(head)) return (_, variables) => walk(variables[head] ?? null, rest);
    if (head === "id" && rest.length === 0) return (record) => record.id;
    const shape = shapeOf(this.#kind, head);
    if (shape === undefined) {
      throw malformed(
        `Invalid filter clause: Could not find a property named '${head}' on type '${typeName(this.#kind)}'.`,
      );
    }
    const isCollection = shape === "strings" || shape === "objects";
    if (isCollection !== collection || (shape === "object" && rest.length === 0)) throw this.#unsupported(path);
    const empty = emptyValue(this.#kind, head);
    return (record) => walk(record.properties[head] ?? empty, rest);
  }

  #checkLiteral(path: readonly string[], literal: Literal): void {
    const [head = ""] = path;
    if (literal === null || this.#variables.includes(head) || path.length > 1 || isExtension(head)) return;
    const shape = shapeOf(this.#kind, path[0] ?? "");
    const wanted = shape === "boolean" ? "boolean" : shape === "number" ? "number" : "string";
    if (typeof literal === wanted) return;
    const edm = { boolean: "Edm.Boolean", number: "Edm.Int32", string: "Edm.String" };
    throw malformed(
      `Invalid filter clause: A binary operator with incompatible types was detected. Found operand types '${edm[wanted]}' and '${edm[typeof literal as keyof typeof edm]}' for operator kind 'Equal'.`,
    );
  }

  #path(): readonly string[] {
    const first = this.#next();
    if (first.type !== "name") throw this.#error(-1);
    const path = [first.text];
    while (this.#take("/")) path.push(this.#next().text);
    return path;
  }

  #literal(): Literal {
    const token = this.#next();
    if (token.type !== "literal") throw this.#error(-1);
    return token.value ?? null;
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { type: "end", text: "", at: this.#text.length };
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #take(text: string): boolean {
    if (this.#peek().type !== "punctuation" || this.#peek().text !== text) return false;
    this.#at++;
    return true;
  }

  #takeName(text: string): boolean {
    const token = this.#peek();
    if (token.type !== "name" || token.text.toLowerCase() !== text) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#take(text)) throw this.#error();
  }

  #error(offset = 0): Error {
    return syntaxError(this.#tokens[this.#at + offset]?.at ?? this.#text.length, this.#text);
  }

  #unsupported(path: readonly string[]): Error {
    const resource = resourceName(this.#kind);
    const name = path[0] ?? "";
    return unsupportedQuery(
      `Unsupported or invalid query filter clause specified for property '${name}' of resource '${resource}'.`,
    );
  }
}

type Read = (record: Filterable, variables: Variables) => Json;

function compare(path: readonly string[], operator: string, literal: Literal, read: Read): Node {
  const wanted = typeof literal === "string" ? literal.toLowerCase() : literal;
  const keys =
    operator === "eq" && path.length === 1 && (path[0] === "id" || path[0] === "userPrincipalName") && literal !== null
      ? [String(literal)]
      : null;
  return {
    keys,
    test: (record, variables) => {
      const raw = read(record, variables) ?? null;
      const value = typeof raw === "string" ? raw.toLowerCase() : raw;
      if (operator === "eq") return value === wanted;
      if (operator === "ne") return value !== wanted;
      if (typeof value !== typeof wanted || value === null || wanted === null) return false;
      return operator === "ge" ? value >= wanted : value <= wanted;
    },
  };
}

function bothOf(left: Node, right: Node): Node {
  return {
    test: (record, variables) => left.test(record, variables) && right.test(record, variables),
    keys: left.keys ?? right.keys,
  };
}

function eitherOf(left: Node, right: Node): Node {
  return {
    test: (record, variables) => left.test(record, variables) || right.test(record, variables),
    keys: left.keys === null || right.keys === null ? null : [...left.keys, ...right.keys],
  };
}

function walk(value: Json, path: readonly string[]): Json {
  let at = value;
  for (const name of path) {
    if (at === null || typeof at !== "object" || Array.isArray(at)) return null;
    at = (at as Readonly<Record<string, Json>>)[name] ?? null;
  }
  return at;
}

function listIn(value: Json): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
