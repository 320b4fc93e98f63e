import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ConnectorError, grouped, parseDuration } from "@entrain/core";
import type { Quarantine } from "../runs/failures/quarantine.ts";
import { UNSYNCED_STATES, type UnsyncedFilter, type UnsyncedView, unsyncedRecords } from "../runs/failures/unsynced.ts";
import { heedRecords, ignoreRecords, retryRecords, type Which } from "../runs/failures/unsynced-commands.ts";
import { unsyncedCsv, unsyncedJsonLines } from "../runs/failures/unsynced-export.ts";
import { runFindings } from "../runs/findings.ts";
import type { SyncStatus } from "../runs/queries.ts";
import { UNSYNCED } from "../runs/unsynced-reasons.ts";
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
import { findRow } from "./entries.ts";
import { noneUnsynced } from "./in-step.ts";
import { sentence } from "./output.ts";
import { timeInWords } from "./wording.ts";

const STATES = [...UNSYNCED_STATES, "all"] as const;
const STDOUT = "-";

/** `sync unsynced`, `sync retry` and `sync ignore`: what is not in step, having it tried again, and leaving it alone. */
export const registerUnsynced: Register = (group, world, ended) => {
  const unsynced = group
    .command("unsynced <name>")
    .description("records that need somebody's hand, with what to do")
    .option("--limit <count>", "how many", "100")
    .option("--code <code>", "only those with this code, such as refused_by_target")
    .option("--reason <reason>", "only issue (cannot be planned), failed (refused by the target) or conflict")
    .option("--text <text>", "only those with this text in name, sign-in name, object id or detail")
    .option("--older-than <duration>", "only those that are unsynced for longer than this: 30m, 12h, 7d")
    .option(
      "--state <state>",
      "open, dead (not tried by itself any more), ignored, or all; all but ignored if left out",
    )
    .option("--csv <file>", "write all of them to a file as CSV, - for standard output; no cell is a formula")
    .option("--bom", "begin the CSV with a byte order mark, for spreadsheets that ask for one")
    .option("--jsonl <file>", "write all of them to a file as JSON, one a line, - for standard output");
  command(unsynced, world, ended, unsyncedCommand);
  const retry = group
    .command("retry <name>")
    .description("have unsynced records tried by the next run, and end the sync's quarantine")
    .option("--record <id...>", "these people and groups, by object id; ignored ones, too")
    .option("--code <code>", "those with this code")
    .option("--all", "all that nobody ignores; so it is without a choice");
  command(retry, world, ended, retryCommand);
  const ignore = group
    .command("ignore <name>")
    .description("leave unsynced records alone until they or the configuration change; they count in no run")
    .requiredOption("--record <id...>", "these people and groups, by object id")
    .option("--note <text>", "why, for whoever wonders")
    .option("--undo", "ignore them no more");
  command(ignore, world, ended, ignoreCommand);
};

/** How many records are not in step, in a few words. */
export function unsyncedInWords(
  name: string,
  { unsynced, dead, ignored }: Pick<SyncStatus, "unsynced" | "dead" | "ignored">,
): string {
  const parts = [
    ...(dead > 0 ? [`${grouped(dead)} not tried by themselves any more`] : []),
    ...(ignored > 0 ? [`${grouped(ignored)} more ignored`] : []),
    ...(unsynced > 0 ? [`entrain sync unsynced ${name}`] : []),
  ];
  return `${unsynced}${parts.length > 0 ? ` (${parts.join("; ")})` : ""}`;
}

/** Why a sync is slowed down, until when, and what to do. */
export function quarantineInWords(name: string, { since, reason, until }: Quarantine): string {
  return `since ${timeInWords(since)}, not by itself before ${timeInWords(until)}: ${reason} (entrain sync retry ${name})`;
}

async function unsyncedCommand(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const limit = numberOption(options, "limit", { min: 1, max: 100_000 });
  const filter = filterOf(options, invocation.world.clock.now());
  const [csv, jsonl] = [textOption(options, "csv"), textOption(options, "jsonl")];
  if (csv !== undefined && jsonl !== undefined) throw usage("Choose --csv or --jsonl, not both.");
  const bom = options.bom === true;
  if (bom && csv === undefined) throw usage("--bom belongs to --csv.");
  const { store } = await invocation.open();
  const { id: sync } = await findRow(await invocation.open(), "syncs", name);
  if (csv !== undefined) return await write(invocation, csv, unsyncedCsv(store, { sync, filter, bom }));
  if (jsonl !== undefined) return await write(invocation, jsonl, unsyncedJsonLines(store, { sync, filter }));
  const records = await unsyncedRecords(store, { sync, limit, filter });
  const { output } = invocation;
  await output.value(records);
  const findings = await runFindings(store, { sync });
  for (const { detail, fix } of findings) await output.say(`${sentence(detail)} ${fix}`, "");
  if (records.length === 0) {
    const narrowed = Object.keys(filter).length > 0;
    const said = narrowed
      ? ["No unsynced record is like that."]
      : await noneUnsynced(store, { id: sync, name }, findings.length > 0);
    await output.say(...said);
    return undefined;
  }
  const now = invocation.world.clock.now();
  const cells = records.map((view) => [view.name, view.id, view.code, whenTried(view, now), view.detail, view.fix]);
  await output.table(["WHO", "OBJECT ID", "CODE", "TRIED AGAIN", "WHY", "WHAT TO DO"], cells);
  return undefined;
}

