import type { Transaction } from "kysely";
import { appendJournal } from "../store/journal.ts";
import { type PlanRow, updatePlan } from "../store/plans.ts";
import type { DB } from "../store/schema.ts";
import { streamOf } from "./applying.ts";
import { alreadyApplied, noneStands, runThatOvertook } from "./by-digest.ts";
import type { Engine } from "./context.ts";
import { settledCounts } from "./overtaken.ts";
import { type RunOptions, reviewOf, type Session } from "./session.ts";
import { tellDecided } from "./tell-plans.ts";

/** Writes a decision on a plan, with its journal entry, in one transaction. */
export async function decide(
  session: Session,
  of: PlanRow,
  decision: { readonly type: "approved" | "applied"; readonly changes: Partial<PlanRow> },
): Promise<void> {
  const { engine, options, lease, run } = session;
  const { type, changes } = decision;
  await engine.store.fenced(lease, async (tx) => {
    await updatePlan(tx, of.id, { decided_by: JSON.stringify(options.actor) });
    if (type === "approved") {
      await updatePlan(tx, of.id, changes);
      await tellDecided(tx, engine.store, { plan: of, decision: "approved", actor: options.actor });
    }
    await journalDecision(engine, tx, { ...options, digest: of.digest ?? "" }, { type, plan: of.id, run });
  });
}

/** Who decided on a plan, and on which: its digest names every change of it. */
export async function journalDecision(
  engine: Engine,
  tx: Transaction<DB>,
  options: RunOptions & { readonly digest: string },
  decision: { readonly type: "approved" | "applied" | "rejected"; readonly plan: string; readonly run: string | null },
): Promise<void> {
  const entry = { ...decision, actor: options.actor, detail: options.digest };
  await appendJournal(tx, engine.store, streamOf({ id: options.sync }), [entry]);
}

/**
 * @throws ConnectorError `plan_applied` when runs have done all of a preview already, `plan_stale` when no record that it
 * changes is what it saw
 */
export async function refuseSettled(session: Session, preview: PlanRow): Promise<void> {
  const counts = await settledCounts(await reviewOf(session), preview);
  if (counts === null || counts.done > 0 === counts.stale + counts.spared > 0) return;
  if (counts.done === 0) throw noneStands(preview.digest ?? "", counts);
  throw alreadyApplied(preview.digest ?? "", await runThatOvertook(session.engine.store, preview));
}
