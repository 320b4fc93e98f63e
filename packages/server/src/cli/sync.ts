import { formatDuration, GUEST_CHOICES, grouped, type Scope } from "@entrain/core";
import { loadConfiguration } from "../config/current.ts";
import { plainSync } from "../config/render.ts";
import { scheduleInWords } from "../config/schedule.ts";
import { foreseenWarnings } from "../expiry/foreseen.ts";
import { digestNamed } from "../runs/by-digest.ts";
import { type RunView, runHistory, type SyncStatus, syncStatus } from "../runs/queries.ts";
import { applySync, runSync } from "../runs/run.ts";
import { BEGINNING, digestOf, registerApprove } from "./approve.ts";
import {
  command,
  type Invocation,
  listOption,
  numberOption,
  type Options,
  type Register,
  requireOneOf,
  textOption,
  usage,
} from "./command.ts";
import { addEntry, findRow } from "./entries.ts";
import { raiseInWords, registerGuard } from "./guard.ts";
import { heldCommand } from "./held.ts";
import { planCommand } from "./plan.ts";
import { registerReconcile } from "./reconcile.ts";
import { reportCommand } from "./report.ts";
import { withRun } from "./run.ts";
import { selectionOf, selectionOptions } from "./selection.ts";
import { heedPause, pauseInWords, registerControl } from "./sync-control.ts";
import { registerRemove } from "./sync-remove.ts";
import { registerUndo } from "./undo.ts";
import { quarantineInWords, registerUnsynced, unsyncedInWords } from "./unsynced.ts";
import {
  begunInWords,
  countsInWords,
  durationInWords,
  timeInWords,
  waitingInWords,
  warningInWords,
} from "./wording.ts";

export const register: Register = (group, world, ended) => {
  const add = group
    .command("add <name>")
    .description("add a sync with the target's own mapping; for filters and mappings see: entrain config apply")
    .requiredOption("--connection <name>", "where people and groups come from")
    .requiredOption("--target <name>", "where they go")
    .requiredOption("--records <kind>", "the target's kind of records; see: entrain target types")
    .option("--source <kind>", "contact: organisational contacts in place of people")
    .option("--group <name...>", "only members of these groups, nested ones included")
    .option("--exclude-group <name...>", "no members of these groups, nested ones included")
    .option("--guests <choice>", "include, exclude, or only")
    .option("--people-only", "no shared mailboxes, rooms and service accounts")
    .option("--every <duration>", "run by itself: 30s, 5m, 1h")
    .option("--cron <pattern>", 'run by itself: "0 6 * * 1-5"')
    .option("--timezone <zone>", "by whose clocks --cron is: Europe/Rome; UTC unless given");
  command(add, world, ended, addSync);
  command(group.command("list").description("list the syncs"), world, ended, listSyncs);
  command(group.command("show <name>").description("show a sync's definition"), world, ended, showSync);
  const plan = group
    .command("plan <name>")
    .description("read, and show what a run would do; nothing is written to the target")
    .option("--all", "show every change, not only the first ones");
  selectionOptions(plan);
  command(plan, world, ended, planCommand);
  const run = group.command("run <name>").description("read, plan, and apply what no guard holds");
  run.option("--recreate-missing", "look for every record in the target, and make anew whatever is gone, however much");
  selectionOptions(run).option("--anyway", "also when it is paused");
  command(run, world, ended, async (invocation, [name = ""], options) => {
    const selection = selectionOf(options);
    const recreate = options.recreateMissing === true;
    if (selection !== undefined && recreate) throw usage("--recreate-missing is about every record, not about some.");
    await heedPause(invocation, name, options);
    return await withRun(invocation, name, (engine, given) =>
      runSync(engine, { ...given, recreate, ...(selection && { selection }) }),
    );
  });
  const resync = group
    .command("resync <name>")
    .description("read tenant and target anew, evaluate everybody, and apply what no guard holds")
    .option("--recreate-missing", "make anew whatever is gone from the target, however much")
    .option("--anyway", "also when the sync is paused");
  command(resync, world, ended, async (invocation, [name = ""], options) => {
    await heedPause(invocation, name, options);
    return await withRun(invocation, name, (engine, given) =>
      runSync(engine, { ...given, resync: true, recreate: options.recreateMissing === true }),
    );
  });
  const apply = group
    .command("apply <name>")
    .description("apply a plan that `sync plan` showed, and nothing else")
    .requiredOption("--digest <digest>", `the plan's digest, or ${BEGINNING}`)
    .option("--anyway", "also when the sync is paused");
  command(apply, world, ended, async (invocation, [name = ""], options) => {
    const given = digestOf(options);
    const installation = await invocation.open();
    const digest = await digestNamed(installation.store, (await findRow(installation, "syncs", name)).id, given);
    await heedPause(invocation, name, options);
    return await withRun(invocation, name, (engine, of) => applySync(engine, { ...of, digest }));
  });
  registerApprove(group, world, ended);
  command(group.command("held <name>").description("every change that waits for approval"), world, ended, heldCommand);
  const report = group
    .command("report <name>")
    .description("compare everybody with the whole target: joined, created, held, unmanaged; writes nothing")
    .option("--samples <count>", "how many of each sort are named", "10");
  command(report, world, ended, reportCommand);
  command(group.command("status <name>").description("how the sync stands"), world, ended, showStatus);
  registerControl(group, world, ended);
  const history = group
    .command("history <name>")
    .description("the last runs")
    .option("--limit <count>", "how many", "20");
  command(history, world, ended, showHistory);
  registerUnsynced(group, world, ended);
  registerRemove(group, world, ended);
  registerReconcile(group, world, ended);
  registerUndo(group, world, ended);
  registerGuard(group, world, ended);
};

