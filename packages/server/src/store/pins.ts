import type { Selectable, Transaction } from "kysely";
import type { Actor } from "./journal.ts";
import { enterPending } from "./pending.ts";
import { idsOf, type PlanRow } from "./plans.ts";
import type { DB } from "./schema.ts";
import type { Store } from "./store.ts";

type PinRow = Selectable<DB["pins"]>;
type Reader = Transaction<DB> | Store["db"];

/** What is pinned anew. */
export type NewPin = PinRow;

const PAGE = 1000;
/** Stands in `member` for the record itself. */
export const ITSELF = "";
const COLUMNS = [
  { name: "sync", type: "text" },
  { name: "object_id", type: "text" },
  { name: "member", type: "text" },
  { name: "name", type: "text" },
  { name: "plan", type: "text" },
  { name: "run", type: "text" },
  { name: "actor", type: "text" },
  { name: "at", type: "int8" },
] as const;
/** What is pinned already stays so, whatever becomes of a later undoing. */
const CONFLICT = "on conflict (sync, object_id, member) do nothing";

/** Pins what an undoing plan changes, records and single memberships, in the transaction that begins it. */
export async function pinUndone(store: Store, tx: Transaction<DB>, plan: PlanRow): Promise<void> {
  const at = store.clock.now();
  let after = -1;
  for (;;) {
    const rows = await tx
      .selectFrom("plan_changes")
      .select(["ordinal", "object_id", "name", "action", "add", "remove"])
      .where("plan", "=", plan.id)
      .where("ordinal", ">", after)
      .orderBy("ordinal")
      .limit(PAGE)
      .execute();
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.ordinal;
    const pins = rows.flatMap(({ object_id, name, action, add, remove }) => {
      const members = action === "members" ? [...idsOf(add), ...idsOf(remove)] : [ITSELF];
      const { sync, id, undoes, approved_by } = plan;
      const base = { sync, object_id, name, plan: id, run: undoes ?? "", actor: approved_by ?? "{}", at };
      return members.map((member) => ({ ...base, member }));
    });
    await pinRecords(store, tx, pins);
  }
}

/** Pins records and single memberships until somebody releases them. */
export async function pinRecords(store: Store, tx: Transaction<DB>, pins: readonly NewPin[]): Promise<void> {
  const values = pins.map((pin) => COLUMNS.map(({ name }) => pin[name]));
  await store.insertMany(tx, { table: "pins", columns: COLUMNS, conflict: CONFLICT }, values);
}

/** Lets go of what an undoing did not bring back after all; `members`: single memberships of the group, or the record itself. */
export async function unpin(
  tx: Transaction<DB>,
  { sync, plan }: { readonly sync: string; readonly plan: string },
  pins: readonly { readonly id: string; readonly members: readonly string[] }[],
): Promise<void> {
  for (const { id, members } of pins) {
    if (members.length === 0) continue;
    await tx
      .deleteFrom("pins")
      .where("sync", "=", sync)
      .where("plan", "=", plan)
      .where("object_id", "=", id)
      .where("member", "in", members)
      .execute();
  }
}

/** The records of a sync that no plan changes. */
export async function pinnedRecords(db: Reader, sync: string): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom("pins")
    .select("object_id")
    .where("sync", "=", sync)
    .where("member", "=", ITSELF)
    .execute();
  return new Set(rows.map((row) => row.object_id));
}

/** Of these records, those of which something is pinned: they themselves, or a membership. */
export async function pinnedAmong(db: Reader, sync: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await db
      .selectFrom("pins")
      .select("object_id")
      .distinct()
      .where("sync", "=", sync)
      .where("object_id", "in", ids.slice(at, at + 500))
      .execute();
    for (const { object_id: id } of rows) found.add(id);
  }
  return found;
}

