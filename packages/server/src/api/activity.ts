import { findRun, type RunView, runHistory } from "../runs/queries.ts";
import { readLease } from "../store/leases.ts";
import { runsPage } from "../store/runs.ts";
import type { Store } from "../store/store.ts";
import type { Background } from "./background.ts";
import type { PacedProgress } from "./pace.ts";

/** Something under way for a sync, here or in another process. */
export interface Activity {
  /** The run's or preview's id; null for a preview of another process. */
  readonly id: string | null;
  readonly kind: "run" | "preview";
  readonly sync: string;
  readonly startedAt: number | null;
  /** Whether this process does it. */
  readonly here: boolean;
  /** Whether somebody asked for it to stop: it ends behind what it is writing. */
  readonly stopping: boolean;
  /** Who does it when this process does not: `process 4711 on host`. */
  readonly holder: string | null;
  readonly progress: PacedProgress;
}

const PREFIX = "sync:";
const SHOWN_MAX = 200;

/** Everything that is under way, in the order of syncs: this process's own, and what others hold a lease for. */
export async function activities(store: Store, background: Background): Promise<readonly Activity[]> {
  // What begins here between the two looks is this process's own, and never somebody else's.
  const held = await heldSyncs(store);
  const own = background.running().map(({ id, kind, sync, startedAt, stopping, progress }): Activity => {
    const asked = stopping || held.some((one) => one.sync === sync && one.stopping);
    return { id, kind, sync, startedAt, here: true, stopping: asked, holder: null, progress };
  });
  const mine = background.busy();
  const others = await Promise.all(held.filter(({ sync }) => !mine.has(sync)).map((one) => elsewhere(store, one)));
  return [...own, ...others.filter((one) => one !== null)].sort((a, b) => (a.sync < b.sync ? -1 : 1));
}

/** The run that began last, and how it ended. A run that is quicker than two looks at what is under way shows here alone. */
export async function newestRun({
  db,
}: Store): Promise<{ readonly run: string; readonly result: string | null } | null> {
  const [newest] = await runsPage(db, { limit: 1 });
  return newest === undefined ? null : { run: newest.id, result: newest.result };
}

type HeldSync = Pick<Activity, "sync" | "stopping">;

async function heldSyncs(store: Store): Promise<readonly HeldSync[]> {
  const rows = await store.db
    .selectFrom("leases")
    .select(["name", "stop"])
    .where("name", ">=", PREFIX)
    .where("name", "<", "sync;")
    .where("expires_at", ">", 0)
    .limit(SHOWN_MAX)
    .execute();
  return rows.map(({ name, stop }) => ({ sync: name.slice(PREFIX.length), stopping: stop !== null }));
}

async function elsewhere(store: Store, { sync, stopping }: HeldSync): Promise<Activity | null> {
  const holder = await readLease(store, `${PREFIX}${sync}`);
  if (holder === null) return null;
  const [run] = await runHistory(store, { sync, limit: 1 });
  const who = `process ${holder.heldBy.pid} on ${holder.heldBy.host}`;
  if (run === undefined || run.result !== null) {
    const progress = { phase: "planning", detail: "", done: 0, total: null };
    const base = { id: null, kind: "preview", sync, startedAt: null, here: false, stopping, holder: who } as const;
    return { ...base, progress: unpaced(progress) };
  }
  const { run: id, startedAt } = run;
  return { id, kind: "run", sync, startedAt, here: false, stopping, holder: who, progress: storedProgress(run) };
}

/** How far a run of another process is, as it last wrote it down. */
function storedProgress(run: RunView): PacedProgress {
  const { phase = run.phase, detail = "", done = 0, total = null, waiting } = run.progress;
  return { ...unpaced({ phase, detail, done, total }), ...(waiting === undefined ? {} : { waiting }) };
}

function unpaced(progress: {
  readonly phase: string;
  readonly detail: string;
  readonly done: number;
  readonly total: number | null;
}): PacedProgress {
  const phase = PHASES.find((one) => one === progress.phase) ?? "waiting";
  return { ...progress, phase, perSecond: null, remainingMs: null };
}

const PHASES = ["waiting", "reading", "planning", "applying", "finished"] as const;

/** A run and how far it is: from this process's memory when it runs here, else from the store. Null: no such run. */
export async function followRun(
  store: Store,
  background: Background,
  id: string,
): Promise<{ readonly run: RunView; readonly progress: PacedProgress } | null> {
  const run = await findRun(store, id);
  if (run === null) return null;
  const work = background.find(id);
  return { run, progress: work?.state === "running" ? work.progress : storedProgress(run) };
}
