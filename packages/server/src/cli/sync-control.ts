import { parseDuration } from "@entrain/core";
import { loadConfiguration } from "../config/current.ts";
import { begunPlans } from "../runs/begun.ts";
import { syncLease } from "../runs/lease.ts";
import { type Pause, pauseSync, requireUnpaused, resumeSync } from "../runs/pause.ts";
import { findRun } from "../runs/queries.ts";
import { requireAsked, stopSync } from "../runs/stop.ts";
import { readLease } from "../store/leases.ts";
import { command, type Invocation, type Options, type Register, textOption, usage } from "./command.ts";
import { findRow } from "./entries.ts";
import { begunInWords, countsInWords, timeInWords } from "./wording.ts";

const NOTE_MAX = 500;
const LOOK_MS = 250;

/** Commands that keep a sync from running, let it run again, and stop what runs. */
export const registerControl: Register = (group, world, ended) => {
  const pause = group
    .command("pause <name>")
    .description("keep a sync from running by itself; what runs goes on")
    .option("--until <time>", "over by itself: 2026-11-23T08:00+01:00, or after 2h, 3d")
    .option("--note <text>", "why, for whoever wonders");
  command(pause, world, ended, pauseOne);
  const resume = group
    .command("resume <name>")
    .description("let a paused sync run again: by itself, or when it is asked to");
  command(resume, world, ended, resumeOne);
  const stop = group
    .command("stop <name>")
    .description(
      "stop what any process runs for a sync, after the batch it is writing; the next run goes on from there",
    )
    .option("--no-wait", "do not wait until it has stopped");
  command(stop, world, ended, stopOne);
};

/** What begins a run of a paused sync by hand says so. @throws ConnectorError `sync_paused` */
export async function heedPause(invocation: Invocation, name: string, options: Options): Promise<void> {
  if (options.anyway === true) return;
  const { store } = await invocation.open();
  const { id } = await findRow(await invocation.open(), "syncs", name);
  await requireUnpaused(store, { id, name });
}

/** Who paused a sync, since when, until when and why. */
export function pauseInWords({ by, since, until, note }: Pause): string {
  const end = until === null ? "" : ` until ${timeInWords(until)}`;
  return `by ${by.id} since ${timeInWords(since)}${end}${note === null ? "" : `: ${note}`}`;
}

async function pauseOne(invocation: Invocation, [name = ""]: readonly string[], options: Options): Promise<undefined> {
  const { output, actor, world } = invocation;
  const until = momentOf(textOption(options, "until"), world.clock.now());
  const note = textOption(options, "note")?.trim() ?? "";
  if (note.length > NOTE_MAX) throw usage(`--note takes up to ${NOTE_MAX} characters.`);
  const installation = await invocation.open();
  const { id } = await findRow(installation, "syncs", name);
  const paused = await pauseSync(installation.store, id, { actor, until, note: note === "" ? null : note });
  const end = until === null ? `until: entrain sync resume ${name}` : `until ${timeInWords(until)}`;
  await output.say(`${name} does not run by itself ${end}`);
  if ((await readLease(installation.store, syncLease(id))) !== null) {
    await output.say(`What runs for it now goes on; stop it with: entrain sync stop ${name}`);
  }
  await output.value({ sync: name, paused });
  return undefined;
}

/** A moment with its place's offset, or so long from now. @throws ConnectorError `usage` */
function momentOf(text: string | undefined, now: number): number | null {
  if (text === undefined) return null;
  const duration = parseDuration(text);
  const isMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$/.test(text);
  const moment = duration === null ? (isMoment ? Date.parse(text) : Number.NaN) : now + duration;
  if (Number.isNaN(moment)) {
    throw usage(
      "--until takes a moment with its offset, such as 2026-11-23T08:00+01:00 or 2026-11-23T07:00Z, or a duration such as 2h.",
    );
  }
  if (moment <= now) throw usage(`--until must lie in the future; it is ${timeInWords(now)} now.`);
  return moment;
}

async function resumeOne(invocation: Invocation, [name = ""]: readonly string[]): Promise<undefined> {
  const { output, actor } = invocation;
  const installation = await invocation.open();
  const { id } = await findRow(installation, "syncs", name);
  const pause = await resumeSync(installation.store, id, actor);
  if (pause === null) await output.say(`${name} was not paused.`);
  else {
    const entry = (await loadConfiguration(installation.store)).syncs.get(name);
    const isManual = entry !== undefined && "manual" in entry.schedule;
    const now = isManual ? "may run again; it does when it is asked to" : "runs by itself again";
    await output.say(`${name} ${now}. It was paused by ${pause.by.id} since ${timeInWords(pause.since)}.`);
  }
  await output.value({ sync: name, resumed: pause !== null });
  return undefined;
}

async function stopOne(invocation: Invocation, [name = ""]: readonly string[], options: Options): Promise<undefined> {
  const { output, actor, signal } = invocation;
  const { store } = await invocation.open();
  const { id } = await findRow(await invocation.open(), "syncs", name);
  const asked = requireAsked(await stopSync(store, id, { actor, cause: "asked" }), name);
  await output.say(`Asked ${asked.holder} to stop; it does after the batch that it is writing.`);
  const wait = options.wait !== false;
  while (wait && (await isUnderWay(store, id, asked.run))) await store.clock.sleep(LOOK_MS, signal);
  const run = asked.run === null ? null : await findRun(store, asked.run);
  if (wait && run !== null) {
    const left = await begunPlans(store, id);
    const next =
      left.length === 0 ? [`Go on with: entrain sync run ${name}`] : left.map((one) => begunInWords(name, one));
    await output.say(`${name} ${run.result ?? "broke off"}: ${countsInWords(run.counts)}.`, ...next);
  }
  await output.value({ sync: name, ...asked, result: run?.result ?? null });
  return undefined;
}

type Store = Awaited<ReturnType<Invocation["open"]>>["store"];

/** Another run may have begun meanwhile; that one was not asked. */
async function isUnderWay(store: Store, sync: string, run: string | null): Promise<boolean> {
  if (run !== null && (await findRun(store, run))?.result !== null) return false;
  return (await readLease(store, syncLease(sync))) !== null;
}
