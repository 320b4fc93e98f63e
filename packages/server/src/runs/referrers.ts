import { type Attributes, GONE_REFERENCE, isReference, kindsReferred, type Value } from "@entrain/core";
import type { Transaction } from "kysely";
import { enterPending } from "../store/pending.ts";
import type { DB } from "../store/schema.ts";
import type { ApplyContext } from "./applying.ts";
import type { Settled } from "./settled.ts";
import { keepTaken, referencesTo } from "./taken-along.ts";

/**
 * Whose links say that they point to records that are gone: they point to nothing any more, or to a dead id, and are looked at
 * again. A record that the same person gets later is another one, and is written anew. Answers how many they are. Which of
 * them pointed to one that the run `deleted` is kept: undoing that makes the same person's record.
 */
export async function forgetReferences(
  context: Pick<ApplyContext, "store" | "sync" | "space" | "kind" | "run">,
  tx: Transaction<DB>,
  gone: readonly string[],
  deleted: readonly Settled[] = [],
): Promise<number> {
  if (gone.length === 0 || !context.kind.attributes.some((attribute) => kindsReferred(attribute).length > 0)) return 0;
  const ids = new Set(gone);
  const touched = new Set<string>();
  for (const reports of await reportsOf(context, tx, gone)) {
    const links = await tx
      .selectFrom("links")
      .select(["kind", "object_id", "known", "sync"])
      .where("target", "=", context.space.target)
      .where("tenant", "=", context.space.tenant)
      .where("object_id", "in", reports)
      .execute();
    for (const { kind, object_id, known, sync } of links) {
      const all = JSON.parse(known) as Attributes;
      const left = withoutReferences(all, ids);
      if (left === null) continue;
      await keepTaken(context, tx, deleted, referencesTo(all, ids, { holder: object_id, kind }));
      if (sync === context.sync.id) touched.add(object_id);
      await tx
        .updateTable("links")
        .set({ known: JSON.stringify(left) })
        .where("target", "=", context.space.target)
        .where("kind", "=", kind)
        .where("tenant", "=", context.space.tenant)
        .where("object_id", "=", object_id)
        .execute();
    }
  }
  // Who is deleted here, too, has nothing left to be written.
  const left = [...touched].filter((id) => !ids.has(id));
  await lookAgain(context, tx, left, "the record that it refers to was deleted");
  return left.length;
}

/** Who may point to these records, which an undoing made anew, is looked at by the next run: no evaluation knows of them. */
export async function reviewReferrers(
  context: ApplyContext,
  tx: Transaction<DB>,
  made: readonly string[],
): Promise<void> {
  for (const reports of await reportsOf(context, tx, made)) {
    await lookAgain(context, tx, reports, "the record that it refers to was made anew");
  }
}

async function lookAgain(
  { store, sync }: Pick<ApplyContext, "store" | "sync">,
  tx: Transaction<DB>,
  ids: readonly string[],
  detail: string,
): Promise<void> {
  const why = { reason: "dependant", code: "dependant", detail, plan: null, attempts: 0, retry_at: 0, sequence: 0 };
  const since = store.clock.now();
  await enterPending(
    store,
    tx,
    ids.map((object_id) => ({ ...why, sync: sync.id, object_id, since })),
  );
}

/** The people whose manager is one of these, in chunks. */
async function reportsOf(
  { sync }: Pick<ApplyContext, "sync">,
  tx: Transaction<DB>,
  ids: readonly string[],
): Promise<readonly (readonly string[])[]> {
  const chunks: (readonly string[])[] = [];
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await tx
      .selectFrom("records")
      .select("id")
      .where("connection", "=", sync.connection)
      .where("manager", "in", ids.slice(at, at + 500))
      .execute();
    for (let from = 0; from < rows.length; from += 500) {
      chunks.push(rows.slice(from, from + 500).map(({ id }) => id));
    }
  }
  return chunks;
}

/** With what is known of a reference to a deleted record; null when nothing of it refers to any of them. */
function withoutReferences(known: Attributes, ids: ReadonlySet<string>): Attributes | null {
  const isGone = (value: Value): boolean => isReference(value) && ids.has(value.$ref);
  if (!Object.values(known).some(isGone)) return null;
  return Object.fromEntries(
    Object.entries(known).map(([name, value]) => [name, isGone(value) ? GONE_REFERENCE : value]),
  );
}
