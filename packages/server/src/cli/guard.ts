import { formatDuration, GUARD_COUNTERS, type GuardCounter, grouped, parseDuration } from "@entrain/core";
import { digestNamed } from "../runs/by-digest.ts";
import { exemptSync } from "../runs/exempt.ts";
import { type GuardView, guardsOf, lowerGuard, type RaiseView, type Raising, raiseGuard } from "../runs/raise.ts";
import { BEGINNING, requireDigest } from "./approve.ts";
import {
  command,
  type Invocation,
  listOption,
  type Options,
  type Register,
  requireOneOf,
  textOption,
  usage,
} from "./command.ts";
import { findRow } from "./entries.ts";
import { timeInWords } from "./wording.ts";

const FORM = "--raise takes a guard with what it may let go: removals=30%, removals=800, or removals=30%,800.";

/** `sync guard` and `sync exempt`: how the guards stand, raising one for a while, leaving records out of a held plan. */
export const registerGuard: Register = (group, world, ended) => {
  const guard = group
    .command("guard <name>")
    .description("how the guards of a sync stand, or raise one for a while; it falls back by itself")
    .option("--raise <guard>", `let more go: removals=30%, or removals=30%,800; one of ${GUARD_COUNTERS.join(", ")}`)
    .option("--until <duration>", "for so long: 30m, 2h; 24h at most")
    .option("--lower <guard>", "let a raised guard fall back now");
  command(guard, world, ended, guardCommand);
  const exempt = group
    .command("exempt <name> [digest]")
    .description("leave records out of a held plan, and alone until they are released; the rest gets a new digest")
    .option("--digest <digest>", `the held plan's digest, or ${BEGINNING}`)
    .option("--record <id...>", "people by object id or user principal name, groups by object id");
  command(exempt, world, ended, exemptCommand);
};

/** The raised guards of a sync, a clause each. */
export function raiseInWords({ counter, percent, count, until, by }: RaiseView): string {
  return `${counter} up to ${percent} % or ${grouped(count)}, until ${timeInWords(until)}, by ${by.id}`;
}

async function guardCommand(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const { actor, output } = invocation;
  const raising = raisingOf(options);
  const lower = textOption(options, "lower");
  if (lower !== undefined && raising !== null) throw usage("Choose --raise or --lower, not both.");
  if (lower !== undefined) requireOneOf(lower, "lower", GUARD_COUNTERS);
  const { store } = await invocation.open();
  const { id } = await findRow(await invocation.open(), "syncs", name);
  const sync = await store.db.selectFrom("syncs").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
  if (raising !== null) {
    await output.say(`Raised: ${raiseInWords(await raiseGuard(store, sync, { ...raising, actor }))}.`);
  }
  if (lower !== undefined) {
    const counter = lower as GuardCounter;
    const was = await lowerGuard(store, sync, { counter, actor });
    await output.say(was ? `The ${lower} guard is as the configuration has it.` : `The ${lower} guard was not raised.`);
  }
  const guards = await guardsOf(store, sync);
  await output.value({ sync: name, guards });
  const cells = guards.map((view) => [view.counter, limitInWords(view), ...windowsInWords(view), raisedInWords(view)]);
  await output.table(["GUARD", "ALLOWS", "NOW", "IN 30 DAYS", "RAISED"], cells);
  return undefined;
}

function raisingOf(options: Options): Raising | null {
  const text = textOption(options, "raise");
  const until = textOption(options, "until");
  if (text === undefined) {
    if (until === undefined) return null;
    throw usage("--until says for how long --raise holds; name the guard with --raise.");
  }
  const [, name = "", percent, both, alone] = /^(\w+)=(?:(\d+(?:\.\d+)?)%(?:,(\d+))?|(\d+))$/.exec(text) ?? [];
  if (name === "") throw usage(FORM);
  requireOneOf(name, "raise", GUARD_COUNTERS);
  const forMs = until === undefined ? null : parseDuration(until);
  if (forMs === null) throw usage("--until says for how long: 30m, 2h; 24h at most.");
  const count = both ?? alone;
  return {
    counter: name as GuardCounter,
    ...(percent === undefined ? {} : { percent: Number(percent) }),
    ...(count === undefined ? {} : { count: Number(count) }),
    forMs,
  };
}

function limitInWords({ percent, count, windowMs }: GuardView): string {
  return `${percent} % or ${grouped(count)} in ${formatDuration(windowMs)}`;
}

/** `12 of 500`: applied without approval, of what is allowed in all. */
function windowsInWords({ windows }: GuardView): readonly [string, string] {
  const [short = "", long = "no limit"] = windows.map(
    ({ applied, allowed }) => `${grouped(applied)} of ${grouped(allowed)}`,
  );
  return [short, long];
}

function raisedInWords({ raised }: GuardView): string {
  return raised === null ? "" : `until ${timeInWords(raised.until)}, by ${raised.by.id}`;
}

async function exemptCommand(
  invocation: Invocation,
  [name = "", given = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const { actor, output, signal } = invocation;
  const named = requireDigest(textOption(options, "digest") ?? given, "Name the plan by its digest");
  const records = listOption(options, "record");
  if (records.length === 0) throw usage("Name the records with --record ID.");
  const installation = await invocation.open();
  const { id } = await findRow(installation, "syncs", name);
  const digest = await digestNamed(installation.store, id, named);
  const of = { sync: id, actor, signal, onProgress: () => undefined, digest, records };
  const exempted = await exemptSync(installation.engine, of);
  const count = exempted.records.length === 1 ? "1 record" : `${grouped(exempted.records.length)} records`;
  await output.say(`Exempted ${count}: no plan touches them until they are released.`);
  if (exempted.digest === null) await output.say("Nothing is left of the plan.");
  else await output.say(`Do the rest:         entrain sync approve ${name} --digest ${exempted.digest}`);
  await output.say(`Let them go again:   entrain sync release ${name} --record ${exempted.records.join(" ")}`);
  await output.value({ exempted: exempted.records, digest: exempted.digest });
  return undefined;
}
