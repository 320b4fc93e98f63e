import type { Counts, SyncDefinition } from "@entrain/core";
import { boundHeap } from "../../packages/server/src/memory.ts";
import { planSync, runSync } from "../../packages/server/src/runs/run.ts";
import { answerParent } from "../child.ts";
import { type Installation, openInstallation, SYNC, type TargetType } from "../installation.ts";
import type { TenantAddress } from "../tenant/tenant.ts";
import { residentPeak } from "./resident.ts";

/** What a worker is asked: a new installation first, then runs of its sync. */
export type WorkRequest =
  | { readonly ask: "open"; readonly address: TenantAddress; readonly target: TargetType }
  /** With `collect` the heap is collected and measured at each batch, which takes time. Needs `--expose-gc`. */
  | { readonly ask: "run"; readonly collect: boolean }
  /** Changes the sync's definition and plans it, without applying anything. */
  | { readonly ask: "plan"; readonly change: Partial<SyncDefinition> }
  | { readonly ask: "close" };

/** One run. Memory is in bytes: the largest so far, of the whole process, and (with `collect`) of what is in use. */
export interface RunReport {
  readonly ms: number;
  readonly readMs: number;
  readonly planMs: number;
  readonly applyMs: number;
  readonly result: string;
  readonly counts: Counts | null;
  /** Paths of what was asked of Graph and the sign-in service, in order. */
  readonly requests: readonly string[];
  readonly residentPeak: number;
  /** The JavaScript heap and the buffers outside it, after a collection. */
  readonly heapPeak: number;
}

const NOTHING: RunReport = {
  ms: 0,
  readMs: 0,
  planMs: 0,
  applyMs: 0,
  result: "",
  counts: null,
  requests: [],
  residentPeak: 0,
  heapPeak: 0,
};

let requests: string[] = [];

async function run({ engine, store }: Installation, collect: boolean): Promise<RunReport> {
  let heapPeak = 0;
  const measure = (): void => {
    if (!collect) return;
    if (globalThis.gc === undefined) throw new Error("collecting needs --expose-gc");
    globalThis.gc();
    const { heapUsed, external } = process.memoryUsage();
    heapPeak = Math.max(heapPeak, heapUsed + external);
  };
  const begun = performance.now();
  const summary = await runSync(engine, {
    sync: SYNC,
    actor: { kind: "system", id: "benchmark" },
    signal: new AbortController().signal,
    onProgress: measure,
  });
  const ms = performance.now() - begun;
  if (summary.error !== null) throw new Error(`the run failed: ${summary.error.message}`);
  const plans = await store.db
    .selectFrom("plans")
    .select(["created_at", "sealed_at"])
    .where("run", "=", summary.run)
    .execute();
  const planMs = plans.reduce((sum, plan) => sum + ((plan.sealed_at ?? plan.created_at) - plan.created_at), 0);
  const { readMs, result, counts } = summary;
  return {
    ms,
    readMs,
    planMs,
    applyMs: ms - readMs - planMs,
    result,
    counts,
    requests,
    residentPeak: residentPeak(),
    heapPeak,
  };
}

async function plan({ engine, store }: Installation, change: Partial<SyncDefinition>): Promise<RunReport> {
  const row = await store.db.selectFrom("syncs").selectAll().where("id", "=", SYNC).executeTakeFirstOrThrow();
  const definition: SyncDefinition = { ...(JSON.parse(row.definition) as SyncDefinition), ...change };
  await store.transaction((tx) =>
    tx
      .updateTable("syncs")
      .set({ definition: JSON.stringify(definition), revision: row.revision + 1 })
      .where("id", "=", SYNC)
      .execute(),
  );
  const begun = performance.now();
  const planned = await planSync(engine, {
    sync: SYNC,
    actor: { kind: "system", id: "benchmark" },
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
  const ms = performance.now() - begun;
  const counts = JSON.parse(planned.plan.counts) as Counts;
  const { created_at: begunAt, sealed_at: sealedAt } = planned.plan;
  return { ...NOTHING, ms, planMs: (sealedAt ?? begunAt) - begunAt, counts, requests, residentPeak: residentPeak() };
}

if (import.meta.main) {
  let installation: Installation | null = null;
  answerParent<WorkRequest, RunReport>(async (request) => {
    if (request.ask === "open") {
      boundHeap(); // As the program itself does.
      installation = await openInstallation(request.address, "http", ({ path }) => requests.push(path), request.target);
      return NOTHING;
    }
    if (installation === null) throw new Error("there is no installation yet");
    requests = [];
    if (request.ask === "run") return run(installation, request.collect);
    if (request.ask === "plan") return plan(installation, request.change);
    await installation.close();
    return NOTHING;
  });
}
