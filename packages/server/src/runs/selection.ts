import { attributeFlaw } from "@entrain/connectors/entra";
import {
  ConnectorError,
  compileScope,
  matchKey,
  plain,
  SCOPE_OPERATORS,
  type ScopeClause,
  type SourceKind,
} from "@entrain/core";
import { type DirectoryRow, loadRecords } from "../store/directory.ts";
import type { Store } from "../store/store.ts";
import { changedRecords, type Span } from "./candidates.ts";
import { recordOf } from "./inputs.ts";
import { nameIn } from "./names.ts";

/** What a plan is limited to: one of these. */
export interface Selection {
  /** People by object id or user principal name, groups by object id or name. */
  readonly only?: readonly string[];
  /** A group's members, nested ones included; of a sync of groups that very group. By object id or name. */
  readonly group?: string;
  /** A clause as in scopes: `department EQUALS Sales`. */
  readonly filter?: string;
}

const PAGE = 500;

/** @throws ConnectorError `usage` unless it chooses in one way, or for a filter that cannot be asked */
export function checkSelection(selection: Selection, source: SourceKind): void {
  const { only, group, filter } = selection;
  const ways = [only, group, filter].filter((way) => way !== undefined).length;
  if (ways !== 1) throw usage("Choose records by their ids, by one group, or by a filter: by one of these.");
  if (only?.length === 0) throw usage("Name at least one record.");
  if (filter !== undefined) compileFilter(filter, source);
}

/**
 * The records of the directory that a selection means, page by page. Whom the source removed are found by object id.
 * @throws ConnectorError `not_found` for a name that nobody has
 */
export async function* selectedRecords(
  span: Span,
  selection: Selection,
): AsyncGenerator<readonly DirectoryRow[], undefined> {
  checkSelection(selection, span.kind);
  const isOf = (row: DirectoryRow): boolean => row.kind === span.kind && row.sequence <= span.upto;
  const { only, group, filter } = selection;
  if (filter !== undefined) {
    const test = compileFilter(filter, span.kind);
    for await (const { rows } of everybody(span)) yield rows.filter((row) => row.removed === null && test(row));
    return;
  }
  const ids = only === undefined ? await membersOf(span, group ?? "") : await named(span, only);
  for (let at = 0; at < ids.length; at += PAGE) {
    const records = await loadRecords(span.store.db, span.sync.connection, ids.slice(at, at + PAGE));
    yield [...records.values()].filter(isOf);
  }
}

function everybody(span: Span): ReturnType<typeof changedRecords> {
  return changedRecords({ ...span, cursor: 0 });
}

/** Object ids as they are; names are looked for in the whole directory. */
async function named(span: Span, names: readonly string[]): Promise<readonly string[]> {
  const byId = await loadRecords(span.store.db, span.sync.connection, names);
  const wanted = new Map(names.filter((name) => !byId.has(name)).map((name) => [matchKey(name, {}) ?? "", name]));
  const found = new Map<string, string[]>();
  if (wanted.size > 0) {
    for await (const { rows } of everybody(span)) {
      for (const row of rows) {
        const key = matchKey(calledBy(row), {}) ?? "";
        if (row.removed === null && wanted.has(key)) found.set(key, [...(found.get(key) ?? []), row.id]);
      }
    }
  }
  for (const [key, name] of wanted) requireOne(span, name, found.get(key) ?? []);
  return [...new Set([...byId.keys(), ...[...found.values()].flat()])];
}

/** What a record is called by beside its id: people by what they sign in with, others by their name. */
function calledBy(row: DirectoryRow): string | null {
  if (row.kind !== "user") return nameIn(row.attributes);
  const { userPrincipalName } = recordOf(row).attributes;
  return typeof userPrincipalName === "string" ? userPrincipalName : null;
}

function requireOne({ kind }: Span, name: string, ids: readonly string[]): void {
  if (ids.length === 1) return;
  const what = kind === "user" ? "person" : kind;
  const by = kind === "user" ? "an object id or a user principal name" : "an object id or a name";
  const message =
    ids.length === 0
      ? `The directory has no ${what} "${plain(name)}"; give ${by}.`
      : `Several ${kind}s are called "${plain(name)}": ${ids.slice(0, 5).join(", ")}. Give the object id.`;
  throw new ConnectorError("not_found", message, { stops: "run", retry: "never" });
}

/** A group's members at any depth, in a sync of groups the group itself. */
async function membersOf(span: Span, name: string): Promise<readonly string[]> {
  const { store, sync } = span;
  const connection = sync.connection;
  const [top = ""] = await named({ ...span, kind: "group" }, [name]);
  if (span.kind === "group") return [top];
  const [seen, members] = [new Set([top]), new Set<string>()];
  for (const group of seen) {
    for await (const { id, type } of edgesOf(store, connection, group)) {
      if (type === "group") seen.add(id);
      else members.add(id);
    }
  }
  return [...members];
}

async function* edgesOf(
  store: Store,
  connection: string,
  group: string,
): AsyncGenerator<{ readonly id: string; readonly type: string }> {
  for (let after = ""; ; ) {
    const rows = await store.db
      .selectFrom("edges")
      .select(["member_id as id", "member_type as type"])
      .where("connection", "=", connection)
      .where("group_id", "=", group)
      .where("present", "=", 1)
      .where("member_id", ">", after)
      .orderBy("member_id")
      .limit(PAGE)
      .execute();
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.id;
  }
}

/** Reads `department EQUALS Sales`. @throws ConnectorError `usage` */
function clauseOf(text: string): ScopeClause {
  const [, attribute = "", rest = ""] = /^\s*(\S+)\s+(.+?)\s*$/s.exec(text) ?? [];
  const operators = SCOPE_OPERATORS.filter((one) => rest === one || rest.startsWith(`${one} `));
  const operator = operators.toSorted((a, b) => b.length - a.length)[0];
  if (operator === undefined) {
    throw usage(
      `A filter reads ATTRIBUTE OPERATOR VALUE, as in: department EQUALS Sales. Operators: ${SCOPE_OPERATORS.join(", ")}.`,
    );
  }
  const value = rest.slice(operator.length).trim();
  return { attribute, operator, ...(value === "" ? {} : { value }) };
}

function compileFilter(text: string, source: SourceKind): (row: DirectoryRow) => boolean {
  const clause = clauseOf(text);
  const compiled = compileScope({ filters: [[clause]] });
  if ("findings" in compiled) {
    throw usage(
      compiled.findings.map(({ detail }) => detail.replace(/^scope\.filters\[0\]\[0\]\.?/, "filter ")).join("; "),
    );
  }
  const { scope } = compiled;
  if (scope.readsManagers) throw usage("A filter asks for the record's own attributes, not for its manager's.");
  for (const name of scope.attributes) {
    const flaw = attributeFlaw(source, name);
    if (flaw !== null) throw usage(`filter: ${flaw.detail}`);
  }
  return (row) => scope.decide(recordOf(row), () => false).in;
}

function usage(message: string): ConnectorError {
  return new ConnectorError("usage", message, { stops: "run", retry: "never" });
}
