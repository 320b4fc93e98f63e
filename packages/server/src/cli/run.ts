import { ConnectorError, grouped } from "@entrain/core";
import { foreseenWarnings } from "../expiry/foreseen.ts";
import { approvalInWords } from "../runs/approval.ts";
import type { Engine } from "../runs/context.ts";
import { countUnsynced } from "../runs/failures/unsynced.ts";
import { type RunFinding, runFindings } from "../runs/findings.ts";
import { joinedBy, planChanges } from "../runs/plan-queries.ts";
import { findRun, heldPlans } from "../runs/queries.ts";
import type { RunOptions, RunSummary } from "../runs/run.ts";
import { loadPlan } from "../store/plans.ts";
import type { Store } from "../store/store.ts";
import type { ExitCode, Invocation } from "./command.ts";
import { findRow } from "./entries.ts";
import { sentence } from "./output.ts";
import { ownHoldLines } from "./own-hold.ts";
import { changeLine } from "./plan.ts";
import { progressView } from "./progress.ts";
import { printTrace, traceIn } from "./selection.ts";
import { countsInWords, durationInWords, joinedInWords, warningInWords } from "./wording.ts";

const SAID_NAMES = 20;

/** Runs a sync in one of its ways, shows how far it is, and tells how it ended. `also`: done behind it, and told with it. */
export async function withRun(
  invocation: Invocation,
  name: string,
  work: (engine: Engine, options: RunOptions) => Promise<RunSummary>,
  also: (summary: RunSummary) => Promise<object> = async () => ({}),
): Promise<ExitCode> {
  const { output, world, actor, signal } = invocation;
  const installation = await invocation.open();
  const { id, connection } = await findRow(installation, "syncs", name);
  const progress = progressView(world, output.json);
  let summary: RunSummary;
  try {
    summary = await work(installation.engine, { sync: id, actor, signal, onProgress: progress.update });
  } finally {
    progress.stop();
  }
  const joins = summary.counts.join > 0 ? await joinedBy(installation.store, { run: summary.run }) : [];
  const row = await findRun(installation.store, summary.run);
  const trace = await traceIn(installation.store, row?.plan ?? null);
  const findings = await runFindings(installation.store, { run: summary.run });
  const { unsynced, dead, ignored } = await countUnsynced(installation.store, id);
  const told = { findings, unsynced, dead, ignored };
  await output.value({ ...summary, ...told, joinedBy: joins, ...(trace && { trace }), ...(await also(summary)) });
  const plan = row?.plan == null ? undefined : await loadPlan(installation.store.db, row.plan);
  await printSummary(invocation, name, summary, { ...told, isUndoing: plan?.part === "undo" });
  await printTrace(invocation, trace);
  if (joins.length > 0) await output.say(`Joins: ${joinedInWords(joins)}.`);
  if (summary.held !== null && summary.result !== "failed")
    await printHeld(invocation, installation.store, { name, id });
  // A hint must not change how the run ended.
  const warnings = await foreseenWarnings(installation, connection).catch(() => []);
  for (const one of warnings) output.remark(`Warning: ${warningInWords(one)}`);
  if (summary.result === "failed" || summary.result === "cancelled") {
    await output.fault(new RunFault(summary.error));
  }
  return summary.result === "succeeded" ? 0 : summary.result === "held" ? 3 : 1;
}

/** How a run ended that did not go through, in its own words. */
class RunFault extends ConnectorError {
  readonly #fix: string;

  constructor(error: RunSummary["error"]) {
    const { code = "internal", message = "The run failed.", fix = "" } = error ?? {};
    super(code as ConnectorError["code"], message, { stops: "run", retry: "later" });
    this.#fix = fix;
  }

  override get fix(): string {
    return this.#fix;
  }
}

/** What a run's own numbers do not say: what is wrong with no record, and the records that wait since earlier runs. */
interface Told {
  readonly findings: readonly RunFinding[];
  readonly unsynced: number;
  readonly dead: number;
  /** Its plan was an undoing: what was skipped is not made good by a run. */
  readonly isUndoing: boolean;
}

async function printSummary(
  { output }: Invocation,
  name: string,
  summary: RunSummary,
  { findings, unsynced, dead, isUndoing }: Told,
): Promise<void> {
  const { counts, failed, unchanged, ms, readMs, result, error } = summary;
  const took = `in ${durationInWords(ms)} (reading ${durationInWords(readMs)})`;
  const also = unchanged > 0 ? `, ${grouped(unchanged)} already as they should be` : "";
  await output.say(`${name} ${result}: ${countsInWords(counts)}${also}, ${took}.`);
  for (const { detail, fix } of findings) await output.say(`${sentence(detail)} ${fix}`);
  const records = Math.max(0, failed - findings.length);
  if (records > 0) await output.say(`${grouped(records)} could not be synced: entrain sync unsynced ${name}`);
  const waiting = unsynced - records;
  if (waiting > 0) await output.say(waitingRecordsInWords(name, { waiting, dead, isMore: records > 0 }));
  if ((result === "partial" || result === "held") && error !== null && (isUndoing || error.code === "protected"))
    await output.say(error.message, error.fix);
  else if ((result === "partial" || result === "held") && error !== null)
    await output.say(
      error.message,
      `Make them good:      entrain sync run ${name}`,
      `Look at them first:  entrain sync plan ${name}`,
    );
}

/** Records that were refused before, and that this run did not try. */
function waitingRecordsInWords(
  name: string,
  { waiting, dead, isMore }: { readonly waiting: number; readonly dead: number; readonly isMore: boolean },
): string {
  const who = `${grouped(waiting)} ${isMore ? "more " : ""}${waiting === 1 ? "record waits" : "records wait"}`;
  const left = dead === 0 ? "" : ` (${grouped(dead)} not tried by ${dead === 1 ? "itself" : "themselves"} any more)`;
  return `${who} for another try${left}: entrain sync unsynced ${name}`;
}

/** What waits for approval, with the names: nobody should approve a number. */
async function printHeld(
  { output }: Invocation,
  store: Store,
  sync: { readonly name: string; readonly id: string },
): Promise<void> {
  if (output.json) return;
  for (const { plan, digest, counts, count, holds, approval } of await heldPlans(store, sync.id)) {
    await output.say("", `Waiting for approval: ${countsInWords(counts)}.`);
    if (approval !== null) await output.say(`  ${sentence(approvalInWords(approval))}`);
    for (const { detail } of holds) await output.say(`  ${detail}`);
    const changes = await planChanges(store, plan, { after: null, limit: SAID_NAMES + 1 });
    for (const change of changes.slice(0, SAID_NAMES))
      await output.say(changeLine(change, true), ...(await ownHoldLines(store, plan, change)));
    if (changes.length > SAID_NAMES)
      await output.say(`  … and ${grouped(count - SAID_NAMES)} more: entrain sync held ${sync.name}`);
    await output.say(
      `Apply exactly this:  entrain sync approve ${sync.name} --digest ${digest}`,
      `Do not:              entrain sync approve ${sync.name} --digest ${digest} --reject`,
    );
  }
}
