import { ConnectorError, type Finding, grouped } from "@entrain/core";
import type { BegunPlan } from "../runs/begun.ts";
import { changePages, issuePages } from "../runs/plan-export.ts";
import { joinedBy, type PlannedChangeView, planView } from "../runs/plan-queries.ts";
import { type HeldView, heldPlans } from "../runs/queries.ts";
import { planSync } from "../runs/run.ts";
import type { Store } from "../store/store.ts";
import type { ExitCode, Invocation, Options } from "./command.ts";
import { findRow } from "./entries.ts";
import { ownHoldLines } from "./own-hold.ts";
import { progressView } from "./progress.ts";
import { printTrace, selectionOf, traceIn } from "./selection.ts";
import { begunInWords, countsInWords, joinedInWords, plannedInWords, seatsInWords, waitingInWords } from "./wording.ts";

const FIRST_CHANGES = 20;
const FIRST_ISSUES = 10;

/** `sync plan NAME`: the plan with its reasons. With --json everything, written page by page. */
export async function planCommand(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<ExitCode | undefined> {
  const { output, world, actor, signal } = invocation;
  const { store, engine } = await invocation.open().then((installation) => installation);
  const { id } = await findRow(await invocation.open(), "syncs", name);
  const progress = progressView(world, output.json);
  const selection = selectionOf(options);
  const given = { sync: id, actor, signal, onProgress: progress.update, ...(selection && { selection }) };
  const planned = await planSync(engine, given).finally(progress.stop);
  const plan = planView(planned.plan);
  const waiting = await heldPlans(store, id);
  if (output.json) {
    const all = { ...plan, holds: [...plan.holds, ...waiting.map(waitingHold)] };
    await writeJson(invocation, store, { plan: all, changes: planned.changes, begun: planned.begun });
    return undefined;
  }
  const { counts, holds, digest, complete } = plan;
  for (const one of planned.begun) await output.say(`First of all: ${begunInWords(name, one)}`);
  await output.say(`${name} would make ${plannedInWords(counts)}.`);
  if (counts.join > 0) await output.say(`Joins: ${joinedInWords(await joinedBy(store, { plan: plan.plan }))}.`);
  if (!complete) await output.say("The directory was read in part, so nothing is disabled, deleted or cleared.");
  const limit = options.all === true ? Number.POSITIVE_INFINITY : FIRST_CHANGES;
  const shown = await printChanges(invocation, store, plan.plan, { limit, ids: false });
  if (planned.changes > shown) {
    const all = selection ? `entrain plan show ${digest?.slice(0, 12)} --all` : `entrain sync plan ${name} --all`;
    await output.say(`… and ${grouped(planned.changes - shown)} more: ${all}`);
  }
  for (const { detail } of holds) await output.say(`Held until approved: ${detail}`);
  for (const held of waiting) await output.say(`Waiting for approval: ${waitingInWords(name, held)}`);
  if (selection === undefined && (await neverRan(store, id))) {
    await output.say(`Before the first run, compare with the whole target:  entrain sync report ${name}`);
  }
  if (plan.seats !== null) await output.say(`Seats: ${seatsInWords(plan.seats)}.`);
  await printTrace(invocation, await traceIn(store, plan.plan));
  await printIssues(invocation, store, plan.plan, { total: planned.issues, all: options.all === true });
  if (planned.changes === 0) return undefined;
  const verb = holds.length > 0 ? "approve" : "apply";
  await output.say("", `Do exactly this:  entrain sync ${verb} ${name} --digest ${digest}`);
  if (holds.length > 0) await output.say(`Without the held:  entrain sync apply ${name} --digest ${digest}`);
  return undefined;
}

async function neverRan(store: Store, id: string): Promise<boolean> {
  const sync = await store.db.selectFrom("syncs").select("first_run_at").where("id", "=", id).executeTakeFirst();
  return sync?.first_run_at === null;
}

/** An earlier run's held plan among the holds of a preview: its changes are not part of the preview. */
interface WaitingHold extends Finding {
  readonly waiting: true;
  readonly plan: string;
  readonly digest: string;
  readonly count: number;
}

function waitingHold({ plan, digest, count, counts }: HeldView): WaitingHold {
  const detail = `A plan of an earlier run waits for approval, and is not part of this one: ${countsInWords(counts)}.`;
  return { code: "held", detail, waiting: true, plan, digest, count };
}

/** A change in one line; with the object id where that is what a next command is given. */
export function changeLine(change: PlannedChangeView, withId: boolean): string {
  const { action, name, reason, add, remove, objectId } = change;
  const members = action === "members" ? ` (+${add.length} −${remove.length})` : "";
  return `  ${action.padEnd(7)} ${name}${members}${withId ? ` [${objectId}]` : ""}: ${reason}`;
}

/** The first changes of a plan, a line each; how many there were. */
export async function printChanges(
  { output }: Invocation,
  store: Store,
  plan: string,
  { limit, ids }: { readonly limit: number; readonly ids: boolean },
): Promise<number> {
  let shown = 0;
  for await (const page of changePages(store, plan)) {
    for (const change of page) {
      if (shown >= limit) return shown;
      await output.say(changeLine(change, ids), ...(await ownHoldLines(store, plan, change)));
      shown += 1;
    }
  }
  return shown;
}

async function printIssues(
  { output }: Invocation,
  store: Store,
  plan: string,
  of: { readonly total: number; readonly all: boolean },
): Promise<void> {
  if (of.total === 0) return;
  await output.say(`${of.total === 1 ? "1 record" : `${grouped(of.total)} records`} cannot be planned:`);
  let shown = 0;
  for await (const page of issuePages(store, plan)) {
    for (const { name, objectId, code, detail } of page) {
      if (shown >= FIRST_ISSUES && !of.all) return output.say(`  … and ${grouped(of.total - shown)} more: --all`);
      await output.say(`  ${name ?? objectId ?? ""} (${code}): ${detail}`);
      shown += 1;
    }
  }
}

/** One JSON object whose lists are written as they are read, so that memory does not grow with the plan. */
async function writeJson(
  { output }: Invocation,
  store: Store,
  of: {
    readonly plan: ReturnType<typeof planView>;
    readonly changes: number;
    readonly begun: readonly BegunPlan[];
  },
): Promise<void> {
  const { plan, changes, begun } = of;
  const { plan: id, digest, complete, counts, holds, state, seats, selection } = plan;
  const joins = counts.join > 0 ? await joinedBy(store, { plan: id }) : [];
  const trace = await traceIn(store, id);
  const told = { plan: id, state, digest, complete, counts, joinedBy: joins, holds, begun, seats };
  const head = JSON.stringify({ ...told, ...(selection && { selection }), ...(trace && { trace }) });
  await output.piece(`${head.slice(0, -1)},"changes":[`);
  const written = await writeChanges(output, store, id);
  // Another process may drop a preview that is being listed; a list that is cut short must not pass for the plan.
  if (written !== changes) {
    const message = `The plan was replaced while it was listed: ${grouped(written)} of ${grouped(changes)} changes were written.`;
    throw new ConnectorError("plan_stale", message, { stops: "run", retry: "now" });
  }
  await output.piece('],\n"issues":[');
  const separated = separator();
  for await (const page of issuePages(store, id)) await output.piece(page.map(separated).join(""));
  await output.piece("]}\n");
}

/** The changes of a plan as the inside of a JSON list; how many there were. */
export async function writeChanges(output: Invocation["output"], store: Store, plan: string): Promise<number> {
  const separated = separator();
  let written = 0;
  for await (const page of changePages(store, plan)) {
    await output.piece(page.map(withoutKey).map(separated).join(""));
    written += page.length;
  }
  return written;
}

/** Writes one value after another as a JSON list holds them, a line each. */
function separator(): (value: unknown) => string {
  let first = true;
  return (value) => {
    const text = `${first ? "\n" : ",\n"}${JSON.stringify(value)}`;
    first = false;
    return text;
  };
}

function withoutKey({ key: _key, ...change }: PlannedChangeView): Omit<PlannedChangeView, "key"> {
  return change;
}