function filterOf(options: Options, now: number): UnsyncedFilter {
  const [code, text] = [textOption(options, "code"), textOption(options, "text")];
  const [reason, state] = [textOption(options, "reason"), textOption(options, "state")];
  if (reason !== undefined) requireOneOf(reason, "reason", UNSYNCED);
  if (state !== undefined) requireOneOf(state, "state", STATES);
  const wanted = STATES.find((one) => one === state);
  const older = textOption(options, "olderThan");
  const age = older === undefined ? undefined : parseDuration(older);
  if (age === null) throw usage(`--older-than takes a duration such as 30m, 12h or 7d, not "${older}".`);
  return {
    ...(code === undefined ? {} : { code }),
    ...(reason === undefined ? {} : { reason }),
    ...(text === undefined ? {} : { text }),
    ...(wanted === undefined ? {} : { state: wanted }),
    ...(age === undefined ? {} : { before: now - age }),
  };
}

function whenTried({ state, retryAt, deadAt, ignored }: UnsyncedView, now: number): string {
  if (ignored !== null) return `ignored by ${ignored.actor.id}: ${ignored.note}`;
  if (state === "dead" && deadAt !== null) return `not by itself since ${timeInWords(deadAt)}`;
  return retryAt === null || retryAt <= now ? "next run" : timeInWords(retryAt);
}

/** A new file, or standard output. @throws ConnectorError `file_failed` */
async function write({ output, world }: Invocation, file: string, pieces: AsyncGenerator<string>): Promise<undefined> {
  if (file === STDOUT) {
    for await (const piece of pieces) await output.text(piece);
    return undefined;
  }
  try {
    // It names people: nobody else on the machine needs to read it.
    await pipeline(Readable.from(pieces), createWriteStream(file, { mode: 0o600 }), { signal: world.signal });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "";
    if (!/^E[A-Z]+$/.test(code)) throw cause;
    const message = `The file ${file} cannot be written (${code}).`;
    throw new ConnectorError("file_failed", message, { stops: "run", retry: "never", cause });
  }
  await output.say(`Written to ${file}.`);
  await output.value({ written: file });
  return undefined;
}

async function retryCommand(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const [records, code] = [listOption(options, "record"), textOption(options, "code")];
  const choices = [records.length > 0, code !== undefined, options.all === true].filter(Boolean);
  if (choices.length > 1) throw usage("Choose by --record, by --code, or --all.");
  const which: Which = records.length > 0 ? { records } : code !== undefined ? { code } : "all";
  const installation = await invocation.open();
  const { id } = await findRow(installation, "syncs", name);
  const done = await retryRecords(installation.store, id, { actor: invocation.actor, which });
  const { output } = invocation;
  await output.value(done);
  const said = done.records === 1 ? "1 record is" : `${grouped(done.records)} records are`;
  await output.say(
    done.records === 0 ? "No record was waiting." : `${said} tried by the next run:  entrain sync run ${name}`,
    ...(done.quarantine === null ? [] : [`${name} is in quarantine no more; it runs as its schedule says.`]),
  );
  return undefined;
}

async function ignoreCommand(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const [records, note] = [listOption(options, "record"), textOption(options, "note")];
  const undo = options.undo === true;
  if (undo === (note !== undefined)) throw usage("Give --note with the reason, or --undo.");
  const installation = await invocation.open();
  const { id } = await findRow(installation, "syncs", name);
  const of = { actor: invocation.actor, records };
  const { output } = invocation;
  if (note === undefined) {
    const heeded = await heedRecords(installation.store, id, of);
    await output.value({ heeded });
    await output.say(heeded === 0 ? "None of them was ignored." : "They are tried by the next run.");
    return undefined;
  }
  await ignoreRecords(installation.store, id, { ...of, note });
  await output.value({ ignored: records });
  await output.say(
    "Ignored until the record or the configuration changes.",
    `Listed with:  entrain sync unsynced ${name} --state ignored`,
  );
  return undefined;
}
