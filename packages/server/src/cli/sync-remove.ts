import { grouped } from "@entrain/core";
import { type OpenWrite, openWrites } from "../config/remove.ts";
import { heldPlans } from "../runs/queries.ts";
import { OWNED_CHOICES, type Owned, type OwnedChoice, ownedBy, planRemoval } from "../runs/remove/remove.ts";
import {
  command,
  type ExitCode,
  type Invocation,
  type Options,
  type Register,
  requireOneOf,
  textOption,
  usage,
} from "./command.ts";
import { findRow, removeOneEntry } from "./entries.ts";
import { leftInWords, leftOf } from "./left.ts";
import { withRun } from "./run.ts";

const SAID_WRITES = 20;
const SAID_LEFT = 20;

/** `sync remove`: forgets a sync, after what it owns in the target was released, disabled or deleted. */
export const registerRemove: Register = (group, world, ended) => {
  const remove = group
    .command("remove <name>")
    .description("forget a sync, and say what becomes of what it owns in the target")
    .option(
      "--owned <choice>",
      "release: the records stay as they are, nobody's; disable or delete: a plan that waits for approval, with which the sync goes",
    )
    .option("--force", "also when it was interrupted while it wrote: what became of its last changes stays unknown");
  command(remove, world, ended, removeCommand);
};

async function removeCommand(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<ExitCode | undefined> {
  const { output, world } = invocation;
  const given = textOption(options, "owned");
  if (given !== undefined) requireOneOf(given, "owned", OWNED_CHOICES);
  const choice = OWNED_CHOICES.find((one) => one === given);
  const force = options.force === true;
  if (force && choice !== undefined && choice !== "release") {
    throw usage(`--force goes with --owned release: nothing can be ${choice}d while open writes are given up.`);
  }
  const installation = await invocation.open();
  const { id } = await findRow(installation, "syncs", name);
  const owned = await ownedBy(installation.store, id);
  if (choice === undefined && owned.records > 0 && !force && world.stdin.isTTY === true && !output.json) {
    throw usage(
      `${ownedInWords(name, owned)} Say what becomes of them: --owned release, --owned disable or --owned delete.`,
    );
  }
  if (choice === "disable" || choice === "delete") return await planFirst(invocation, name, choice);
  const givenUp = force ? await openWrites(installation.store.db, id) : [];
  await removeOneEntry(invocation, "syncs", name, force);
  await output.say(releasedInWords(name, owned));
  if (givenUp.length > 0) await sayGivenUp(invocation, givenUp);
  await output.value({ removed: name, givenUp, owned });
  return undefined;
}

function ownedInWords(name: string, { records, active }: Owned): string {
  const own = records === 1 ? "1 record" : `${grouped(records)} records`;
  return `The sync ${name} owns ${own} in its target, ${grouped(active)} of them active.`;
}

function releasedInWords(name: string, { records }: Owned): string {
  if (records === 0) return `Removed the sync ${name}. It owned nothing.`;
  const own = records === 1 ? "1 record that it owned stays" : `${grouped(records)} records that it owned stay`;
  return `Removed the sync ${name}. ${own} as they are, and a later sync can adopt them.`;
}

/** Without anything to do the sync goes at once; otherwise with the approval of the plan. */
async function planFirst(
  invocation: Invocation,
  name: string,
  owned: Exclude<OwnedChoice, "release">,
): Promise<ExitCode> {
  let removed = false;
  const code = await withRun(
    invocation,
    name,
    (engine, of) => planRemoval(engine, { ...of, owned }),
    async ({ result }) => {
      if (result !== "succeeded") return { removed: null };
      await removeOneEntry(invocation, "syncs", name);
      removed = true;
      return { removed: name };
    },
  );
  const { output } = invocation;
  if (removed) await output.say(`Removed the sync ${name}. Nothing that it owns was left to be ${owned}d.`);
  if (code === 3) {
    const installation = await invocation.open();
    const { store } = installation;
    const { id } = await findRow(installation, "syncs", name);
    const plans = (await heldPlans(store, id)).filter(({ holds }) => holds.some((hold) => hold.code === "remove"));
    const left = (await Promise.all(plans.map(({ plan }) => leftOf(store, plan)))).flat();
    if (left.length > 0) await output.say("", "These stay as they are:", ...left.slice(0, SAID_LEFT).map(leftInWords));
    if (left.length > SAID_LEFT)
      await output.say(`  … and ${grouped(left.length - SAID_LEFT)} more: entrain sync held ${name}`);
    await output.say(
      "",
      `The sync is paused until then, and removed as soon as that is applied. Rejected, it goes on.`,
    );
  }
  return code;
}

async function sayGivenUp({ output }: Invocation, writes: readonly OpenWrite[]): Promise<void> {
  const which = writes.length === 1 ? "this change" : `these ${writes.length} changes`;
  const more = writes.length - SAID_WRITES;
  await output.say(
    `Given up: of ${which} nobody knows whether the target carried it out.`,
    ...writes
      .slice(0, SAID_WRITES)
      .map(
        ({ action, kind, name, recordId }) => `  ${action} ${kind} ${name}${recordId === null ? "" : ` (${recordId})`}`,
      ),
    ...(more > 0 ? [`  and ${more} more; all stand in the journal`] : []),
    "A record that a creation among them made is linked to nobody; a later sync matches it.",
  );
}
