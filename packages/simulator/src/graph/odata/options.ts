import { malformed, unsupportedQuery } from "../request.ts";

/** The OData system query options of one request, names in lower case without `$`. */
export interface QueryOptions {
  readonly select: readonly string[] | null;
  readonly expand: string | null;
  readonly filter: string | null;
  readonly search: string | null;
  readonly orderby: string | null;
  readonly count: boolean;
  readonly top: number | null;
  readonly skip: number | null;
  readonly skiptoken: string | null;
  readonly deltatoken: string | null;
  readonly format: string | null;
}

const KNOWN = new Set("select expand filter search orderby count top skiptoken deltatoken format skip".split(" "));

/** Reads the query string. The `$` is optional, as in Graph v1.0 ("Use query parameters"). */
export function parseOptions(search: string): QueryOptions {
  const values = new Map<string, string>();
  for (const [rawName, value] of new URLSearchParams(search)) {
    const name = rawName.replace(/^\$/, "").toLowerCase();
    if (!KNOWN.has(name)) {
      if (rawName.startsWith("$")) throw malformed(`The query parameter '${rawName}' is not supported.`);
      continue;
    }
    if (values.has(name))
      throw malformed(`Query option '$${name}' was specified more than once, but it must be specified at most once.`);
    values.set(name, value);
  }
  const text = (name: string): string | null => values.get(name) ?? null;
  return {
    select: listOf(text("select")),
    expand: text("expand"),
    filter: text("filter"),
    search: text("search"),
    orderby: text("orderby"),
    count: booleanOf(text("count")),
    top: topOf(text("top")),
    skip: skipOf(text("skip")),
    skiptoken: text("skiptoken"),
    deltatoken: text("deltatoken"),
    format: text("format"),
  };
}

function listOf(text: string | null): readonly string[] | null {
  if (text === null || text.trim() === "" || text.trim() === "*") return null;
  return [
    ...new Set(
      text
        .split(",")
        .map((name) => name.trim())
        .filter(Boolean),
    ),
  ];
}

function booleanOf(text: string | null): boolean {
  if (text === null || text === "false") return false;
  if (text === "true") return true;
  throw malformed(`Invalid value '${text}' for $count query option found. Valid values are 'true' and 'false'.`);
}

function topOf(text: string | null): number | null {
  if (text === null) return null;
  if (!/^-?\d+$/.test(text)) throw malformed(`Invalid value '${text}' for $top query option found.`);
  const top = Number(text);
  if (top < 1 || top > 999) {
    throw unsupportedQuery(`Invalid page size specified: '${text}'. Must be between 1 and 999 inclusive.`);
  }
  return top;
}

function skipOf(text: string | null): number | null {
  if (text === null) return null;
  if (!/^\d+$/.test(text)) throw malformed(`Invalid value '${text}' for $skip query option found.`);
  return Number(text);
}

/** Refuses every option that the operation's page does not name. */
export function refuseOptions(options: QueryOptions, allowed: readonly (keyof QueryOptions)[]): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === null || value === false || name === "format" || allowed.includes(name as keyof QueryOptions))
      continue;
    throw unsupportedQuery(`Unsupported Query. The query option '$${name}' is not supported for this resource.`);
  }
}

/** The query string of a next link: what was asked, with the new token in place of any old one. */
export function withToken(search: string, name: "$skiptoken" | "$deltatoken", token: string): string {
  const kept = search.split("&").filter((part) => part !== "" && !/^(\$|%24)?(skip|delta)token=/i.test(part));
  return [...kept, `${name}=${token}`].join("&");
}
