import type { Json } from "../tenant/types.ts";
import { type Context, isEventual } from "./context.ts";
import { syntaxError, type Token, tokenize } from "./odata/lexer.ts";
import { withToken } from "./odata/options.ts";
import { sealPosition, unsealPosition } from "./odata/position.ts";
import { type GraphResponse, malformed, unsupportedQuery } from "./request.ts";

/** A record of a collection that is no part of the directory's users and groups. */
export type PlainRecord = Readonly<Record<string, Json>>;

const DEFAULT_PAGE = 100;

/**
 * Answers a page of records that are already rendered: `$filter` with `eq`, `ne`, `startswith`, `in`, `and`, `or`;
 * `$search` and `$orderby` on one property; `$select`, `$top`, `$count`. `set` is the name in `@odata.context`.
 */
export function plainPage(context: Context, set: string, records: readonly PlainRecord[]): GraphResponse {
  const { options, base, request } = context;
  const eventual = isEventual(context);
  const matching = records.filter(predicateOf(context));
  if (options.orderby !== null) {
    if (options.filter !== null && !eventual) throw unsupportedQuery("Sorting not supported for current query.");
    const [name = "", direction = "asc"] = options.orderby.trim().split(/\s+/);
    const sign = direction.toLowerCase() === "desc" ? -1 : 1;
    matching.sort((a, b) => sign * String(a[name] ?? "").localeCompare(String(b[name] ?? "")));
  }
  const position = options.skiptoken === null ? { page: 1, after: -1 } : unsealPosition(options.skiptoken);
  if (position === null) throw malformed("The specified skip token is not valid.");
  const start = position.after + 1;
  const end = start + (options.top ?? DEFAULT_PAGE);
  const next = sealPosition({ page: position.page + 1, after: end - 1 });
  return {
    status: 200,
    json: {
      "@odata.context": `${base}/$metadata#${set}${options.select === null ? "" : `(${options.select.join(",")})`}`,
      ...(options.count && eventual && position.page === 1 ? { "@odata.count": matching.length } : {}),
      ...(end < matching.length
        ? {
            "@odata.nextLink": `${base}/${request.segments.join("/")}?${withToken(request.search, "$skiptoken", next)}`,
          }
        : {}),
      value: matching.slice(start, end).map((record) => selected(context, record)),
    },
  };
}

/** `/$count` of such a collection. */
export function plainCount(context: Context, records: readonly PlainRecord[]): GraphResponse {
  if (!isEventual(context)) throw malformed("$count is not currently supported.");
  const count = records.filter(predicateOf(context)).length;
  return { status: 200, headers: { "content-type": "text/plain" }, text: String(count) };
}

/** One such record. */
export function plainEntity(context: Context, set: string, record: PlainRecord, status = 200): GraphResponse {
  return {
    status,
    json: { "@odata.context": `${context.base}/$metadata#${set}/$entity`, ...selected(context, record) },
  };
}

function selected({ options }: Context, record: PlainRecord): PlainRecord {
  if (options.select === null) return record;
  return Object.fromEntries(options.select.map((name) => [name, record[name] ?? null]));
}

type Test = (record: PlainRecord) => boolean;

function predicateOf({ options, ...context }: Context): Test {
  if (options.search !== null) return searchOf({ ...context, options }, options.search);
  if (options.filter === null) return () => true;
  const advanced = isEventual({ ...context, options }) && options.count;
  return new PlainFilter(options.filter, advanced).parse();
}

function searchOf(context: Context, search: string): Test {
  if (!isEventual(context)) {
    throw unsupportedQuery(
      "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'",
    );
  }
  const match = /^"(\w+):(.*)"$/.exec(search.trim());
  if (match === null) throw malformed(`Syntax error: the $search clause '${search}' is not valid.`);
  const [, name = "", wanted = ""] = match;
  return (record) =>
    String(record[name] ?? "")
      .toLowerCase()
      .includes(wanted.toLowerCase());
}

class PlainFilter {
  readonly #text: string;
  readonly #advanced: boolean;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string, advanced: boolean) {
    this.#text = text;
    this.#advanced = advanced;
    this.#tokens = tokenize(text);
  }

  parse(): Test {
    const test = this.#either();
    if (this.#peek().type !== "end") throw this.#error();
    return test;
  }

  #either(): Test {
    let left = this.#both();
    while (this.#take("or")) {
      const [first, second] = [left, this.#both()];
      left = (record) => first(record) || second(record);
    }
    return left;
  }

  #both(): Test {
    let left = this.#one();
    while (this.#take("and")) {
      const [first, second] = [left, this.#one()];
      left = (record) => first(record) && second(record);
    }
    return left;
  }

  #one(): Test {
    if (this.#take("(")) {
      const inner = this.#either();
      this.#expect(")");
      return inner;
    }
    const name = this.#next();
    if (name.type !== "name") throw this.#error();
    if (this.#take("(")) return this.#startsWith(name.text);
    const operator = this.#next().text.toLowerCase();
    if (operator === "in") return this.#in(name.text);
    if (operator !== "eq" && operator !== "ne") {
      throw unsupportedQuery(`Unsupported Query. The operator '${operator}' is not supported here.`);
    }
    if (operator === "ne" && !this.#advanced) {
      throw unsupportedQuery(
        "Unsupported Query. The filter needs the header 'ConsistencyLevel: eventual' and '$count=true'.",
      );
    }
    const wanted = this.#literal();
    return (record) => same(record[name.text] ?? null, wanted) === (operator === "eq");
  }

  #startsWith(name: string): Test {
    if (name.toLowerCase() !== "startswith")
      throw unsupportedQuery(`Unsupported Query. The function '${name}' is not supported here.`);
    const property = this.#next().text;
    this.#expect(",");
    const wanted = String(this.#literal()).toLowerCase();
    this.#expect(")");
    return (record) =>
      String(record[property] ?? "")
        .toLowerCase()
        .startsWith(wanted);
  }

  #in(name: string): Test {
    this.#expect("(");
    const wanted: Json[] = [this.#literal()];
    while (this.#take(",")) wanted.push(this.#literal());
    this.#expect(")");
    return (record) => wanted.some((one) => same(record[name] ?? null, one));
  }

  #literal(): Json {
    const token = this.#next();
    if (token.type !== "literal") throw this.#error();
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
    const token = this.#peek();
    if (token.type === "literal" || token.text.toLowerCase() !== text) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#take(text)) throw this.#error();
  }

  #error(): Error {
    return syntaxError(this.#peek().at, this.#text);
  }
}

function same(a: Json, b: Json): boolean {
  return typeof a === "string" && typeof b === "string" ? a.toLowerCase() === b.toLowerCase() : a === b;
}
