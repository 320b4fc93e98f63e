import type { PhotoAnswer, Value } from "@entrain/core";
import type { Transaction } from "kysely";
import type { DB } from "./schema.ts";
import { takeSequences } from "./sequences.ts";
import type { Store } from "./store.ts";

type Reader = Store["db"] | Transaction<DB>;

const COLUMNS = [
  { name: "connection", type: "text" },
  { name: "id", type: "text" },
  { name: "told", type: "int8" },
  { name: "hash", type: "text" },
  { name: "asked_at", type: "int8" },
] as const;
/** Who was not told this time keeps what was told before. */
const CONFLICT = `on conflict (connection, id) do update set asked_at = excluded.asked_at,
  hash = case when excluded.told = 1 then excluded.hash else photos.hash end,
  told = case when excluded.told = 1 then 1 else photos.told end`;

/** Whose photos are due: people who were never asked about first, then those who were longest ago, before `before`. */
export async function duePhotos(
  db: Reader,
  of: { readonly connection: string; readonly before: number; readonly limit: number },
): Promise<readonly string[]> {
  const people = db
    .selectFrom("records")
    .leftJoin("photos", (join) =>
      join.onRef("photos.connection", "=", "records.connection").onRef("photos.id", "=", "records.id"),
    )
    .select("records.id")
    .where("records.connection", "=", of.connection)
    .where("records.kind", "=", "user")
    .where("records.removed", "is", null);
  const fresh = await people.where("photos.id", "is", null).orderBy("records.id").limit(of.limit).execute();
  const left = of.limit - fresh.length;
  const old =
    left === 0
      ? []
      : await people
          .where("photos.asked_at", "<=", of.before)
          .orderBy("photos.asked_at")
          .orderBy("records.id")
          .limit(left)
          .execute();
  return [...fresh, ...old].map(({ id }) => id);
}

/**
 * Keeps what was told of some people's photos. Whoever has another one, or none any more, or of whom it is told for the first time,
 * gets a change number, so that every sync looks at them again. A failure changes nothing but when they are asked about next.
 */
export async function savePhotos(
  store: Store,
  tx: Transaction<DB>,
  connection: string,
  answers: readonly PhotoAnswer[],
): Promise<void> {
  const before = await loadPhotos(
    tx,
    connection,
    answers.map(({ id }) => id),
  );
  const now = store.clock.now();
  const rows = answers.map((answer) =>
    "hash" in answer ? [connection, answer.id, 1, answer.hash, now] : [connection, answer.id, 0, null, now],
  );
  await store.insertMany(tx, { table: "photos", columns: COLUMNS, conflict: CONFLICT }, rows);
  const changed = answers.flatMap((answer) =>
    "hash" in answer && before.get(answer.id) !== answer.hash ? [answer.id] : [],
  );
  if (changed.length === 0) return;
  let sequence = await takeSequences(store, tx, connection, changed.length);
  for (const id of changed) {
    await tx
      .updateTable("records")
      .set({ sequence: sequence++ })
      .where("connection", "=", connection)
      .where("id", "=", id)
      .execute();
  }
}

/** The hashes of these people's photos, `null` for who has none; whoever it was never told of is left out. */
export async function loadPhotos(
  db: Reader,
  connection: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string | null>> {
  const found = new Map<string, string | null>();
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await db
      .selectFrom("photos")
      .select(["id", "hash"])
      .where("connection", "=", connection)
      .where("id", "in", ids.slice(at, at + 500))
      .where("told", "=", 1)
      .execute();
    for (const { id, hash } of rows) found.set(id, hash);
  }
  return found;
}

/** How many living people have a photo, and the hash of one; `null` while no photo was asked for. */
export async function photoUse(
  db: Reader,
  connection: string,
): Promise<{ readonly count: number; readonly example: Value } | null> {
  const { asked, count, example } = await db
    .selectFrom("photos")
    .innerJoin("records", (join) =>
      join.onRef("records.connection", "=", "photos.connection").onRef("records.id", "=", "photos.id"),
    )
    .select((eb) => [
      eb.fn.countAll<number>().as("asked"),
      eb.fn.count<number>("photos.hash").as("count"),
      eb.fn.min("photos.hash").as("example"),
    ])
    .where("photos.connection", "=", connection)
    .where("records.removed", "is", null)
    .executeTakeFirstOrThrow();
  return Number(asked) === 0 ? null : { count: Number(count), example };
}
