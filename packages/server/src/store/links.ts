import { type Selectable, sql, type Transaction } from "kysely";
import { keepFormer } from "./former-links.ts";
import type { DB } from "./schema.ts";
import { endShares, OWNING } from "./shares.ts";
import type { Store } from "./store.ts";

export type LinkRow = Selectable<DB["links"]>;
type Reader = Transaction<DB> | Store["db"];

const LINK_COLUMNS = [
  { name: "target", type: "text" },
  { name: "kind", type: "text" },
  { name: "tenant", type: "text" },
  { name: "object_id", type: "text" },
  { name: "record_id", type: "text" },
  { name: "sync", type: "text" },
  { name: "origin", type: "text" },
  { name: "known", type: "text" },
  { name: "active", type: "int8" },
  { name: "sequence", type: "int8" },
  { name: "linked_sequence", type: "int8" },
  { name: "created_at", type: "int8" },
  { name: "matched_by", type: "text" },
  { name: "left_alone", type: "text" },
  { name: "leaving_at", type: "int8" },
  { name: "owned_since", type: "int8" },
] as const;

const LINK_CONFLICT = `on conflict (target, kind, tenant, object_id) do update set
  known = excluded.known, active = excluded.active, sequence = excluded.sequence, sync = excluded.sync,
  left_alone = excluded.left_alone, leaving_at = excluded.leaving_at`;

/** Where links live: one target, seen from one tenant. */
export interface LinkSpace {
  readonly target: string;
  readonly tenant: string;
}

/** Gives out `count` link change numbers of a target, as the directory does for a connection. */
export async function takeLinkSequences(tx: Transaction<DB>, target: string, count: number): Promise<number> {
  const row = await tx
    .updateTable("targets")
    .set((eb) => ({ sequence: eb("sequence", "+", count) }))
    .where("id", "=", target)
    .returning("sequence")
    .executeTakeFirstOrThrow();
  return row.sequence - count + 1;
}

/** Links by kind and object id. */
export type LinksByKind = ReadonlyMap<string, ReadonlyMap<string, LinkRow>>;

/** Links of the given kinds by kind and object id. A person has at most one link per target and kind. */
export async function loadLinksByKind(
  db: Reader,
  space: LinkSpace,
  kinds: readonly string[],
  ids: readonly string[],
): Promise<LinksByKind> {
  const found = new Map<string, ReadonlyMap<string, LinkRow>>();
  for (const kind of new Set(kinds)) found.set(kind, await loadLinks(db, space, [kind], ids));
  return found;
}

/** Links of the given kinds by object id, of a person with several the first kind's. */
export async function loadLinks(
  db: Reader,
  space: LinkSpace,
  kinds: readonly string[],
  ids: readonly string[],
): Promise<Map<string, LinkRow>> {
  const found = new Map<string, LinkRow>();
  if (kinds.length === 0) return found;
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await db
      .selectFrom("links")
      .selectAll()
      .where("target", "=", space.target)
      .where("kind", "in", kinds)
      .where("tenant", "=", space.tenant)
      .where("object_id", "in", ids.slice(at, at + 500))
      .execute();
    const rank = ({ kind }: LinkRow): number => kinds.indexOf(kind);
    for (const row of rows) {
      const other = found.get(row.object_id);
      if (other === undefined || rank(row) < rank(other)) found.set(row.object_id, row);
    }
  }
  return found;
}

/** Which of a target's records belong to somebody, and to whom. */
export async function linkedRecords(
  db: Reader,
  target: string,
  kind: string,
  recordIds: readonly string[],
): Promise<Map<string, { readonly tenant: string; readonly objectId: string }>> {
  const found = new Map<string, { tenant: string; objectId: string }>();
  for (let at = 0; at < recordIds.length; at += 500) {
    const rows = await db
      .selectFrom("links")
      .select(["record_id", "tenant", "object_id"])
      .where("target", "=", target)
      .where("kind", "=", kind)
      .where("record_id", "in", recordIds.slice(at, at + 500))
      .where(OWNING)
      .execute();
    for (const row of rows) found.set(row.record_id, { tenant: row.tenant, objectId: row.object_id });
  }
  return found;
}

