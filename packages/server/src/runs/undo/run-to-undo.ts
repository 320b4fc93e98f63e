import { ConnectorError } from "@entrain/core";
import { loadRecords } from "../../store/directory.ts";
import type { Store } from "../../store/store.ts";
import { streamOf } from "../applying.ts";
import type { SyncRow } from "../context.ts";
import { nameIn } from "../names.ts";
import type { Chosen } from "./deeds.ts";
import { chosenAlong, hasTaken } from "./went-along.ts";
import { listed } from "./words.ts";

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
  const known = await whoseRun(store, of);
  if (known === null) {
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

/** The sync that a run was one of, with its name unless it was removed. Of what history forgot, the journal still tells. */
async function whoseRun(
  { db }: Store,
  run: string,
): Promise<{ readonly sync: string; readonly name: string | null } | null> {
  const kept = await db.selectFrom("runs").select("sync").where("id", "=", run).executeTakeFirst();
  const sent = kept ? undefined : await intentsIn(db, run).select("stream").limit(1).executeTakeFirst();
  const sync = kept?.sync ?? sent?.stream.slice(streamOf({ id: "" }).length);
  if (sync === undefined) return null;
  const named = await db.selectFrom("syncs").select("name").where("id", "=", sync).executeTakeFirst();
  return { sync, name: named?.name ?? null };
}

/** Whether a run, kept or forgotten, wrote anything for this sync. */
export async function isOwnRun({ db }: Store, sync: Pick<Undoing, "id">, run: string): Promise<boolean> {
  const own = intentsIn(db, run).select("run").where("stream", "=", streamOf(sync)).limit(1);
  return (await own.executeTakeFirst()) !== undefined;
}

/** Whether a run, kept or forgotten, undid another one. */
export async function isUndoing({ db }: Store, run: string): Promise<boolean> {
  const undone = intentsIn(db, run).select("run").where("cause", "in", ["undone", "unjoined"]).limit(1);
  return (await undone.executeTakeFirst()) !== undefined;
}

function intentsIn(db: Store["db"], run: string) {
  return db.selectFrom("journal").where("run", "=", run).where("type", "=", "intent");
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
  const isByNumber = chosen.ordinals !== undefined;
  const known = new Set(await chosenAlong({ store, space, plan: { undoes: run } }, chosen, names));
  for (let at = 0; at < names.length; at += 500) {
    const slice = names.slice(at, at + 500);
    const rows = await intentsIn(store.db, run)
      .select(["object_id", "ordinal"])
      .where("stream", "=", streamOf(sync))
      .where((eb) => (isByNumber ? eb("ordinal", "in", slice.map(Number)) : eb("object_id", "in", slice)))
      .execute();
    for (const { object_id: objectId, ordinal } of rows) known.add(isByNumber ? String(ordinal) : (objectId ?? ""));
  }
  refuseUnknown(
    run,
    names.filter((one) => !known.has(one)),
  );
  await refuseAmbiguous(store, { sync, run, chosen });
}

/**
 * Each plan numbers its changes for itself, so that a run which applied several may have one number twice.
 * @throws ConnectorError `usage` where a chosen one is not a single change's
 */
export async function refuseAmbiguous(
  store: Store,
  of: {
    readonly sync: Pick<Undoing, "name" | "connection">;
    readonly run: string;
    readonly chosen: Pick<Chosen, "ordinals">;
  },
): Promise<void> {
  const { sync, run } = of;
  const numbers = [...(of.chosen.ordinals ?? [])];
  for (let at = 0; at < numbers.length; at += 500) {
    const rows = await intentsIn(store.db, run)
      .select(["plan", "ordinal", "object_id", "action"])
      .where("ordinal", "in", numbers.slice(at, at + 500))
      .orderBy("stream")
      .orderBy("sequence")
      .execute();
    for (const [number, sent] of Map.groupBy(rows, ({ ordinal }) => ordinal ?? 0)) {
      const several = [...new Map(sent.map((row) => [row.plan, row])).values()];
      if (several.length < 2) continue;
      const ids = several.map(({ object_id: id }) => id ?? "");
      const records = await loadRecords(store.db, sync.connection, ids);
      const said = several.map(({ plan, object_id: id, action }) => {
        const name = nameIn(records.get(id ?? "")?.attributes ?? null);
        return `${action} ${name === null ? id : `${name} (${id})`} in ${plan}`;
      });
      const message = `The run ${run} applied several plans, and ${number} is the number of a change of each: ${listed(said)}.`;
      const fix = `Choose by record: entrain sync undo ${sync.name} --run ${run} --record ${ids.at(0)}`;
      throw new ConnectorError("usage", message, { stops: "run", retry: "never", fix });
    }
  }
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
