import { type Attributes, isReference, kindsReferred, type Value } from "@entrain/core";
import type { Transaction } from "kysely";
import { enterPending } from "../store/pending.ts";
import type { DB } from "../store/schema.ts";
import type { ApplyContext } from "./applying.ts";

/**
 * Whose links say that they point to records that are gone: they point to nothing any more, or to a dead id. A record that the
 * same person gets later is another one, and is written anew.
 */
export async function forgetReferences(
  context: ApplyContext,
  tx: Transaction<DB>,
  gone: readonly string[],
): Promise<void> {
  if (gone.length === 0 || !context.kind.attributes.some((attribute) => kindsReferred(attribute).length > 0)) return;
  const ids = new Set(gone);
  for (const reports of await reportsOf(context, tx, gone)) {
    const links = await tx
      .selectFrom("links")
      .select(["kind", "object_id", "known"])
      .where("target", "=", context.space.target)
      .where("tenant", "=", context.space.tenant)
      .where("object_id", "in", reports)
      .execute();
    for (const { kind, object_id, known } of links) {
      const left = withoutReferences(JSON.parse(known) as Attributes, ids);
      if (left === null) continue;
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
}

/** Who may point to these records, which an undoing made anew, is looked at by the next run: no evaluation knows of them. */
export async function reviewReferrers(
  context: ApplyContext,
  tx: Transaction<DB>,
  made: readonly string[],
): Promise<void> {
  const { store, sync } = context;
  const since = store.clock.now();
  const why = { reason: "dependant", code: "dependant", detail: "the record that it refers to was made anew" };
  for (const reports of await reportsOf(context, tx, made)) {
    const rows = reports.map((object_id) => ({ ...why, sync: sync.id, object_id }));
    await enterPending(
      store,
      tx,
      rows.map((row) => ({ ...row, plan: null, attempts: 0, retry_at: 0, sequence: 0, since })),
    );
  }
}

/** The people whose manager is one of these, in chunks. */
async function reportsOf(
  { sync }: ApplyContext,
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

/** Null when nothing of it refers to any of them. */
function withoutReferences(known: Attributes, ids: ReadonlySet<string>): Attributes | null {
  const isGone = (value: Value): boolean => isReference(value) && ids.has(value.$ref);
  if (!Object.values(known).some(isGone)) return null;
  return Object.fromEntries(Object.entries(known).map(([name, value]) => [name, isGone(value) ? null : value]));
}
