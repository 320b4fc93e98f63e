import { ConnectorError, grouped } from "@entrain/core";
import type { Engine } from "../runs/context.ts";
import type { RunOptions, RunSummary } from "../runs/run.ts";
import { releaseUndone, undoRun } from "../runs/undo/undo.ts";
import { type Pin, pinnedAmong, pinsPage } from "../store/pins.ts";
import { plansIn } from "../store/plans.ts";
import type { Store } from "../store/store.ts";
import {
  command,
  type ExitCode,
  type Invocation,
  listOption,
  type Options,
  type Register,
  textOption,
  usage,
} from "./command.ts";
import { findRow } from "./entries.ts";
import { type Left, leftInWords, leftOf } from "./left.ts";
import { withRun } from "./run.ts";
import { timeInWords } from "./wording.ts";

const SAID_LEFT = 20;
const PAGE = 500;

/** `sync undo`, `sync undone` and `sync release`: bringing a run's changes back, and letting the sync decide again. */
export const registerUndo: Register = (group, world, ended) => {
  const undo = group
    .command("undo <name>")
    .description("plan the inverse of a run; it waits for approval, and what it restored stays until it is released")
    .option("--run <run>", "the run's id as `sync history` tells it; without it the last one that changed something")
    .option("--record <id...>", "only what it did to these people and groups, by object id")
    .option("--change <number...>", "only these changes of it, by the numbers that the journal and the API give them");
  command(undo, world, ended, undoCommand);
  command(
    group
      .command("undone <name>")
      .description("what was undone, or exempted from a held plan, and stays so until it is released"),
    world,
    ended,
    listUndone,
  );
  const release = group
    .command("release <name>")
    .description("let the next run decide again on what was undone or exempted")
    .option("--record <id...>", "these people and groups, by object id")
    .option("--all", "all of the sync's");
  command(release, world, ended, releaseCommand);
};

async function undoCommand(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<ExitCode> {
  const [records, changes] = [listOption(options, "record"), listOption(options, "change")];
  if (records.length > 0 && changes.length > 0) throw usage("Choose by --record or by --change, not by both.");
  const wrong = changes.find((change) => !/^\d{1,9}$/.test(change));
  if (wrong !== undefined) throw usage(`--change takes numbers, not ${wrong}.`);
  const byRecord = records.length > 0 ? { records: new Set(records) } : {};
  const chosen = changes.length > 0 ? { ordinals: new Set(changes.map(Number)) } : byRecord;
  const of = textOption(options, "run") ?? null;
  let left: readonly Left[] = [];
  const undo = (engine: Engine, given: RunOptions): Promise<RunSummary> => undoRun(engine, { ...given, of, chosen });
  const code = await withRun(invocation, name, undo, async (summary) => {
    left = await leftBy(invocation, name, summary);
    return { left };
  });
  await sayLeft(invocation, name, left);
  return code;
}

/** What of the run cannot come back, of the plan that was just made. */
async function leftBy(invocation: Invocation, name: string, { result, held }: RunSummary): Promise<readonly Left[]> {
  const installation = await invocation.open();
  const { store } = installation;
  const { id } = await findRow(installation, "syncs", name);
  const plans = result === "held" ? await plansIn(store.db, id, ["held"]) : [];
  const plan = plans.findLast(({ part, digest }) => part === "undo" && digest === held?.digest);
  return plan === undefined ? [] : await leftOf(store, plan.id);
}

async function sayLeft({ output }: Invocation, name: string, left: readonly Left[]): Promise<void> {
  if (left.length === 0) return;
  await output.say("", "Not undone:");
  for (const one of left.slice(0, SAID_LEFT)) await output.say(leftInWords(one));
  const more = left.length - SAID_LEFT;
  if (more > 0) await output.say(`  … and ${grouped(more)} more: entrain sync held ${name} lists all of them`);
}

async function listUndone(invocation: Invocation, [name = ""]: readonly string[]): Promise<undefined> {
  const { output } = invocation;
  const { store } = await invocation.open();
  const { id } = await findRow(await invocation.open(), "syncs", name);
  const pins: Pin[] = [];
  for (let after = ""; ; ) {
    const page = await pinsPage(store.db, id, { after, limit: PAGE });
    const last = page.at(-1);
    if (last === undefined) break;
    pins.push(...page);
    after = last.id;
  }
  await output.value(pins);
  if (pins.length === 0) await output.say(`Nothing of ${name} was undone or exempted that is not released.`);
  else {
    const cells = pins.map(({ name: who, id: objectId, run, at, actor, ...what }) => [
      who,
      objectId,
      whatIsPinned(what),
      timeInWords(at),
      actor.id,
      run ?? "exempted",
    ]);
    await output.table(["WHO", "OBJECT ID", "WHAT STAYS", "SINCE", "BY", "RUN"], cells);
    await output.say(`Let the sync decide again:  entrain sync release ${name} --record ID   or   --all`);
  }
  return undefined;
}

function whatIsPinned({ record, members }: Pick<Pin, "record" | "members">): string {
  const memberships = members === 1 ? "1 membership" : `${grouped(members)} memberships`;
  if (members === 0) return "the record";
  return record ? `the record and ${memberships}` : memberships;
}

async function releaseCommand(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const records = listOption(options, "record");
  const all = options.all === true;
  if (all === records.length > 0) throw usage("Name the records with --record ID, or release all of them with --all.");
  const installation = await invocation.open();
  const { id } = await findRow(installation, "syncs", name);
  const { actor, signal, output } = invocation;
  if (!all) await requirePinned(installation.store, { id, name }, records);
  const given = { sync: id, actor, signal, onProgress: () => undefined, records: all ? null : records };
  const released = await releaseUndone(installation.engine, given);
  await output.value({ released });
  await output.say(
    released === 0
      ? "Nothing was released: nothing is left alone."
      : `Released ${released === 1 ? "1 record" : `${grouped(released)} records`}; the next run decides on them again.`,
  );
  return undefined;
}

/** @throws ConnectorError `not_found` that names what is not left alone */
async function requirePinned(
  store: Store,
  sync: { readonly id: string; readonly name: string },
  records: readonly string[],
): Promise<void> {
  const pinned = await pinnedAmong(store.db, sync.id, records);
  const strange = records.filter((record) => !pinned.has(record));
  if (strange.length === 0) return;
  const message = `${sync.name} leaves nothing alone under ${strange.join(", ")}; nothing was released.`;
  const fix = `\`entrain sync undone ${sync.name}\` lists what is left alone, with the object ids.`;
  throw new ConnectorError("not_found", message, { stops: "record", retry: "never", fix });
}
