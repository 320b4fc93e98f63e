import { grouped } from "@entrain/core";
import { type ReconcileReport, reconcileSync } from "../runs/reconcile/reconcile.ts";
import { command, type ExitCode, type Invocation, numberOption, type Options, type Register } from "./command.ts";
import { withRun } from "./run.ts";
import { heedPause } from "./sync-control.ts";

/** `sync reconcile`: what others made of what a sync owns, and putting it back. */
export const registerReconcile: Register = (group, world, ended) => {
  const reconcile = group
    .command("reconcile <name>")
    .description("read the target in full, and tell what is missing, changed by others, or nobody's")
    .option("--repair", "put back what the sync owns, by a plan; what a guard holds waits for approval")
    .option("--samples <count>", "how many of each sort are named", "10")
    .option("--anyway", "also when it is paused");
  command(reconcile, world, ended, reconcileCommand);
};

async function reconcileCommand(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<ExitCode> {
  const samples = numberOption(options, "samples", { min: 0, max: 100_000 });
  const repair = options.repair === true;
  if (repair) await heedPause(invocation, name, options);
  let report: ReconcileReport | null = null;
  return await withRun(
    invocation,
    name,
    async (engine, of) => {
      const done = await reconcileSync(engine, { ...of, repair, samples });
      report = done.report;
      return done.run;
    },
    async () => {
      if (report !== null) await invocation.output.say(...linesOf(report, repair));
      return { report };
    },
  );
}

function linesOf(report: ReconcileReport, repair: boolean): readonly string[] {
  const { missing, changed, theirs, unsettled, unknown, members, inStep } = report;
  const { added, removed, foreign } = members;
  type Changed = ReconcileReport["changed"]["samples"][number];
  const keptIn = (kept: string | null): string => (kept === null ? "" : ` (left alone: ${kept})`);
  const fieldsIn = ({ fields }: Changed): string =>
    fields
      .map(({ attribute, knownInWords, presentInWords }) => `${attribute}: ${knownInWords} became ${presentInWords}`)
      .join("; ");
  const moved = (one: (typeof added)["samples"][number]): string =>
    `${one.name === one.member ? one.member : `${one.name} (${one.member})`}, ${one.group}`;
  return [
    heldInWords(report),
    ...(inStep ? ["All that it owns is as it was left."] : []),
    ...part(
      "missing",
      missing,
      "that the target holds no more",
      ({ name, record, kept }) => `${name} (${record})${keptIn(kept)}`,
    ),
    ...part("changed", changed, "by others", (one) => `${one.name}: ${fieldsIn(one)}${keptIn(one.kept)}`),
    ...part(
      "theirs",
      theirs,
      "with attributes that are others' since they changed them",
      (one) => `${one.name}: ${fieldsIn(one)}`,
    ),
    ...part(
      "unsettled",
      unsettled,
      "whose last change was sent and not heard of: what they hold is compared once a run has looked that up",
      ({ name, record }) => (record === "" ? name : `${name} (${record})`),
    ),
    ...part("added", added, "members by others", moved),
    ...part("removed", removed, "members by others", moved),
    ...part("foreign", foreign, "members that are none of the connection's, and stay", moved),
    ...part(
      "unknown",
      unknown,
      `records that are no sync's (${grouped(unknown.active)} active), and stay`,
      ({ name, active }) => `${name}${active ? "" : ", disabled"}`,
    ),
    ...(inStep || repair ? [] : [nextInWords(report)]),
  ];
}

/** What the target holds is counted apart from what the sync owns and is missing there. */
function heldInWords({ sync, target, records, owned, held, missing }: ReconcileReport): string {
  const all = `the ${grouped(held)} ${records}s that ${target} holds`;
  if (missing.count === 0) return `${sync}: ${grouped(owned)} of ${all} are its own.`;
  const gone = missing.count === 1 ? "1 more is missing" : `${grouped(missing.count)} more are missing`;
  return `${sync}: ${grouped(owned - missing.count)} of ${all} are its own, and ${gone}.`;
}

/** What is pinned, or waits for approval, no repair touches. */
function nextInWords({ sync, repairable, unsettled }: ReconcileReport): string {
  if (unsettled.count > 0) return `Have what was sent and not heard of looked up first: entrain sync run ${sync}`;
  if (repairable) return `Put it back: entrain sync reconcile ${sync} --repair`;
  return `A repair would put nothing of that back: it is pinned, waits for approval, or the sync does not write it. See: entrain sync undone ${sync}, entrain sync held ${sync}`;
}

const SORT_WIDTH = 9;

/** A line with the count, the samples below it; nothing where there are none. */
function part<T>(
  sort: string,
  { count, samples }: { readonly count: number; readonly samples: readonly T[] },
  said: string,
  inWords: (one: T) => string,
): readonly string[] {
  if (count === 0) return [];
  const more = count - samples.length;
  return [
    `${sort.padEnd(SORT_WIDTH)}  ${grouped(count)} ${said}`,
    ...samples.map((one) => `  ${inWords(one)}`),
    ...(more > 0 && samples.length > 0 ? [`  … and ${grouped(more)} more: --samples`] : []),
  ];
}
