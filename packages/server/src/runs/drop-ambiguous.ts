import { type Attributes, byCodeUnits, inWords, matchKey, recordName, type Value } from "@entrain/core";
import { sql, type Transaction } from "kysely";
import { insertPlanIssues, type PlanChangeRow } from "../store/plans.ts";
import type { DB } from "../store/schema.ts";
import { RECORD } from "./match-records.ts";
import type { SealContext } from "./seal.ts";

/** How many of those who share a value are named. */
const SAID_NAMES = 20;

/**
 * Two unlinked records that want the same target record, by any matching value, are ambiguous: neither is created nor
 * joined. Returns how many records that concerns, and how many of those would have waited for approval.
 */
export async function dropAmbiguous(
  context: SealContext,
  firstIssue: number,
): Promise<{ readonly dropped: number; readonly held: number }> {
  const { store, plan } = context;
  const shared = await store.db
    .selectFrom("match_index")
    .select("key")
    .where("plan", "=", plan.id)
    .where("object_id", "is not", null)
    .groupBy("key")
    .having(sql<number>`count(distinct object_id)`, ">", 1)
    .execute();
  const reasons = new Map<string, string>();
  for (const key of shared.map((row) => row.key).sort(bySayingMore)) {
    const wanting = await store.db
      .selectFrom("match_index")
      .innerJoin("plan_changes", (join) =>
        join
          .onRef("plan_changes.plan", "=", "match_index.plan")
          .onRef("plan_changes.object_id", "=", "match_index.object_id"),
      )
      .select(["plan_changes.object_id", "plan_changes.name", "plan_changes.after"])
      .select(["plan_changes.record_id", "plan_changes.before"])
      .where("match_index.plan", "=", plan.id)
      .where("match_index.key", "=", key)
      // A group's memberships are changes of their own.
      .where("plan_changes.action", "in", ["create", "join"])
      .orderBy("match_index.object_id")
      .execute();
    const detail = ambiguityOf(key, wanting);
    for (const { object_id: id } of wanting) if (id !== null && !reasons.has(id)) reasons.set(id, detail);
  }
  if (reasons.size === 0) return { dropped: 0, held: 0 };
  const held = await store.fenced(context.lease, (tx) => turnIntoIssues(context, tx, reasons, firstIssue));
  return { dropped: reasons.size, held };
}

/** A value that people know says more of two who share several than the target record that it finds. */
export function bySayingMore(a: string, b: string): number {
  const isRecord = (key: string): boolean => attributeOf(key) === RECORD;
  return Number(isRecord(a)) - Number(isRecord(b)) || byCodeUnits(a, b);
}

/** Who shares a matching value, and which records of the target it fits. */
export function ambiguityOf(
  key: string,
  wanting: readonly Pick<PlanChangeRow, "object_id" | "name" | "after" | "record_id" | "before">[],
): string {
  const shared = `${attributeOf(key)} ${sharedValue(key, wanting[0]?.after ?? null)}`;
  const people = wanting.map(({ object_id, name }) => `${name} (${object_id})`);
  return `${shared} is the same for ${listed(people)}${inTarget(wanting)}`;
}

/** The target's records that they would have joined: `; in the target it fits Ana L. (7)`. */
function inTarget(wanting: readonly { readonly record_id: string | null; readonly before: string | null }[]): string {
  const records = new Map<string, string>();
  for (const { record_id: id, before } of wanting) {
    if (id !== null) records.set(id, recordName({ id, attributes: JSON.parse(before ?? "{}") as Attributes }));
  }
  return records.size === 0 ? "" : `; in the target it fits ${listed([...records.values()])}`;
}

/** `Ana, Bo and 3 more`: a value that hundreds share would name hundreds, to each of them. */
function listed(names: readonly string[]): string {
  const more = names.length - SAID_NAMES;
  return names.slice(0, SAID_NAMES).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** As the first of them spells it: the key itself is folded. What is no attribute's value is told as the key has it. */
function sharedValue(key: string, after: string | null): string {
  const attributes = JSON.parse(after ?? "{}") as { readonly [name: string]: Value };
  const attribute = attributeOf(key);
  const wanted = key.slice(attribute.length + 1);
  const value = Object.hasOwn(attributes, attribute) ? attributes[attribute] : undefined;
  // What was looked for by an expression is not what is written.
  const isWritten = [true, false].some((caseExact) => matchKey(value, { caseExact }) === wanted);
  return `"${inWords(isWritten ? value : wanted)}"`;
}

function attributeOf(key: string): string {
  return key.slice(0, Math.max(0, key.indexOf("=")));
}

async function turnIntoIssues(
  context: SealContext,
  tx: Transaction<DB>,
  reasons: ReadonlyMap<string, string>,
  firstIssue: number,
): Promise<number> {
  const { plan, store } = context;
  const ids = [...reasons.keys()];
  let ordinal = firstIssue;
  let held = 0;
  for (let at = 0; at < ids.length; at += 500) {
    const slice = ids.slice(at, at + 500);
    const rows = await tx
      .selectFrom("plan_changes")
      .select(["object_id", "name", "record_sequence", "hold"])
      .where("plan", "=", plan.id)
      .where("object_id", "in", slice)
      .where("action", "!=", "members")
      .execute();
    held += rows.filter(({ hold }) => hold !== null).length;
    const issues = rows.map((row) => ({
      plan: plan.id,
      ordinal: ordinal++,
      state: "issue",
      sequence: row.record_sequence,
      code: "ambiguous",
      detail: reasons.get(row.object_id) ?? "",
      object_id: row.object_id,
      name: row.name,
    }));
    await insertPlanIssues(store, tx, issues);
    await tx.deleteFrom("plan_changes").where("plan", "=", plan.id).where("object_id", "in", slice).execute();
  }
  return held;
}
