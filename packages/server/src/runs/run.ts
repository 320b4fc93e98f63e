import { ConnectorError } from "@entrain/core";
import { appendJournal } from "../store/journal.ts";
import { type PlanRow, updatePlan } from "../store/plans.ts";
import type { Lease } from "../store/store.ts";
import { streamOf } from "./applying.ts";
import { giveApproval, refuseBarred } from "./approval.ts";
import { kindOf } from "./basis.ts";
import { reviewHeld } from "./begin.ts";
import { type BegunPlan, begunPlans } from "./begun.ts";
import { APPLICABLE, APPROVABLE, planByDigest, refusal, requireOpen } from "./by-digest.ts";
import { applyOne, makePlan, NOTHING, planAndApply, withdraw } from "./carry-out.ts";
import type { Engine } from "./context.ts";
import { decide, journalDecision, refuseSettled } from "./decide.ts";
import { forgetPlans } from "./forget.ts";
import { inRun, type RunSummary } from "./in-run.ts";
import { Stopped, syncLease, withLease } from "./lease.ts";
import type { Planned } from "./plan.ts";
import { readAnew } from "./read-anew.ts";
import { readConnection } from "./read-connection.ts";
import { abandonUnfinished, recover, recoveredOf, settleLeft } from "./recover.ts";
import { stayAfterAll } from "./remove/remove.ts";
import { checkSelection } from "./selection.ts";
import { closeHolds, leaseOptions, type RunOptions, type Session, stoppable, withEnds } from "./session.ts";
import { tellDecided } from "./tell-plans.ts";

export type { RunOptions, RunSummary };

/** Runs a sync once: finishes what a crash left, reads, plans, holds what the guard holds, applies the rest. */
export async function runSync(engine: Engine, options: RunOptions): Promise<RunSummary> {
  if (options.selection !== undefined) return await runSelected(engine, options);
  const { recreate = false, resync = false } = options;
  return await inRun(engine, options, resync ? "resync" : "incremental", async (session) => {
    const { tally } = await recover(session);
    if (resync) await readAnew(engine.store, session.connection, { ...session.options, wait: true });
    if (recreate || resync) await evaluateAnew(session);
    const position = await readConnection(session);
    // Before planning, so that this run plans what such a plan had pinned.
    await closeHolds(session);
    return await planAndApply(session, position, tally);
  });
}

/** What is chosen wrongly is said before anything is read. @throws ConnectorError `usage` */
function checkChosen({ options, target, sync }: Session): void {
  if (options.selection !== undefined) checkSelection(options.selection, kindOf(target, sync).source);
}

/** Plans and applies some records only: by the ordinary way, guards included, but no cursor moves. */
async function runSelected(engine: Engine, options: RunOptions): Promise<RunSummary> {
  return await inRun(engine, options, "selected", async (session) => {
    checkChosen(session);
    const tally = await settleLeft(session);
    const position = await readConnection(session);
    await closeHolds(session);
    const { plan } = await makePlan(session, position, { run: session.run, firstOrdinal: 0, recreate: false });
    return await applyOne(session, plan, tally);
  });
}

/** Has every person and group evaluated again. The links stay the sync's: another one must not take them over. */
async function evaluateAnew({ engine, sync, lease, options }: Session): Promise<void> {
  const { store } = engine;
  await store.fenced(lease, async (tx) => {
    await tx.updateTable("syncs").set({ evaluated_revision: 0 }).where("id", "=", sync.id).execute();
    const { actor, resync = false } = options;
    const [type, detail] = resync
      ? ["resync", "Tenant and target are read anew, and every record is evaluated."]
      : ["recreate", "Every record is looked for in the target, and made anew where it is gone."];
    await appendJournal(tx, store, streamOf(sync), [{ type, actor, detail }]);
  });
}

/** A preview, and what the next run goes on with before it comes to that. */
export interface Preview extends Planned {
  readonly begun: readonly BegunPlan[];
}

/** Plans without applying: the same run, stopped. Cursors stay where they are. */
export async function planSync(engine: Engine, options: RunOptions): Promise<Preview> {
  const { store } = engine;
  return await withLease(store, syncLease(options.sync), leaseOptions(options), async (lease, stopping) => {
    options.onBegin?.(null);
    const planned = withEnds(engine, stoppable(options, stopping), lease, "", async (session) => {
      checkChosen(session);
      await abandonUnfinished(session);
      const position = await readConnection(session);
      await closeHolds(session);
      const made = await makePlan(session, position, { run: null, firstOrdinal: 0, recreate: false });
      await forgetPlans(session);
      return { ...made, begun: await begunPlans(store, options.sync) };
    });
    return await planned.catch((fault: unknown) => {
      const { reason } = stopping.soon;
      throw reason instanceof Stopped ? previewStopped(reason) : fault;
    });
  });
}

function previewStopped({ request }: Stopped): ConnectorError {
  const message = `The preview was stopped by ${request.actor.id}.`;
  return new ConnectorError("cancelled", message, { stops: "run", retry: "later", fix: "Plan again when you like." });
}