/** Of these records, those that stay as they were undone, with the run, or were exempted, with the empty text. */
export async function undoneRuns(
  db: Reader,
  sync: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await db
      .selectFrom("pins")
      .select(["object_id", "run"])
      .where("sync", "=", sync)
      .where("member", "=", ITSELF)
      .where("object_id", "in", ids.slice(at, at + 500))
      .execute();
    for (const { object_id, run } of rows) found.set(object_id, run);
  }
  return found;
}

/** The memberships of a sync's groups that no plan moves: the members, by group. */
export async function pinnedMembers(db: Reader, sync: string): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const rows = await db
    .selectFrom("pins")
    .select(["object_id", "member"])
    .where("sync", "=", sync)
    .where("member", "!=", ITSELF)
    .execute();
  const groups = Map.groupBy(rows, (row) => row.object_id);
  return new Map([...groups].map(([id, of]) => [id, new Set(of.map((row) => row.member))]));
}

/** A record that stays as it was undone, or as it was when it was exempted, with how many of its memberships do. */
export interface Pin {
  readonly id: string;
  readonly name: string;
  /** Its own attributes, or its being there at all. */
  readonly record: boolean;
  readonly members: number;
  /** The run that was undone; null for what was exempted from a held plan. */
  readonly run: string | null;
  readonly actor: Actor;
  readonly at: number;
}

/** A page of what is pinned, in the order of object ids. */
export async function pinsPage(
  db: Reader,
  sync: string,
  of: { readonly after: string; readonly limit: number },
): Promise<readonly Pin[]> {
  const ids = await db
    .selectFrom("pins")
    .select("object_id")
    .distinct()
    .where("sync", "=", sync)
    .where("object_id", ">", of.after)
    .orderBy("object_id")
    .limit(of.limit)
    .execute();
  if (ids.length === 0) return [];
  const rows = await db
    .selectFrom("pins")
    .selectAll()
    .where("sync", "=", sync)
    .where("object_id", ">", of.after)
    .where("object_id", "<=", ids.at(-1)?.object_id ?? "")
    .orderBy("object_id")
    .execute();
  return [...Map.groupBy(rows, (row) => row.object_id)].map(([id, pins]) => pinOf(id, pins));
}

/** How many {@link pinsPage} lists in all. */
export async function countPinned(db: Reader, sync: string): Promise<number> {
  const pinned = db.selectFrom("pins").where("sync", "=", sync);
  const row = await pinned.select((eb) => eb.fn.count("object_id").distinct().as("count")).executeTakeFirstOrThrow();
  return Number(row.count);
}

function pinOf(id: string, pins: readonly PinRow[]): Pin {
  const newest = pins.reduce((best, pin) => (pin.at > best.at ? pin : best));
  return {
    id,
    name: newest.name,
    record: pins.some(({ member }) => member === ITSELF),
    members: pins.filter(({ member }) => member !== ITSELF).length,
    run: newest.run === "" ? null : newest.run,
    actor: JSON.parse(newest.actor) as Actor,
    at: newest.at,
  };
}

/** Lets the next run decide again on these records, or on all. Answers those that were pinned. */
export async function releasePins(
  store: Store,
  tx: Transaction<DB>,
  sync: string,
  ids: readonly string[] | null,
): Promise<readonly string[]> {
  if (ids?.length === 0) return [];
  const held = await tx
    .selectFrom("pins")
    .select("object_id")
    .distinct()
    .where("sync", "=", sync)
    .$if(ids !== null, (query) => query.where("object_id", "in", [...(ids ?? [])]))
    .execute();
  const since = store.clock.now();
  for (let at = 0; at < held.length; at += PAGE) {
    const slice = held.slice(at, at + PAGE).map(({ object_id }) => object_id);
    await tx.deleteFrom("pins").where("sync", "=", sync).where("object_id", "in", slice).execute();
    const why = {
      reason: "dependant",
      code: "dependant",
      detail: "released after it was undone or exempted",
      plan: null,
    };
    const rows = slice.map((object_id) => ({ ...why, sync, object_id, attempts: 0, retry_at: 0, sequence: 0, since }));
    await enterPending(store, tx, rows);
  }
  return held.map(({ object_id }) => object_id);
}
