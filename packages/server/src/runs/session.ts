import type { SyncDefinition, Target, WaitListener } from "@entrain/core";
import { saveRun } from "../store/runs.ts";
import type { Lease } from "../store/store.ts";
import { goneLinks } from "../store/unowned-links.ts";
import { describedKind } from "./basis.ts";
import type { Actor, ConnectionRow, Engine, Progress, SyncRow, TargetRow } from "./context.ts";
import type { Stopping } from "./lease.ts";
import { closeSettledHolds, type ReviewContext } from "./overtaken.ts";
import { revealer } from "./reveal.ts";
import { scopeNow } from "./scope-now.ts";
import type { Selection } from "./selection.ts";
import { stillWanted } from "./still-wanted.ts";
import { WaitTeller } from "./waits.ts";

export interface RunOptions {
  readonly sync: string;
  readonly actor: Actor;
  /** Stops between two batches. */
  readonly signal: AbortSignal;
  /** Stops even in the middle of a batch; the same as `signal` unless given. */
  readonly now?: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  /**
   * Every record of the sync is looked for in the target, and made anew where it is gone, however many that are: for a
   * target that really was emptied. Only {@link runSync} heeds it.
   */
  readonly recreate?: boolean;
  /** Tenant and target are read anew and everything is evaluated. Only {@link runSync} heeds it. */
  readonly resync?: boolean;
  /** Only these records are planned; nothing else is looked at, and no cursor moves. {@link runSync} and {@link planSync} heed it. */
  readonly selection?: Selection;
  /** Told once the lease is taken and the run stands in the store; a preview has no run (`null`). */
  readonly onBegin?: (run: string | null) => void;
}

/** A run or a preview under way: its ends are open, its lease is held. `run` is empty for a preview. */
export interface Session {
  readonly engine: Engine;
  readonly options: RunOptions;
  readonly sync: SyncRow;
  readonly connection: ConnectionRow;
  readonly targetRow: TargetRow;
  readonly target: Target;
  readonly lease: Lease;
  readonly run: string;
  readonly onWait: WaitListener;
}

/** Opens both ends of a sync, does work between them, and closes them. */
export async function withEnds<T>(
  engine: Engine,
  options: RunOptions,
  lease: Lease,
  run: string,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { db } = engine.store;
  const sync = await db.selectFrom("syncs").selectAll().where("id", "=", options.sync).executeTakeFirstOrThrow();
  const connection = await db
    .selectFrom("connections")
    .selectAll()
    .where("id", "=", sync.connection)
    .executeTakeFirstOrThrow();
  const targetRow = await db.selectFrom("targets").selectAll().where("id", "=", sync.target).executeTakeFirstOrThrow();
  const { store } = engine;
  const waits = new WaitTeller({
    clock: store.clock,
    tell: options.onProgress,
    save: async (progress) => {
      if (run === "") return;
      await store.fenced(lease, (tx) => saveRun(tx, run, { progress: JSON.stringify(progress) }));
    },
  });
  const { onProgress, onWait } = waits;
  const target = await engine.openTarget(targetRow, onWait);
  try {
    const told = { ...options, onProgress };
    return await work({ engine, options: told, sync, connection, targetRow, target, lease, run, onWait });
  } finally {
    await target.close();
    await waits.settled();
  }
}

/** The options of work that somebody can stop through the store. */
export function stoppable(options: RunOptions, stopping: Stopping): RunOptions {
  const { signal, now = signal } = options;
  return {
    ...options,
    signal: AbortSignal.any([signal, stopping.soon]),
    now: AbortSignal.any([now, stopping.now]),
  };
}

/** A sync is run by one at a time; nobody waits for the other. */
export function leaseOptions(options: RunOptions): {
  readonly wait: boolean;
  readonly signal: AbortSignal;
  readonly what: string;
} {
  return { wait: false, signal: options.signal, what: "This sync" };
}

/** The sync as it stands now: its cursors move while a run goes on. */
export async function freshSync(session: Session): Promise<SyncRow> {
  return await session.engine.store.db
    .selectFrom("syncs")
    .selectAll()
    .where("id", "=", session.sync.id)
    .executeTakeFirstOrThrow();
}

/** What looking at one of the sync's plans again works with. */
export async function reviewOf(session: Session): Promise<ReviewContext> {
  const { engine, options, sync, lease, connection, targetRow, target } = session;
  const { store } = engine;
  const definition = JSON.parse(sync.definition) as SyncDefinition;
  const space = { target: targetRow.id, tenant: connection.tenant };
  const kind = await describedKind(target, sync, options.signal);
  const scene = {
    store,
    space,
    sync: sync.id,
    connection: connection.id,
    kind,
  };
  return {
    store,
    sync,
    lease,
    sceneOf: ({ id: plan, upto, created_at, revision }) => ({
      ...scene,
      upto,
      isReconfigured: revision !== sync.revision,
      withdrawn: null,
      scopeNow: scopeNow(store, connection.id, { definition, plannedAt: created_at }),
      stillWanted: stillWanted(engine, { sync, space, kind, plannedAt: created_at }),
      reveal: revealer(engine, { sync, space, kind, plannedAt: created_at }),
      lookupIds: null,
      asSeen: null,
      forgets: async (ids) => {
        const gone = await goneLinks(store.db, { plan, sync: sync.id, space, kind: kind.name, ids });
        return gone.map((link) => link.object_id);
      },
    }),
  };
}

/** Closes the held plans of which nothing is left to decide; see {@link closeSettledHolds}. */
export async function closeHolds(session: Session): Promise<void> {
  const { options, run } = session;
  await closeSettledHolds(await reviewOf(session), { actor: options.actor, run: run === "" ? null : run });
}