/**
 * Applies a plan by its digest, as `sync plan` sealed it; what the guard holds of it by now still waits for approval.
 * The run fails with `plan_applied` when runs have done all of it meanwhile, `plan_stale` when none of its changes stands
 * any more; it ends as `partial` when some were skipped, for their records changed. There is no run, and the same is
 * thrown, where no plan with this digest can be applied.
 */
export async function applySync(
  engine: Engine,
  options: RunOptions & { readonly digest: string },
): Promise<RunSummary> {
  await requireOpen(engine.store, { ...options, states: APPLICABLE });
  return await inRun(engine, options, "apply", async (session) => {
    const recovered = await recover(session, options.digest);
    const sealed = await planByDigest(engine.store, options.sync, { digest: options.digest, states: ["sealed"] });
    if (!sealed) return await recoveredOf(recovered, engine, options);
    await readConnection(session);
    await refuseSettled(session, sealed);
    await decide(session, sealed, { type: "applied", changes: {} });
    return await applyOne(session, sealed, recovered.tally);
  });
}

/**
 * Approves a held plan (or a previewed one) by its digest, and applies exactly that plan. The run fails with
 * `plan_applied` when runs have done all of it meanwhile, `plan_stale` when it no longer waits; it ends as `partial` when
 * some changes were skipped, for their records changed. There is no run, and the same is thrown, where no plan with this
 * digest can be approved. Where the sync asks for a second operator it ends as `held`, with the approval kept, until
 * enough have approved. @throws ConnectorError `second_operator` for who cannot approve it
 */
export async function approveSync(
  engine: Engine,
  options: RunOptions & { readonly digest: string },
): Promise<RunSummary> {
  await requireOpen(engine.store, { ...options, states: APPROVABLE });
  const of = { digest: options.digest, states: ["held", "sealed"] };
  const shown = await planByDigest(engine.store, options.sync, of);
  if (shown) await refuseBarred(engine.store.db, shown, options.actor);
  return await inRun(engine, options, "approve", async (session) => {
    const recovered = await recover(session, options.digest);
    const asked = await planByDigest(engine.store, options.sync, of);
    if (!asked) return await recoveredOf(recovered, engine, options);
    // What is undone goes back, and what a sync leaves behind goes, whatever the source says, and when it does not answer.
    if (asked.part !== "undo" && asked.part !== "remove") await readConnection(session);
    await closeHolds(session);
    const waiting = await planByDigest(engine.store, options.sync, of);
    if (!waiting) throw await refusal(engine.store, options.sync, options.digest);
    if (waiting.state === "sealed") await refuseSettled(session, waiting);
    const { store } = engine;
    const by = { plan: waiting, actor: options.actor, run: session.run };
    const approval = await store.fenced(session.lease, (tx) => giveApproval(tx, store, by));
    if (approval !== null && approval.missing > 0) return { ...NOTHING, tally: recovered.tally, held: waiting };
    const changes = {
      approved_by: JSON.stringify(options.actor),
      approved_at: store.clock.now(),
      state: "approved",
    };
    await decide(session, waiting, { type: "approved", changes });
    return await applyOne(session, { ...waiting, ...changes }, recovered.tally);
  });
}

/**
 * Rejects a held plan, or what is left of one that was begun and stopped: its records are planned anew by the next run.
 * @throws ConnectorError `plan_applied`, `plan_stale` where nothing waits under this digest
 */
export async function rejectSync(engine: Engine, options: RunOptions & { readonly digest: string }): Promise<void> {
  const { store } = engine;
  await withLease(store, syncLease(options.sync), leaseOptions(options), async (lease) => {
    const { digest } = options;
    const begun = await planByDigest(store, options.sync, { digest, states: ["applying"] });
    if (begun) return await rejectRest(engine, options, lease, begun);
    const held = await planByDigest(store, options.sync, { digest, states: ["held", "approved"] });
    if (!held) throw await refusal(store, options.sync, digest);
    const decided_by = JSON.stringify(options.actor);
    await store.fenced(lease, async (tx) => {
      await updatePlan(tx, held.id, { state: "rejected", finished_at: store.clock.now(), decided_by });
      await journalDecision(engine, tx, options, { type: "rejected", plan: held.id, run: null });
      await tellDecided(tx, store, { plan: held, decision: "rejected", actor: options.actor });
      await reviewHeld({ store, sync: { id: options.sync } }, tx, held.id);
      await stayAfterAll(tx, held);
    });
  });
}

async function rejectRest(
  engine: Engine,
  options: RunOptions & { readonly digest: string },
  lease: Lease,
  begun: PlanRow,
): Promise<void> {
  await withEnds(engine, options, lease, "", async (session) => {
    await withdraw(session, begun, `what was left of the plan was rejected by ${options.actor.id}`);
    await engine.store.fenced(lease, (tx) =>
      journalDecision(engine, tx, options, { type: "rejected", plan: begun.id, run: null }),
    );
  });
}
