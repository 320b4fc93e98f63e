import { csvLine, shownCell } from "@entrain/connectors/csv";
import { type Change, isConcealed, isReference, SENSITIVE, type Value, writesOf } from "@entrain/core";
import type { PlanRow } from "../store/plans.ts";
import type { Store } from "../store/store.ts";
import {
  type ChangeFilter,
  joinedBy,
  type PlannedChangeView,
  planChanges,
  planIssues,
  planView,
} from "./plan-queries.ts";

const PAGE = 500;

/** The changes of a plan, or some of them, page by page in the order of application. */
export async function* changePages(
  store: Store,
  plan: string,
  filter: ChangeFilter = {},
): AsyncGenerator<readonly PlannedChangeView[]> {
  for (let after: PlannedChangeView["key"] | null = null; ; ) {
    const page: readonly PlannedChangeView[] = await planChanges(store, plan, { ...filter, after, limit: PAGE });
    yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.key;
  }
}

/** How many changes a plan has, or how many of them are meant. */
export async function countChanges(store: Store, plan: string, filter: ChangeFilter = {}): Promise<number> {
  if (Object.keys(filter).length > 0) {
    let found = 0;
    for await (const page of changePages(store, plan, filter)) found += page.length;
    return found;
  }
  const all = store.db.selectFrom("plan_changes").where("plan", "=", plan);
  const { count } = await all.select((eb) => eb.fn.countAll<number>().as("count")).executeTakeFirstOrThrow();
  return Number(count);
}

/** What a plan could not plan, page by page. */
export async function* issuePages(
  store: Store,
  plan: string,
): AsyncGenerator<readonly Omit<Awaited<ReturnType<typeof planIssues>>[number], "ordinal">[]> {
  for (let after = -1; ; ) {
    const page: Awaited<ReturnType<typeof planIssues>> = await planIssues(store, plan, { after, limit: PAGE });
    yield page.map(({ ordinal: _ordinal, ...finding }) => finding);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.ordinal;
  }
}

/** A plan with all of its changes and issues as one JSON document, in pieces: memory does not grow with the plan. */
export async function* planAsJson(store: Store, plan: PlanRow): AsyncGenerator<string> {
  const view = planView(plan);
  const head = JSON.stringify({ ...view, joinedBy: await joinedBy(store, { plan: plan.id }) });
  yield `${head.slice(0, -1)},"changes":[`;
  yield* inList(changePages(store, plan.id), ({ key: _key, ...change }: PlannedChangeView) => change);
  yield '],\n"issues":[';
  yield* inList(issuePages(store, plan.id), (issue) => issue);
  yield "]}\n";
}

async function* inList<T>(pages: AsyncIterable<readonly T[]>, shown: (item: T) => object): AsyncGenerator<string> {
  let first = true;
  for await (const page of pages) {
    let text = "";
    for (const item of page) {
      text += `${first ? "\n" : ",\n"}${JSON.stringify(shown(item))}`;
      first = false;
    }
    if (text !== "") yield text;
  }
}

const COLUMNS = [
  ...["ordinal", "action", "name", "object id", "record id", "cause", "reason", "state", "held for"],
  ...["attribute", "before", "after"],
];

/**
 * A plan as CSV, in pieces: a row for each attribute that a change writes and each membership that it moves, at least one
 * for every change. No cell is taken for a formula by a spreadsheet (CWE-1236).
 */
export async function* planAsCsv(store: Store, plan: PlanRow): AsyncGenerator<string> {
  // Spreadsheets take the text for UTF-8 by its byte order mark.
  yield `\uFEFF${csvLine(COLUMNS, ",")}`;
  for await (const page of changePages(store, plan.id)) {
    const text = page.map((change) => rowsOf(change).join("")).join("");
    if (text !== "") yield text;
  }
}

function rowsOf(change: PlannedChangeView): readonly string[] {
  const { ordinal, action, name, objectId, recordId, cause, reason, state, hold } = change;
  const own = [String(ordinal), action, name, objectId, recordId ?? "", cause, reason, state, hold ?? ""];
  const written = fieldsOf(change);
  const fields = written.length === 0 ? [["", "", ""]] : written;
  return fields.map((field) => csvLine([...own, ...field].map(shownCell), ","));
}

/** Attribute, before and after of all that a change writes. */
function fieldsOf(change: Change): readonly (readonly [string, string, string])[] {
  const { action, before, after, active, add, remove } = change;
  if (action === "members") {
    return [...add.map((id) => ["members", "", id] as const), ...remove.map((id) => ["members", id, ""] as const)];
  }
  if (action === "delete") {
    return Object.entries(before ?? {}).map(([name, value]) => [name, inCell(value), ""]);
  }
  const fields = Object.entries(writesOf({ before, after })).flatMap(([name, value]) => {
    const [from, to] = [inCell(before?.[name]), inCell(value)];
    return from === "" && to === "" ? [] : [[name, from, to] as const];
  });
  return active === null ? fields : [...fields, ["active", String(!active), String(active)]];
}

/** A value whole: no export is shortened as a sentence is. */
function inCell(value: Value | undefined): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  if (typeof value !== "object") return String(value);
  if (isReference(value)) return value.$ref;
  if (isConcealed(value)) return SENSITIVE;
  return Array.isArray(value) && value.every((one) => typeof one === "string")
    ? value.join("; ")
    : JSON.stringify(value);
}
