import { ConnectorError } from "@entrain/core";
import type { Store } from "../../store/store.ts";
import { streamOf } from "../applying.ts";
import type { SyncRow } from "../context.ts";
import type { Chosen } from "./deeds.ts";
import { chosenAlong, hasTaken } from "./went-along.ts";

/** The sync as far as it is asked for. */
type Undoing = Pick<SyncRow, "id" | "name" | "target" | "records" | "connection">;

/** So many are named in one line. */
const SAID = 3;

/**
 * The run whose changes go back: `of`, or where that is null the sync's last one that applied something, itself left out.
 * @throws ConnectorError `not_found`, `nothing_to_undo`
 */
export async function runToUndo(
  store: Store,
  { sync, of, not }: { readonly sync: Undoing; readonly of: string | null; readonly not: string },
): Promise<string> {
  const found = await lastApplied(store, { sync, of, not });
  if (found !== null) return found;
  if (of !== null && (await hasTaken(store, { sync, run: of }))) return of;
  throw await noSuchRun(store, sync, of);
}

async function lastApplied(
  { db }: Store,
  { sync, of, not }: { readonly sync: Undoing; readonly of: string | null; readonly not: string },
): Promise<string | null> {
  const found = await db
    .selectFrom("journal")
    .leftJoin("journal_values as said", (join) =>
      join.onRef("said.stream", "=", "journal.stream").onRef("said.sequence", "=", "journal.sequence"),
    )
    .select("journal.run")
    .where("journal.stream", "=", streamOf(sync))
    .where("journal.type", "=", "outcome")
    // The outcome of memberships that were refused says which of them took effect all the same.
    .where((eb) => eb.or([eb("journal.status", "in", ["applied", "unchanged"]), eb("said.after", "is not", null)]))
    .where("journal.run", "is not", null)
    .where("journal.run", "!=", not)
    .$if(of !== null, (query) => query.where("journal.run", "=", of))
    .orderBy("journal.sequence", "desc")
    .limit(1)
    .executeTakeFirst();
  return found?.run ?? null;
}

async function noSuchRun(store: Store, sync: Undoing, of: string | null): Promise<ConnectorError> {
  if (of === null) return nothing(`The sync ${sync.name} has applied nothing yet.`);
  const known = await store.db
    .selectFrom("runs")
    .leftJoin("syncs", "syncs.id", "runs.sync")
    .select(["runs.sync", "syncs.name"])
    .where("runs.id", "=", of)
    .executeTakeFirst();
  if (known === undefined) {
    const fix = `See its runs: entrain sync history ${sync.name}`;
    const how = { stops: "run", retry: "never", fix } as const;
    return new ConnectorError("not_found", `The sync ${sync.name} has no run ${of}.`, how);
  }
  if (known.sync !== sync.id) {
    const whose = known.name === null ? "a sync that was removed" : `the sync ${known.name}`;
    const fix = known.name === null ? undefined : `Undo it there: entrain sync undo ${known.name} --run ${of}`;
    return nothing(`The run ${of} was one of ${whose}, and took nothing from what ${sync.name} writes.`, fix);
  }
  const begun = await wentOnWith(store, sync, of);
  if (begun === null) return nothing(`The run ${of} applied nothing.`);
  const message = `The run ${of} went on with what the run ${begun} began, and its changes stand under that one.`;
  return nothing(message, `Undo that one: entrain sync undo ${sync.name} --run ${begun}`);
}

/** The run whose plan this one only went on with; null where it did not. */
async function wentOnWith({ db }: Store, sync: Undoing, run: string): Promise<string | null> {
  const entry = await db
    .selectFrom("journal")
    .innerJoin("journal_values as said", (join) =>
      join.onRef("said.stream", "=", "journal.stream").onRef("said.sequence", "=", "journal.sequence"),
    )
    .select("said.detail")
    .where("journal.stream", "=", streamOf(sync))
    .where("journal.type", "=", "resumed")
    .where("journal.run", "=", run)
    .limit(1)
    .executeTakeFirst();
  return entry?.detail ?? null;
}

/**
 * A run that is none of the sync's, or a record that it did nothing of, is a slip of the pen. What was sent and not heard of yet
 * counts as done here: that is looked up by the undoing itself. @throws ConnectorError `not_found`, `nothing_to_undo`
 */
export async function refuseSlips(
  store: Store,
  { sync: id, of, chosen }: { readonly sync: string; readonly of: string | null; readonly chosen: Chosen },
): Promise<void> {
  const sync = await store.db
    .selectFrom("syncs")
    .innerJoin("connections", "connections.id", "syncs.connection")
    .select(["syncs.id", "syncs.name", "syncs.target", "syncs.records", "syncs.connection", "connections.tenant"])
    .where("syncs.id", "=", id)
    .executeTakeFirstOrThrow();
  const began = await sentBy(store, sync)
    .$if(of !== null, (query) => query.where("run", "=", of))
    .executeTakeFirst();
  if (began === undefined && !(of !== null && (await hasTaken(store, { sync, run: of }))))
    throw await noSuchRun(store, sync, of);
  const run = of ?? (await lastApplied(store, { sync, of, not: "" }));
  const names = [...(chosen.records ?? []), ...(chosen.ordinals ?? [])].map(String);
  if (run === null || names.length === 0) return;
  const space = { target: sync.target, tenant: sync.tenant };
  const known = new Set(await chosenAlong({ store, space, plan: { undoes: run } }, names));
  for (let at = 0; at < names.length; at += 500) {
    const slice = names.slice(at, at + 500);
    const numbers = [...(chosen.ordinals ?? [])].filter((one) => slice.includes(String(one)));
    const rows = await store.db
      .selectFrom("journal")
      .select(["object_id", "ordinal"])
      .where("stream", "=", streamOf(sync))
      .where("run", "=", run)
      .where("type", "=", "intent")
      .where((eb) => (numbers.length > 0 ? eb("ordinal", "in", numbers) : eb("object_id", "in", slice)))
      .execute();
    for (const { object_id: objectId, ordinal } of rows) {
      if (chosen.ordinals === undefined) known.add(objectId ?? "");
      else known.add(String(ordinal));
    }
  }
  refuseUnknown(
    run,
    names.filter((one) => !known.has(one)),
  );
}

function sentBy({ db }: Store, sync: Undoing) {
  return db
    .selectFrom("journal")
    .select("run")
    .where("stream", "=", streamOf(sync))
    .where("type", "=", "intent")
    .limit(1);
}

/** A choice that the run did nothing of is a slip of the pen. @throws ConnectorError `nothing_to_undo` */
export function refuseUnknown(run: string, missing: readonly string[]): void {
  if (missing.length === 0) return;
  const more = missing.length > SAID ? ` and ${missing.length - SAID} more` : "";
  const message = `The run ${run} changed nothing of ${missing.slice(0, SAID).join(", ")}${more}.`;
  throw nothing(message, `See what it changed: entrain audit list --run ${run}`);
}

/** Why there is nothing to undo. */
export function nothing(message: string, fix?: string): ConnectorError {
  return new ConnectorError("nothing_to_undo", message, {
    ...{ stops: "run", retry: "never" },
    ...(fix === undefined ? {} : { fix }),
  });
}
