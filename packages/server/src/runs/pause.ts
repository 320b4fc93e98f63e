import { ConnectorError } from "@entrain/core";
import type { Transaction } from "kysely";
import { momentInWords } from "../clock.ts";
import { appendJournal } from "../store/journal.ts";
import { forgetPause, type PauseRow, pausesAt, savePause } from "../store/pauses.ts";
import type { DB } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import { streamOf } from "./applying.ts";
import type { Actor } from "./context.ts";

/** A sync that does not run by itself until it is resumed, or until a moment. Times in milliseconds UTC. */
export interface Pause {
  readonly by: Actor;
  readonly since: number;
  readonly until: number | null;
  readonly note: string | null;
}

/** How a sync is paused now, or null. */
export async function pauseOf(store: Store, sync: string): Promise<Pause | null> {
  return pauseNow(store.db, store, sync);
}

/** The pauses of all syncs that are paused now, by their ids. */
export async function pausesNow(store: Store): Promise<ReadonlyMap<string, Pause>> {
  const rows = await pausesAt(store.db, store.clock.now());
  return new Map(rows.map((row) => [row.sync, pauseIn(row)]));
}

/**
 * Pauses a sync: neither its schedule nor a notification runs it. What is under way goes on. A sync that is paused already is
 * paused anew, with another end and another note.
 */
export async function pauseSync(
  store: Store,
  sync: string,
  { actor, until, note }: { readonly actor: Actor; readonly until: number | null; readonly note: string | null },
): Promise<Pause> {
  const since = store.clock.now();
  await store.transaction(async (tx) => {
    await savePause(tx, { sync, actor: JSON.stringify(actor), since, until, note });
    const after = until === null ? null : { until: new Date(until).toISOString() };
    await appendJournal(tx, store, streamOf({ id: sync }), [{ type: "paused", actor, detail: note, after }]);
  });
  return { by: actor, since, until, note };
}

/** Lets a sync run by itself again; what it missed is made good by one run. Answers the pause that ended, or null. */
export async function resumeSync(store: Store, sync: string, actor: Actor): Promise<Pause | null> {
  return await store.transaction(async (tx) => {
    const pause = await pauseNow(tx, store, sync);
    await forgetPause(tx, sync);
    if (pause !== null) await appendJournal(tx, store, streamOf({ id: sync }), [{ type: "resumed", actor }]);
    return pause;
  });
}

/** Who runs a paused sync by hand says so. @throws ConnectorError `sync_paused` */
export async function requireUnpaused(
  store: Store,
  sync: { readonly id: string; readonly name: string },
): Promise<void> {
  const pause = await pauseOf(store, sync.id);
  if (pause === null) return;
  const until = pause.until === null ? "" : ` until ${momentInWords(pause.until)}`;
  const note = pause.note === null ? "" : `: ${pause.note}`;
  const message = `The sync ${sync.name} is paused by ${pause.by.id}${until}${note}${/[.!?]$/.test(note) ? "" : "."}`;
  const fix = `Resume it with \`entrain sync resume ${sync.name}\`, or run it once with --anyway.`;
  throw new ConnectorError("sync_paused", message, { stops: "sync", retry: "later", fix });
}

async function pauseNow(db: Transaction<DB> | Store["db"], { clock }: Store, sync: string): Promise<Pause | null> {
  const [row] = await pausesAt(db, clock.now(), { sync });
  return row === undefined ? null : pauseIn(row);
}

function pauseIn({ actor, since, until, note }: PauseRow): Pause {
  return { by: JSON.parse(actor) as Actor, since, until, note };
}
