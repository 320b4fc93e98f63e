import { inWords, isReference, plainAttribute, type Value, writesOf } from "@entrain/core";
import { nameIn } from "../runs/names.ts";
import type { PlannedChangeView } from "../runs/plan-queries.ts";
import { changeOf } from "../runs/seal.ts";
import type { Store } from "../store/store.ts";

/** Why one change waits for approval, by the code that the plan keeps with it; what all of a plan waits for is said of the plan. */
const WHY: ReadonlyMap<string, string> = new Map([
  [
    "privileged_join",
    "the record that it joins has rights of its own in the target, and whoever the person is at the source would have them",
  ],
  [
    "round_shrunken",
    "a full round that was far smaller than the directory found it gone; the directory may not have been read in full",
  ],
  ["record_young", "a full round found it gone for good some hours after it was made; a copy of the directory may lag"],
]);

/**
 * What is said below a change that waits for a reason of its own: the reason, and everything that it writes, for nobody should
 * approve an attribute unseen. Nothing for any other change.
 */
export async function ownHoldLines(store: Store, plan: string, change: PlannedChangeView): Promise<readonly string[]> {
  const why = change.hold === null ? undefined : WHY.get(change.hold);
  if (why === undefined) return [];
  const written = await writtenInWords(store, plan, change.ordinal);
  return [`          waits for approval (${change.hold}): ${why}`, ...written.map((line) => `          ${line}`)];
}

/** Every attribute that a change of a plan writes, what it was and what it becomes; a sensitive one by its name alone. */
async function writtenInWords(store: Store, plan: string, ordinal: number): Promise<readonly string[]> {
  const row = await store.db
    .selectFrom("plan_changes")
    .innerJoin("plans", "plans.id", "plan_changes.plan")
    .innerJoin("syncs", "syncs.id", "plans.sync")
    .selectAll("plan_changes")
    .select("syncs.connection")
    .where("plan_changes.plan", "=", plan)
    .where("plan_changes.ordinal", "=", ordinal)
    .executeTakeFirst();
  if (row === undefined || row.after === null || row.action === "delete") return [];
  const change = changeOf(row);
  const writes = Object.entries(writesOf(change));
  const pairs = writes.map(([name, to]) => ({ name, from: change.before?.[name] ?? null, to }));
  const names = await namesReferred(
    store,
    row.connection,
    pairs.flatMap(({ from, to }) => [from, to]),
  );
  const said = (value: Value): string => inWords(value, (id) => names.get(id) ?? null);
  return pairs.map(({ name, from, to }) => `${plainAttribute(name)}: ${said(from)} → ${said(to)}`);
}

async function namesReferred(
  { db }: Store,
  connection: string,
  values: readonly Value[],
): Promise<ReadonlyMap<string, string>> {
  const ids = [...new Set(values.flatMap((value) => (isReference(value) ? [value.$ref] : [])))];
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom("records")
    .select(["id", "attributes"])
    .where("connection", "=", connection)
    .where("id", "in", ids)
    .execute();
  return new Map(rows.map(({ id, attributes }) => [id, nameIn(attributes) ?? id]));
}
