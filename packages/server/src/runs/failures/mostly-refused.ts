import { type Counts, grouped } from "@entrain/core";
import type { SelectQueryBuilder, Transaction } from "kysely";
import { NO_COUNTS } from "../../store/plans.ts";
import type { DB } from "../../store/schema.ts";
import { answerOf } from "./answers.ts";

/** Fewer refused records say nothing of their sync. */
export const REFUSED_LEAST = 10;
const PAGE = 500;
/** What waits for a seat waits for somebody to buy one, and is no fault of the others. */
const NO_REASON: readonly string[] = ["no_seat"];

interface Ended {
  readonly sync: string;
  readonly run: string;
  readonly startedAt: number;
  readonly counts: Counts;
}

/** Which refused records: tried since a moment, and not in step since later than `after`. Times in milliseconds UTC. */
interface Tried {
  readonly sync: string;
  readonly since: number;
  readonly after: number | null;
}

/**
 * What the target refused for one reason in a run, where the sync does not work as a whole; otherwise null. That is so when it
 * refused most of what the run tried, without the records of which it was known before, or most of all that the sync has.
 */
export async function mostlyRefused(
  tx: Transaction<DB>,
  end: Ended,
): Promise<{ readonly code: string; readonly message: string } | null> {
  const tried = { sync: end.sync, since: end.startedAt, after: null };
  const refused = await refusedSince(tx, tried);
  if (refused.most < REFUSED_LEAST) return null;
  const fresh = { ...tried, after: await lastTook(tx, end) };
  const changes = (await refusedSince(tx, fresh)).total + applied(end.counts);
  const answer = await oneAnswer(tx, fresh, changes);
  if (answer !== null) {
    const message = `Of ${grouped(changes)} changes the target refused ${grouped(answer.count)} for one reason (${answer.code}).`;
    return { code: answer.code, message };
  }
  const records = refused.total + (await inStep(tx, tried));
  const common = await oneAnswer(tx, tried, records);
  if (common === null) return null;
  const message = `Of ${grouped(records)} records of the sync the target refuses ${grouped(common.count)} for one reason (${common.code}).`;
  return { code: common.code, message };
}

/** How many changes a run made. */
export function applied(counts: Counts): number {
  return Object.values(counts).reduce((total: number, count: number) => total + count, 0);
}

/** What was refused and is not ignored: all of it, and what was refused most with one code. */
export async function refusedSince(
  tx: Transaction<DB>,
  tried: Tried,
): Promise<{ readonly total: number; readonly most: number }> {
  const rows = await refusals(tx, tried)
    .select(["pending.code", (eb) => eb.fn.countAll<number>().as("count")])
    .groupBy("pending.code")
    .execute();
  const counts = rows.map(({ count }) => Number(count));
  return { total: counts.reduce((sum, count) => sum + count, 0), most: Math.max(0, ...counts) };
}

/**
 * When the target last took something of the sync before this run, or null. What was refused until then says nothing new:
 * these records have a fault of their own.
 */
async function lastTook(tx: Transaction<DB>, { sync, run, startedAt }: Ended): Promise<number | null> {
  const runs = await tx
    .selectFrom("runs")
    .select((eb) => eb.fn.max<number | null>("finished_at").as("at"))
    .where("sync", "=", sync)
    .where("id", "!=", run)
    .where("counts", "!=", JSON.stringify(NO_COUNTS))
    .executeTakeFirst();
  if (runs !== undefined && runs.at !== null) return runs.at;
  // The history may have forgotten those runs.
  const links = await tx
    .selectFrom("links")
    .select((eb) => eb.fn.max<number | null>("created_at").as("at"))
    .where("sync", "=", sync)
    .where("created_at", "<", startedAt)
    .executeTakeFirst();
  return links?.at ?? null;
}

/** How many records the sync has in the target beside those that are refused. */
async function inStep(tx: Transaction<DB>, tried: Tried): Promise<number> {
  const row = await tx
    .selectFrom("links")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("sync", "=", tried.sync)
    .where("active", "=", 1)
    .where("object_id", "not in", refusals(tx, tried).select("pending.object_id"))
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

interface Answer {
  readonly code: string;
  readonly count: number;
}

/** The answer of the target that more than half of `all` got, and at least ten; null where there is none. */
async function oneAnswer(tx: Transaction<DB>, tried: Tried, all: number): Promise<Answer | null> {
  const isMost = (count: number): boolean => count >= REFUSED_LEAST && count * 2 > all;
  if (!isMost((await refusedSince(tx, tried)).most)) return null;
  const answers = new Map<string, Answer>();
  for (let last = ""; ; ) {
    const page = await refusals(tx, tried)
      .innerJoin("syncs", "syncs.id", "pending.sync")
      .leftJoin("records", (join) =>
        join.onRef("records.connection", "=", "syncs.connection").onRef("records.id", "=", "pending.object_id"),
      )
      .select(["pending.object_id", "pending.code", "pending.detail", "records.attributes"])
      .where("pending.object_id", ">", last)
      .orderBy("pending.object_id")
      .limit(PAGE)
      .execute();
    const end = page.at(-1);
    if (end === undefined) break;
    last = end.object_id;
    for (const row of page) {
      const said = answerOf(row, row.attributes);
      answers.set(said, { code: row.code, count: (answers.get(said)?.count ?? 0) + 1 });
    }
  }
  return [...answers.values()].find(({ count }) => isMost(count)) ?? null;
}

function refusals(tx: Transaction<DB>, { sync, since, after }: Tried): SelectQueryBuilder<DB, "pending", object> {
  return tx
    .selectFrom("pending")
    .where("pending.sync", "=", sync)
    .where("pending.reason", "=", "failed")
    .where("pending.tried_at", ">=", since)
    .where("pending.ignored", "is", null)
    .where("pending.code", "not in", NO_REASON)
    .$if(after !== null, (query) => query.where("pending.since", ">", after ?? 0));
}
