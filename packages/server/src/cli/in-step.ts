import { grouped } from "@entrain/core";
import { findRun, type RunView, type SyncStatus, syncStatus } from "../runs/queries.ts";
import type { Store } from "../store/store.ts";
import { sentence } from "./output.ts";
import { begunInWords, timeInWords } from "./wording.ts";

interface Named {
  readonly id: string;
  readonly name: string;
}

/**
 * What is true of a sync that has no unsynced record, a line each: that all is in step, or what stands in the way of saying so.
 * A list that is empty because the last run broke off before it wrote anything says nothing of the records. `hasFindings`: what
 * the last run found of no record was said before.
 */
export async function noneUnsynced(store: Store, sync: Named, hasFindings: boolean): Promise<readonly string[]> {
  const { id, name } = sync;
  const status = await syncStatus(store, id);
  if (status === null) return [];
  const runs = await lastRuns(store, id, status);
  const lines = [
    ...(runs.length === 0 ? [`It has not run yet: entrain sync run ${name}`] : []),
    ...runs.flatMap((run) => runInWords(name, run, hasFindings)),
    ...status.begun.map((one) => begunInWords(name, one)),
    ...heldInWords(name, status),
    ...(await awaitedInWords(store, id)),
    ...leftAloneInWords(sync, status),
    ...(status.cursorLag > 0
      ? [`No run has looked at ${counted(status.cursorLag, "change")} of the directory yet: entrain sync run ${name}`]
      : []),
  ];
  if (lines.length === 0) return [`Every record in scope of ${name} is in step.`];
  const head = `No record of ${name} is listed as unsynced, which does not mean that all of them are in step:`;
  return [head, ...lines.map((line) => `  ${line}`)];
}

/** The last run that looked at everything, and the last of all: where one of them broke off, anything may be as it was before. */
async function lastRuns(store: Store, sync: string, { lastRun }: SyncStatus): Promise<readonly RunView[]> {
  if (lastRun === null) return [];
  const row = await store.db
    .selectFrom("runs")
    .select("id")
    .where("sync", "=", sync)
    .where("mode", "in", ["incremental", "resync"])
    .orderBy("started_at", "desc")
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  const whole = row === undefined || row.id === lastRun.run ? null : await findRun(store, row.id);
  return whole === null ? [lastRun] : [whole, lastRun];
}

/** What a run that did not go through says of itself; what was held by it is told by what waits still. */
function runInWords(name: string, run: RunView, hasFindings: boolean): readonly string[] {
  const { mode, result, error, startedAt } = run;
  if (result === "succeeded" || result === "held") return [];
  const what = `The last ${WHOLE.includes(mode) ? "run" : `run (${mode})`}, of ${timeInWords(startedAt)},`;
  if (result === null) return [`${what} has not ended: entrain sync status ${name}`];
  const how = result === "failed" ? "failed" : result === "cancelled" ? "was cancelled" : `ended as ${result}`;
  if (error !== null) return [`${what} ${how}: ${error.code}: ${sentence(error.message)} ${error.fix}`.trimEnd()];
  return [`${what} ${how}${hasFindings ? ", for what is said above" : ""}: entrain sync history ${name}`];
}

const WHOLE: readonly string[] = ["incremental", "resync"];

function heldInWords(name: string, { held }: SyncStatus): readonly string[] {
  const count = held.reduce((sum, one) => sum + one.count, 0);
  if (count === 0) return [];
  return [`${counted(count, "change")} ${count === 1 ? "waits" : "wait"} for approval: entrain sync held ${name}`];
}

/** People whose records were written without a value that the target lacks. */
async function awaitedInWords({ db }: Store, sync: string): Promise<readonly string[]> {
  const row = await db
    .selectFrom("lookup_waits")
    .select((eb) => eb.fn.count<number>("object_id").distinct().as("count"))
    .where("sync", "=", sync)
    .executeTakeFirstOrThrow();
  const count = Number(row.count);
  if (count === 0) return [];
  const who = count === 1 ? "1 person is" : `${grouped(count)} people are`;
  return [`${who} synced without a value that the target lacks; it is written once the target has it.`];
}

/** What somebody said is to be left as it is. */
function leftAloneInWords({ name }: Named, { ignored, pinned }: SyncStatus): readonly string[] {
  return [
    ...(ignored > 0
      ? [
          `${counted(ignored, "record")} ${ignored === 1 ? "is" : "are"} ignored: entrain sync unsynced ${name} --state ignored`,
        ]
      : []),
    ...(pinned > 0
      ? [
          `${counted(pinned, "record")} ${pinned === 1 ? "is" : "are"} left alone since an undoing or an exemption: entrain sync undone ${name}`,
        ]
      : []),
  ];
}

function counted(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${grouped(count)} ${noun}s`;
}
