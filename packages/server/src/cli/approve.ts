import { grouped } from "@entrain/core";
import { DIGEST_MIN, digestNamed } from "../runs/by-digest.ts";
import { leaveOut } from "../runs/leave-out.ts";
import { approveOrRemove } from "../runs/remove/approve.ts";
import { isRemoval } from "../runs/remove/remove.ts";
import { rejectSync } from "../runs/run.ts";
import type { PlanRow } from "../store/plans.ts";
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
import { printChanges } from "./plan.ts";
import { withRun } from "./run.ts";
import { heedPause } from "./sync-control.ts";

/** `sync approve`: let a held plan go, some of its records left out, or none of it. */
export const registerApprove: Register = (group, world, ended) => {
  const approve = group
    .command("approve <name>")
    .description("let a held plan go, exactly as it is, or reject it")
    .requiredOption("--digest <digest>", `the held plan's digest, or ${BEGINNING}`)
    .option("--reject", "do not apply it; its records are planned anew")
    .option(
      "--without <id...>",
      "leave these out, by object id or user principal name: they wait on in a plan of their own",
    )
    .option("--yes", "with --without: approve what is left at once")
    .option("--anyway", "also when the sync is paused");
  command(approve, world, ended, approveCommand);
};

/** How a digest may be shortened, for the help. */
export const BEGINNING: string = `its first ${DIGEST_MIN} letters and digits or more`;

/** The digest that `--digest` names, whole or in its beginning. @throws ConnectorError `usage` */
export function digestOf(options: Options): string {
  return requireDigest(textOption(options, "digest") ?? "", "--digest takes a plan's digest");
}

/** @param takes how the sentence begins that says what is taken. @throws ConnectorError `usage` */
export function requireDigest(digest: string, takes: string): string {
  if (digest.length >= DIGEST_MIN && /^[0-9a-f]{1,64}$/.test(digest)) return digest;
  throw usage(`${takes}, or ${BEGINNING}, as \`sync plan\`, \`sync run\` or \`plan list\` showed it.`);
}

async function approveCommand(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<ExitCode | undefined> {
  const given = digestOf(options);
  const without = listOption(options, "without");
  if (options.reject === true) {
    if (without.length > 0) throw usage("--reject takes the whole plan; leave --without out.");
    return await reject(invocation, name, given);
  }
  if (options.yes === true && without.length === 0) throw usage("--yes goes with --without.");
  const installation = await invocation.open();
  const { id } = await findRow(installation, "syncs", name);
  const digest = await digestNamed(installation.store, id, given);
  // A sync that is being removed is paused for that very reason.
  if (!(await isRemoval(installation.store, { sync: id, digest }))) await heedPause(invocation, name, options);
  const rest = without.length === 0 ? digest : await leaveSomeOut(invocation, name, { digest, without, options });
  if (rest === null) return 3;
  let removed = false;
  const code = await withRun(invocation, name, async (engine, of) => {
    const done = await approveOrRemove(installation, engine, { ...of, digest: rest });
    removed = done.removed;
    return done.run;
  });
  if (removed) await invocation.output.say(`Removed the sync ${name}.`);
  return code;
}

async function reject(invocation: Invocation, name: string, given: string): Promise<undefined> {
  const installation = await invocation.open();
  const { id } = await findRow(installation, "syncs", name);
  const digest = await digestNamed(installation.store, id, given);
  const { actor, signal } = invocation;
  await rejectSync(installation.engine, { sync: id, actor, signal, onProgress: () => undefined, digest });
  await invocation.output.say("Rejected. The records of that plan are planned anew by the next run.");
  await invocation.output.value({ rejected: digest });
  return undefined;
}

/** The digest to approve at once; null when it waits for somebody who has seen it. */
async function leaveSomeOut(
  invocation: Invocation,
  name: string,
  of: { readonly digest: string; readonly without: readonly string[]; readonly options: Options },
): Promise<string | null> {
  const { output, actor, signal } = invocation;
  const installation = await invocation.open();
  const { engine, store } = installation;
  const { id } = await findRow(installation, "syncs", name);
  const given = { sync: id, actor, signal, onProgress: () => undefined, digest: of.digest, records: of.without };
  const { rest, left } = await leaveOut(engine, given);
  await output.say(
    `Left out of ${of.digest.slice(0, 12)}…: ${grouped(of.without.length)}. The plan is two now; its digest is no more.`,
  );
  const at = [
    ["What is left", rest],
    ["What was left out, and waits on", left],
  ] as const;
  for (const [title, plan] of at) {
    await output.say("", `${title}: ${plan.digest}`);
    if (!output.json) await printChanges(invocation, store, plan.id, { limit: SHOWN, ids: true });
  }
  if (of.options.yes === true) return rest.digest;
  await output.value({ split: of.digest, rest: shown(rest), left: shown(left) });
  await output.say(
    "",
    `Apply what is left:    entrain sync approve ${name} --digest ${rest.digest}`,
    `Apply what was left out: entrain sync approve ${name} --digest ${left.digest}`,
    `All of a plan:         entrain plan show ${rest.digest?.slice(0, 12)}`,
  );
  return null;
}

const SHOWN = 20;

function shown({ id, digest, counts }: PlanRow): object {
  return { plan: id, digest, counts: JSON.parse(counts) as object };
}
