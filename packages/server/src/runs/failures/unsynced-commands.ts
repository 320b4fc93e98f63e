import { ConnectorError } from "@entrain/core";
import { appendJournal } from "../../store/journal.ts";
import { ignorePending, loadPending, retryPending, stopIgnoring } from "../../store/pending.ts";
import type { Store } from "../../store/store.ts";
import { streamOf } from "../applying.ts";
import type { Actor } from "../context.ts";
import { UNSYNCED } from "../unsynced-reasons.ts";
import { endQuarantine, type Quarantine } from "./quarantine.ts";

/** Which records are meant: named ones by object id, all of a code, or all that nobody ignores. */
export type Which = { readonly records: readonly string[] } | { readonly code: string } | "all";

/** What trying again came to: how many records are due now, and the quarantine that ended. */
export interface Retried {
  readonly records: number;
  readonly quarantine: Quarantine | null;
}

/**
 * Has unsynced records tried by the next run, with all of their attempts again, and ends the sync's quarantine. Whoever names an
 * ignored record wants it tried: it is ignored no more. What a held plan pins is left alone.
 * @throws ConnectorError `not_found` when a named record is not unsynced
 */
export async function retryRecords(
  store: Store,
  sync: string,
  { actor, which }: { readonly actor: Actor; readonly which: Which },
): Promise<Retried> {
  return await store.transaction(async (tx) => {
    if (which !== "all" && "records" in which) await requireUnsynced(tx, sync, which.records);
    const records = await retryPending(tx, sync, which);
    const quarantine = await endQuarantine(tx, store, { sync, actor });
    const said = records === 1 ? "1 record is" : `${records} records are`;
    const entry = { type: "retried", actor, detail: `${said} tried again by the next run.`, after: chosen(which) };
    if (records > 0) await appendJournal(tx, store, streamOf({ id: sync }), [entry]);
    return { records, quarantine };
  });
}

/**
 * Leaves unsynced records alone, with the reason: they count in no run, and are not tried until their record or the
 * configuration changes. When that changes their code, or mends them, they are ignored no more.
 * @throws ConnectorError `not_found` when a record is not unsynced
 */
export async function ignoreRecords(
  store: Store,
  sync: string,
  { actor, records, note }: { readonly actor: Actor; readonly records: readonly string[]; readonly note: string },
): Promise<void> {
  await store.transaction(async (tx) => {
    await requireUnsynced(tx, sync, records);
    const ignored = JSON.stringify({ note, actor, at: store.clock.now() });
    const codes = await ignorePending(tx, sync, records, ignored);
    const entries = records.map((objectId) => {
      return { type: "ignored", actor, objectId, code: codes.get(objectId) ?? null, detail: note };
    });
    await appendJournal(tx, store, streamOf({ id: sync }), entries);
  });
}

/** Takes ignored records up again: the next run tries them. Answers how many were ignored. */
export async function heedRecords(
  store: Store,
  sync: string,
  { actor, records }: { readonly actor: Actor; readonly records: readonly string[] },
): Promise<number> {
  return await store.transaction(async (tx) => {
    await requireUnsynced(tx, sync, records);
    const heeded = await stopIgnoring(tx, sync, records);
    const entries = heeded.map((objectId) => ({ type: "ignored no more", actor, objectId }));
    await appendJournal(tx, store, streamOf({ id: sync }), entries);
    return heeded.length;
  });
}

async function requireUnsynced(
  tx: Parameters<typeof loadPending>[0],
  sync: string,
  ids: readonly string[],
): Promise<void> {
  const known = await loadPending(tx, sync, ids);
  const strange = ids.find((id) => !UNSYNCED.some((reason) => known.get(id)?.reason === reason));
  if (strange === undefined) return;
  const message = `The sync has no unsynced record with the object id ${strange}.`;
  const fix = "`entrain sync unsynced NAME --json` lists them with their ids.";
  throw new ConnectorError("not_found", message, { stops: "record", retry: "never", fix });
}

function chosen(which: Which): { readonly [name: string]: string | readonly string[] } {
  return which === "all" ? { which } : which;
}