/** A kind that the target does not have is a slip of the command line; a target that is not there is told later. */
async function refuseUnknownKind(invocation: Invocation, options: Options): Promise<void> {
  const { store, types } = await invocation.open(true);
  const target = (await loadConfiguration(store)).targets.get(textOption(options, "target") ?? "");
  if (target === undefined) return;
  const kinds = (types.get(target.type)?.kinds(target.settings) ?? []).map(({ name }) => name);
  requireOneOf(textOption(options, "records") ?? "", "records", kinds);
}

async function addSync(invocation: Invocation, [name = ""]: readonly string[], options: Options): Promise<undefined> {
  const scope = scopeOf(options);
  const schedule = scheduleOf(options);
  const source = textOption(options, "source");
  if (source !== undefined) requireOneOf(source, "source", ["contact"]);
  await refuseUnknownKind(invocation, options);
  const value = {
    connection: textOption(options, "connection"),
    target: textOption(options, "target"),
    records: textOption(options, "records"),
    ...(source === undefined ? {} : { source }),
    ...(Object.keys(scope).length > 0 ? { scope } : {}),
    ...(schedule === null ? {} : { schedule }),
  };
  await addEntry(invocation, "syncs", { name, value });
  await invocation.output.say(`Added the sync ${name}. See what it would do: entrain sync plan ${name}`);
  await invocation.output.value({ added: name });
  return undefined;
}

/** What the command line can say of a schedule; a document can say more. @throws ConnectorError `usage` */
function scheduleOf(options: Options): object | null {
  const [every, cron, timezone] = ["every", "cron", "timezone"].map((name) => textOption(options, name));
  if (every !== undefined && cron !== undefined) throw usage("--every and --cron exclude each other.");
  if (timezone !== undefined && cron === undefined) throw usage("--timezone goes with --cron.");
  if (cron !== undefined) return timezone === undefined ? { cron } : { cron, timezone };
  return every === undefined ? null : { every };
}

/** What the command line can say of a scope; a document can say more. */
function scopeOf(options: Options): Scope {
  const [include, exclude] = [listOption(options, "group"), listOption(options, "excludeGroup")];
  const lists = {
    ...(include.length > 0 ? { include } : {}),
    ...(exclude.length > 0 ? { exclude } : {}),
  };
  const guests = textOption(options, "guests");
  if (guests !== undefined) requireOneOf(guests, "guests", GUEST_CHOICES);
  const chosen = GUEST_CHOICES.find((choice) => choice === guests);
  return {
    ...(Object.keys(lists).length > 0 ? { groups: { ...lists, transitive: true } } : {}),
    ...(chosen === undefined ? {} : { guests: chosen }),
    ...(options.peopleOnly === true ? { peopleOnly: true } : {}),
  };
}

async function listSyncs(invocation: Invocation): Promise<undefined> {
  const { store } = await invocation.open();
  const { rows, syncs } = await loadConfiguration(store);
  const views = await Promise.all(
    [...syncs].map(async ([name, entry]) => {
      const id = rows.syncs.get(name)?.id ?? "";
      const status = await syncStatus(store, id);
      const { connection, target, records, source = null, schedule } = entry;
      const every = "everyMs" in schedule ? formatDuration(schedule.everyMs) : null;
      const lastRun = status?.lastRun ?? null;
      const held = status?.held.length ?? 0;
      const [nextRun, paused] = [status?.nextRun ?? null, status?.paused ?? null];
      const base = { name, id, connection, target, records, source, every, schedule: scheduleInWords(schedule) };
      const [unsynced, quarantine] = [status?.unsynced ?? 0, status?.quarantine ?? null];
      const running = status?.running === true;
      return { ...base, running, synced: status?.synced ?? 0, unsynced, held, lastRun, nextRun, paused, quarantine };
    }),
  );
  await invocation.output.value(views);
  if (views.length === 0) await invocation.output.say("There are no syncs yet. Make one: entrain sync add");
  else {
    const cells = views.map((view) => [
      view.name,
      `${view.connection}${view.source === null ? "" : ` ${view.source}s`} → ${view.target} ${view.records}s`,
      view.every ?? view.schedule,
      String(view.synced),
      `${view.held > 0 ? "waits for approval" : lastRunInWords(view)}${view.paused === null ? "" : ", paused"}${view.quarantine === null ? "" : ", in quarantine"}`,
    ]);
    await invocation.output.table(["NAME", "WHAT", "EVERY", "SYNCED", "LAST RUN"], cells);
  }
  return undefined;
}

