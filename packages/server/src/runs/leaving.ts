import { type Deprovision, deletesAfter, type SyncDefinition } from "@entrain/core";
import type { Transaction } from "kysely";
import type { LinkRow, LinkSpace } from "../store/links.ts";
import type { PlanChangeRow, PlanRow } from "../store/plans.ts";
import type { DB } from "../store/schema.ts";
import type { ApplyContext } from "./applying.ts";
import { type Candidates, PAGE, type Span, unchanged } from "./candidates.ts";

/**
 * Records that have waited long enough to be deleted, by the shortest wait of the sync's policies: nothing about them changed,
 * so nothing else would bring them up. What was refused goes on waiting for its next try.
 */
export async function* leaversDue(
  span: Span,
  { deprovision }: Pick<SyncDefinition, "deprovision">,
): AsyncGenerator<Candidates> {
  const waits = Object.values(deprovision).flatMap((policy) => deletesAfter(policy) ?? []);
  if (waits.length === 0) return;
  const due = span.now - Math.min(...waits);
  let after = "";
  for (;;) {
    const rows = await span.store.db
      .selectFrom("links")
      .select("object_id")
      .where("sync", "=", span.sync.id)
      .where("leaving_at", "<=", due)
      .where("object_id", ">", after)
      .orderBy("object_id")
      .limit(PAGE)
      .execute();
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.object_id;
    const candidates = await unchanged(
      span,
      rows.map((row) => row.object_id),
    );
    const isWaiting = (id: string): boolean => (candidates.pending.get(id)?.retry_at ?? 0) > span.now;
    yield { ...candidates, rows: candidates.rows.filter(({ id }) => !isWaiting(id)) };
  }
}

/** Keeps since when records wait for their deletion, and forgets it of those that do so no more, as a plan found them. */
export async function markLeaving(
  tx: Transaction<DB>,
  of: { readonly space: LinkSpace; readonly kind: string; readonly plan: PlanRow; readonly now: number },
): Promise<void> {
  for (const state of ["leaving", "staying"] as const) {
    for (let after = -1; ; ) {
      const rows = await tx
        .selectFrom("plan_issues")
        .select(["ordinal", "object_id"])
        .where("plan", "=", of.plan.id)
        .where("ordinal", ">", after)
        .where("state", "=", state)
        .where("object_id", "is not", null)
        .orderBy("ordinal")
        .limit(PAGE)
        .execute();
      const last = rows.at(-1);
      if (last === undefined) break;
      after = last.ordinal;
      const ids = rows.flatMap(({ object_id: id }) => id ?? []);
      await mark(tx, of, { ids, leavingAt: state === "leaving" ? of.now : null });
    }
  }
}

/** By whole keys: a sync may own a million links, of which these are few. */
async function mark(
  tx: Transaction<DB>,
  { space, kind, plan }: { readonly space: LinkSpace; readonly kind: string; readonly plan: PlanRow },
  { ids, leavingAt }: { readonly ids: readonly string[]; readonly leavingAt: number | null },
): Promise<void> {
  await tx
    .updateTable("links")
    .set({ leaving_at: leavingAt })
    .where("target", "=", space.target)
    .where("kind", "=", kind)
    .where("tenant", "=", space.tenant)
    .where("object_id", "in", ids)
    .where("sync", "=", plan.sync)
    .where("leaving_at", leavingAt === null ? "is not" : "is", null)
    .execute();
}

/** Since when a record waits for its deletion once a change was applied: a return ends it, being disabled may begin it. */
export function leavingAfter(
  { sync }: Pick<ApplyContext, "sync">,
  row: Pick<PlanChangeRow, "action" | "cause">,
  link: Pick<LinkRow, "leaving_at" | "origin">,
  now: number,
): number | null {
  if (row.action === "enable") return null;
  if (row.action !== "disable" || link.origin !== "created") return link.leaving_at;
  const { deprovision } = JSON.parse(sync.definition) as SyncDefinition;
  const policy = Object.hasOwn(deprovision, row.cause) ? deprovision[row.cause as keyof Deprovision] : undefined;
  return policy === undefined || deletesAfter(policy) === null ? null : (link.leaving_at ?? now);
}
