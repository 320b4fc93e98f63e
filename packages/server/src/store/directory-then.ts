import { sql } from "kysely";
import { type DirectoryRow, loadRecords } from "./directory.ts";
import type { Store } from "./store.ts";

/** A record as it was; `removed` tells whether it had a tombstone. */
export type RecordThen = Pick<DirectoryRow, "id" | "kind" | "attributes" | "manager" | "removed">;

/** The last change number that a connection had given out by a moment; `null`: the directory is not remembered so far back. */
export async function sequenceAt(db: Store["db"], connection: string, at: number): Promise<number | null> {
  const row = await db
    .selectFrom("directory_times")
    .select((eb) => eb.fn.max<number | null>("sequence").as("sequence"))
    .where("connection", "=", connection)
    .where("at", "<=", at)
    .executeTakeFirst();
  return row?.sequence ?? null;
}

/** Since when a connection's directory is remembered; `null` while it never changed since. */
export async function rememberedSince(db: Store["db"], connection: string): Promise<number | null> {
  const row = await db
    .selectFrom("directory_times")
    .select((eb) => eb.fn.min<number | null>("at").as("at"))
    .where("connection", "=", connection)
    .executeTakeFirst();
  return row?.at ?? null;
}

/** These records as they were at a change number; those that came later are left out. */
export async function recordsThen(
  db: Store["db"],
  of: { readonly connection: string; readonly sequence: number },
  ids: readonly string[],
): Promise<ReadonlyMap<string, RecordThen>> {
  const found = new Map<string, RecordThen>();
  for (const [id, row] of await loadRecords(db, of.connection, ids)) {
    if (row.first_sequence === null || row.first_sequence <= of.sequence) found.set(id, row);
  }
  const known = [...found.keys()];
  for (let at = 0; at < known.length; at += 500) {
    const versions = await db
      .selectFrom("record_versions")
      .selectAll()
      .where("connection", "=", of.connection)
      .where("id", "in", known.slice(at, at + 500))
      .where("until", ">", of.sequence)
      .orderBy("until", "desc")
      .execute();
    // The version that ended first behind that number is the one that stood; the newest first, it is laid on top last.
    for (const { id, attributes, manager, removed } of versions) {
      const row = found.get(id);
      if (row !== undefined) found.set(id, { ...row, attributes, manager, removed });
    }
  }
  return found;
}

const PAGE = 1000;

/**
 * The records of a kind that stood at a change number and are meant by `fits`, then or now; as they were then. `fits` is told a
 * record's attributes as JSON.
 */
export async function findThen(
  db: Store["db"],
  of: { readonly connection: string; readonly sequence: number; readonly kind: string },
  fits: (attributes: string) => boolean,
): Promise<readonly RecordThen[]> {
  const now = await fitting(currentOf(db, of), fits);
  const once = await fitting(versionsOf(db, of), fits);
  const stood = await recordsThen(db, of, [...new Set([...now, ...once])]);
  return [...stood.values()].filter(({ id, attributes }) => now.has(id) || fits(attributes));
}

interface Versioned {
  readonly id: string;
  readonly attributes: string;
}

async function fitting(
  pages: AsyncIterable<readonly Versioned[]>,
  fits: (attributes: string) => boolean,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for await (const page of pages) for (const { id, attributes } of page) if (fits(attributes)) found.add(id);
  return found;
}

async function* currentOf(
  db: Store["db"],
  of: { readonly connection: string; readonly kind: string },
): AsyncGenerator<readonly Versioned[]> {
  for (let after = ""; ; ) {
    const page: readonly Versioned[] = await db
      .selectFrom("records")
      .select(["id", "attributes"])
      .where("connection", "=", of.connection)
      .where("kind", "=", of.kind)
      .where("id", ">", after)
      .orderBy("id")
      .limit(PAGE)
      .execute();
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.id;
    yield page;
  }
}

async function* versionsOf(
  db: Store["db"],
  of: { readonly connection: string; readonly sequence: number; readonly kind: string },
): AsyncGenerator<readonly Versioned[]> {
  for (let after = { id: "", until: 0 }; ; ) {
    const page: readonly (Versioned & { readonly until: number })[] = await db
      .selectFrom("record_versions")
      .innerJoin("records", (join) =>
        join
          .onRef("records.connection", "=", "record_versions.connection")
          .onRef("records.id", "=", "record_versions.id"),
      )
      .select(["record_versions.id", "record_versions.until", "record_versions.attributes"])
      .where("record_versions.connection", "=", of.connection)
      .where("record_versions.until", ">", of.sequence)
      .where("records.kind", "=", of.kind)
      .where((eb) =>
        eb(eb.refTuple("record_versions.id", "record_versions.until"), ">", eb.tuple(after.id, after.until)),
      )
      .orderBy("record_versions.id")
      .orderBy("record_versions.until")
      .limit(PAGE)
      .execute();
    const last = page.at(-1);
    if (last === undefined) return;
    after = last;
    yield page;
  }
}

/** A page of a group's direct members as they were at a change number, in the order of their ids. */
export async function membersThen(
  db: Store["db"],
  of: { readonly connection: string; readonly sequence: number; readonly group: string },
  page: { readonly after: string; readonly limit: number },
): Promise<readonly { readonly id: string; readonly type: string }[]> {
  return await edgesThen(db, of)
    .select(["edges.member_id as id", "edges.member_type as type"])
    .where("edges.group_id", "=", of.group)
    .where("edges.member_id", ">", page.after)
    .orderBy("edges.member_id")
    .limit(page.limit)
    .execute();
}

/** The groups that a record was directly in at a change number. */
export async function groupsThen(
  db: Store["db"],
  of: { readonly connection: string; readonly sequence: number; readonly member: string },
): Promise<readonly string[]> {
  const rows = await edgesThen(db, of)
    .select("edges.group_id as id")
    .where("edges.member_id", "=", of.member)
    .orderBy("edges.group_id")
    .execute();
  return rows.map(({ id }) => id);
}

/** Memberships that stood at a change number: as they are now, unless one that ended since says otherwise. */
function edgesThen(db: Store["db"], of: { readonly connection: string; readonly sequence: number }) {
  const stood = sql<number>`coalesce((
    select v.present from edge_versions as v
    where v.connection = edges.connection and v.group_id = edges.group_id and v.member_id = edges.member_id
      and v.until > ${of.sequence}
    order by v.until limit 1), edges.present)`;
  return db
    .selectFrom("edges")
    .where("edges.connection", "=", of.connection)
    .where((eb) => eb.or([eb("edges.first_sequence", "is", null), eb("edges.first_sequence", "<=", of.sequence)]))
    .where(stood, "=", 1);
}