async function showSync(invocation: Invocation, [name = ""]: readonly string[]): Promise<undefined> {
  const installation = await invocation.open();
  const { id, revision } = await findRow(installation, "syncs", name);
  const entry = (await loadConfiguration(installation.store)).syncs.get(name);
  if (entry === undefined) return undefined;
  const definition = plainSync(entry);
  await invocation.output.value({ name, id, revision, ...definition });
  const { stringify } = await import("yaml");
  await invocation.output.say(stringify({ [name]: definition }, { lineWidth: 0 }).trimEnd());
  return undefined;
}

async function showStatus(invocation: Invocation, [name = ""]: readonly string[]): Promise<undefined> {
  const installation = await invocation.open();
  const { id, connection } = await findRow(installation, "syncs", name);
  const status = await syncStatus(installation.store, id);
  if (status === null) return undefined;
  const warnings = await foreseenWarnings(installation, connection);
  await invocation.output.value({ name, ...status, warnings });
  const { lastRun, nextRun, paused, blackoutUntil, synced, cursorLag, held, raised } = status;
  const last = lastRun === null ? "never" : `${timeInWords(lastRun.startedAt)}: ${lastRunInWords(status)}`;
  await invocation.output.say(
    `${name}`,
    `last run   ${last}${lastRun === null ? "" : `, ${countsInWords(lastRun.counts)}`}`,
    `next run   ${nextRun === null ? (paused === null ? "when asked to" : "when it is resumed") : timeInWords(nextRun)}`,
    ...(paused === null ? [] : [`paused     ${pauseInWords(paused)}`]),
    ...(status.quarantine === null ? [] : [`quarantine ${quarantineInWords(name, status.quarantine)}`]),
    ...(status.breaker === null ? [] : [`target     no answer since ${timeInWords(status.breaker.since)}`]),
    ...(blackoutUntil === null ? [] : [`blackout   until ${timeInWords(blackoutUntil)}`]),
    `synced     ${synced}`,
    `unsynced   ${unsyncedInWords(name, status)}`,
    ...(status.pinned === 0 ? [] : [`left alone ${grouped(status.pinned)}: entrain sync undone ${name}`]),
    `lag        ${cursorLag === 1 ? "1 change" : `${cursorLag} changes`} not looked at yet`,
    ...held.map((one) => `waiting    ${waitingInWords(name, one)}`),
    ...(status.running ? [] : status.begun.map((one) => `begun      ${begunInWords(name, one)}`)),
    ...raised.map((one) => `guard      raised: ${raiseInWords(one)}`),
    ...warnings.map((one) => `warning    ${warningInWords(one)}`),
  );
  return undefined;
}

/** How the last run ended, or how far it is; one whose process is gone was broken off. */
function lastRunInWords({ lastRun, running }: Pick<SyncStatus, "lastRun" | "running">): string {
  if (lastRun === null) return "never ran";
  return lastRun.result ?? (running ? lastRun.phase : `broken off while ${lastRun.phase}`);
}

async function showHistory(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const limit = numberOption(options, "limit", { min: 1, max: 1000 });
  const installation = await invocation.open();
  const { id } = await findRow(installation, "syncs", name);
  const runs = await runHistory(installation.store, { sync: id, limit });
  await invocation.output.value(runs);
  if (runs.length === 0) await invocation.output.say(`${name} never ran.`);
  else {
    const cells = runs.map((run) => [
      timeInWords(run.startedAt),
      run.mode,
      run.result ?? run.phase,
      run.ms === null ? "" : durationInWords(run.ms),
      whatOf(run),
      run.run,
    ]);
    await invocation.output.table(["STARTED", "MODE", "RESULT", "TOOK", "WHAT", "RUN"], cells);
  }
  return undefined;
}

/** What a run did; of one that broke off, why. */
function whatOf({ result, counts, error }: RunView): string {
  if (error === null) return countsInWords(counts);
  return result === "partial" || result === "held" ? `${countsInWords(counts)}; ${error.message}` : error.message;
}