/** Writes new and changed links. */
export async function saveLinks(store: Store, tx: Transaction<DB>, links: readonly LinkRow[]): Promise<void> {
  if (links.length === 0) return;
  const rows = links.map((link) => LINK_COLUMNS.map(({ name }) => link[name]));
  await store.insertMany(tx, { table: "links", columns: LINK_COLUMNS, conflict: LINK_CONFLICT }, rows);
}

/**
 * Forgets links whose records the target has lost; of its groups, that they may still name those as members is kept.
 * Answers as {@link deleteLinks} does.
 */
export async function deleteLostLinks(
  store: Store,
  tx: Transaction<DB>,
  space: LinkSpace,
  kind: string,
  ids: readonly string[],
): Promise<number> {
  for (let at = 0; at < ids.length; at += 200) {
    await tx
      .insertInto("gone_members")
      .columns(["target", "tenant", "group_id", "record_id"])
      .expression((eb) =>
        eb
          .selectFrom("known_members")
          .innerJoin("links", (join) =>
            join
              .onRef("links.target", "=", "known_members.target")
              .onRef("links.tenant", "=", "known_members.tenant")
              .onRef("links.object_id", "=", "known_members.member_id"),
          )
          .select(["known_members.target", "known_members.tenant", "known_members.group_id", "links.record_id"])
          .where("known_members.target", "=", space.target)
          .where("known_members.tenant", "=", space.tenant)
          .where("known_members.member_id", "in", ids.slice(at, at + 200))
          .where("links.kind", "=", kind),
      )
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  return await endLinks(store, tx, { ...space, kind, ids, lost: true });
}

/**
 * Forgets links of deleted records, with what was known of their memberships. What references point to may be another of
 * the person's records from now on: their links count as made just now. Answers how many those are.
 */
export async function deleteLinks(
  store: Store,
  tx: Transaction<DB>,
  space: LinkSpace,
  kind: string,
  ids: readonly string[],
): Promise<number> {
  return await endLinks(store, tx, { ...space, kind, ids, lost: false });
}

async function endLinks(
  store: Store,
  tx: Transaction<DB>,
  of: LinkSpace & { readonly kind: string; readonly ids: readonly string[]; readonly lost: boolean },
): Promise<number> {
  const { kind, ids, lost, ...space } = of;
  let others = 0;
  for (let at = 0; at < ids.length; at += 200) {
    const slice = ids.slice(at, at + 200);
    await keepFormer(store, tx, { ...space, kind, ids: slice, lost });
    await endShares(store, tx, { ...space, kind }, slice);
    await tx
      .deleteFrom("links")
      .where("target", "=", space.target)
      .where("kind", "=", kind)
      .where("tenant", "=", space.tenant)
      .where("object_id", "in", slice)
      .execute();
    for (const column of ["group_id", "member_id"] as const) {
      await tx
        .deleteFrom("known_members")
        .where("target", "=", space.target)
        .where("tenant", "=", space.tenant)
        .where(column, "in", slice)
        .execute();
    }
    await tx
      .deleteFrom("gone_members")
      .where("target", "=", space.target)
      .where("tenant", "=", space.tenant)
      .where("group_id", "in", slice)
      .execute();
    others += await renewOthers(tx, space, slice);
  }
  return others;
}

/** A link made just now is told from one that others changed by its number: it is behind that of its last change. */
async function renewOthers(tx: Transaction<DB>, space: LinkSpace, ids: readonly string[]): Promise<number> {
  const others = await tx
    .selectFrom("links")
    .select(["kind", "object_id"])
    .where("target", "=", space.target)
    .where("tenant", "=", space.tenant)
    .where("object_id", "in", ids)
    .execute();
  if (others.length === 0) return 0;
  let sequence = await takeLinkSequences(tx, space.target, others.length);
  for (const { kind, object_id } of others) {
    await tx
      .updateTable("links")
      .set({ linked_sequence: sequence++ })
      .where("target", "=", space.target)
      .where("kind", "=", kind)
      .where("tenant", "=", space.tenant)
      .where("object_id", "=", object_id)
      .execute();
  }
  return others.length;
}

/** Record ids of active links of a sync, in the order of ids from behind one and then from the first on. */
export async function someLinks(
  db: Reader,
  space: LinkSpace,
  of: {
    readonly kind: string;
    readonly sync: string;
    readonly without: readonly string[];
    readonly after: string;
    readonly count: number;
  },
): Promise<readonly string[]> {
  const without = new Set(of.without);
  const found = new Set<string>();
  for (const side of [">", "<"] as const) {
    if (found.size >= of.count) break;
    const rows = await db
      .selectFrom("links")
      .select("record_id")
      .where("target", "=", space.target)
      .where("kind", "=", of.kind)
      .where("record_id", side, of.after)
      .where("sync", "=", of.sync)
      .where("active", "=", 1)
      .where(OWNING)
      .orderBy("record_id")
      .limit(of.count + without.size)
      .execute();
    for (const { record_id: id } of rows) if (found.size < of.count && !without.has(id)) found.add(id);
  }
  return [...found];
}

/** How many links of a kind no sync owns, or this one, and how many of these are of active records. */
export async function countLinks(
  db: Reader,
  space: LinkSpace,
  kind: string,
  sync: string | null = null,
): Promise<{ readonly all: number; readonly active: number }> {
  const row = await db
    .selectFrom("links")
    .select([sql<number>`count(*)`.as("count"), sql<number>`coalesce(sum(active), 0)`.as("active")])
    .where("target", "=", space.target)
    .where("kind", "=", kind)
    .where("tenant", "=", space.tenant)
    .where((eb) => eb.or([eb("sync", "is", null), eb("sync", "=", sync)]))
    .executeTakeFirstOrThrow();
  return { all: Number(row.count), active: Number(row.active) };
}

/**
 * A page of records that other syncs linked in this target, and of those that lost another record there, in the order of
 * their change numbers: what waited for them is looked at again. The last `sequence` of a page is where the next one begins.
 */
export async function linkedSince(
  db: Reader,
  space: LinkSpace,
  options: {
    readonly kinds: readonly string[];
    readonly notSync: string;
    readonly after: number;
    readonly upto: number;
  },
): Promise<readonly { readonly objectId: string; readonly sequence: number }[]> {
  if (options.kinds.length === 0) return [];
  const rows = await db
    .selectFrom("links")
    .select(["object_id", "linked_sequence"])
    .where("target", "=", space.target)
    .where("kind", "in", options.kinds)
    .where("tenant", "=", space.tenant)
    .where("linked_sequence", ">", options.after)
    .where("linked_sequence", "<=", options.upto)
    .where((eb) =>
      eb.or([
        eb("sync", "!=", options.notSync),
        eb("sync", "is", null),
        eb("linked_sequence", ">", eb.ref("sequence")),
      ]),
    )
    .orderBy("linked_sequence")
    .limit(1000)
    .execute();
  return rows.map((row) => ({ objectId: row.object_id, sequence: row.linked_sequence }));
}

/**
 * How many active records a sync owns that it owned by a moment; who was made anew since, or brought back, is one of them.
 * Those that were disabled long ago do not count: the more leavers a target has kept, the more people a share of all would
 * let go at once. No more than `atMost` are counted.
 */
export async function ownedLinks(db: Reader, sync: string, by: number, atMost?: number): Promise<number> {
  const owned = db
    .selectFrom("links")
    .select("object_id")
    .where("sync", "=", sync)
    .where("active", "=", 1)
    .where(OWNING)
    .where("owned_since", "<=", by)
    .$if(atMost !== undefined, (query) => query.limit(atMost ?? 0));
  const row = await db
    .selectFrom(owned.as("owned"))
    .select(sql<number>`count(*)`.as("count"))
    .executeTakeFirstOrThrow();
  return Number(row.count);
}
