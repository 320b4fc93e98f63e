import type { Kind } from "../../state/objects.ts";
import { malformed, unsupportedQuery } from "../request.ts";
import type { Filterable } from "./filter.ts";

const SEARCHABLE: Readonly<Record<Kind, readonly string[]>> = {
  user: ["displayName", "givenName", "surname", "mail", "mailNickname", "userPrincipalName", "proxyAddresses"],
  group: ["displayName", "description", "mail", "mailNickname"],
  orgContact: ["displayName", "givenName", "surname", "mail", "mailNickname", "proxyAddresses"],
};

/**
 * Compiles `$search` as "Use the $search query parameter" documents it for directory objects: quoted
 * `"property:text"` clauses joined by AND and OR. displayName and description match by words, the others by prefix.
 */
export function compileSearch(kind: Kind, text: string): (record: Filterable) => boolean {
  const clauses = [...text.matchAll(/\s*(AND|OR|\(|\))\s*|\s*("(?:[^"\\]|\\.)*")\s*/gy)];
  if (clauses.map((match) => match[0]).join("") !== text || clauses.length === 0) throw invalid(text);
  let position = 0;
  const next = (): RegExpExecArray | undefined => clauses[position];
  const parseOr = (): ((record: Filterable) => boolean) => {
    let left = parseAnd();
    while (next()?.[1] === "OR") {
      position++;
      const [first, second] = [left, parseAnd()];
      left = (record) => first(record) || second(record);
    }
    return left;
  };
  const parseAnd = (): ((record: Filterable) => boolean) => {
    let left = parseClause();
    while (next()?.[1] === "AND") {
      position++;
      const [first, second] = [left, parseClause()];
      left = (record) => first(record) && second(record);
    }
    return left;
  };
  const parseClause = (): ((record: Filterable) => boolean) => {
    const match = clauses[position++];
    if (match?.[1] === "(") {
      const inner = parseOr();
      if (clauses[position++]?.[1] !== ")") throw invalid(text);
      return inner;
    }
    if (match?.[2] === undefined) throw invalid(text);
    return clauseOf(kind, match[2].slice(1, -1).replaceAll(/\\(.)/g, "$1"));
  };
  const test = parseOr();
  if (position !== clauses.length) throw invalid(text);
  return test;
}

function clauseOf(kind: Kind, clause: string): (record: Filterable) => boolean {
  const colon = clause.indexOf(":");
  if (colon < 0) throw invalid(clause);
  const name = clause.slice(0, colon);
  const wanted = clause.slice(colon + 1).toLowerCase();
  const property = SEARCHABLE[kind].find((candidate) => candidate.toLowerCase() === name.toLowerCase());
  if (property === undefined) {
    throw unsupportedQuery(`Search is not supported on the property '${name}'.`);
  }
  const words = property === "displayName" || property === "description" ? tokensOf(wanted) : null;
  return ({ properties }) => {
    const value = properties[property];
    for (const text of Array.isArray(value) ? value : [value]) {
      if (typeof text !== "string") continue;
      if (words === null ? text.toLowerCase().startsWith(wanted) : holdsWords(text, words)) return true;
    }
    return false;
  };
}

function holdsWords(text: string, words: readonly string[]): boolean {
  const tokens = tokensOf(text);
  return words.every((word) => tokens.some((token) => token.startsWith(word)));
}

function tokensOf(text: string): readonly string[] {
  const spaced = text.replaceAll(/(\p{Ll})(\p{Lu})/gu, "$1 $2").replaceAll(/(\p{L})(\d)|(\d)(\p{L})/gu, "$1$3 $2$4");
  return spaced
    .toLowerCase()
    .split(/[^\p{L}\p{M}\p{N}]+/u)
    .filter(Boolean);
}

function invalid(text: string): Error {
  return malformed(`Invalid search clause: Syntax error in '${text}'.`);
}
