import { inWords } from "@entrain/core";
import { homeInWords } from "../runs/guest-home.ts";
import { findPeople, type PersonDetail, showPerson } from "../runs/people.ts";
import type { Standing } from "../runs/standing.ts";
import { command, type Invocation, numberOption, type Options, type Register, textOption, usage } from "./command.ts";
import { findRow } from "./entries.ts";
import { momentBefore } from "./moment.ts";
import { noSuchPerson } from "./person-found.ts";
import { showPersonThen } from "./person-then.ts";
import { showTrace } from "./trace.ts";
import { timeInWords } from "./wording.ts";

export const register: Register = (group, world, ended) => {
  const find = group
    .command("find <text>")
    .description("people whose name, sign-in name, mail or object id contains the text")
    .option("--connection <name>", "only in this tenant")
    .option("--limit <count>", "how many", "50");
  command(find, world, ended, find_);
  const show = group
    .command("show <id>")
    .description("everything known of one person, by object id or sign-in name")
    .option("--at <time>", "what the directory held then, at the end of a day (2026-03-03) or at a time");
  command(show, world, ended, show_);
  const trace = group
    .command("trace <id>")
    .description("how each sync treats one person: scope, each field, matching, and what the next plan does")
    .option("--sync <name>", "only this sync");
  command(trace, world, ended, showTrace);
};

async function find_(invocation: Invocation, [text = ""]: readonly string[], options: Options): Promise<undefined> {
  const limit = numberOption(options, "limit", { min: 1, max: 10_000 });
  if (text.trim() === "") throw usage("Give a part of a name, a sign-in name, a mail address or an object id.");
  const installation = await invocation.open();
  const name = textOption(options, "connection");
  const connection = name === undefined ? null : (await findRow(installation, "connections", name)).id;
  const where = connection === null ? {} : { connection };
  const found = await findPeople(installation.store, { text, limit: limit + 1, ...where });
  const people = found.slice(0, limit);
  await invocation.output.value(people);
  if (people.length === 0) await invocation.output.say("Nobody fits. The directory is as fresh as the last run.");
  else {
    const cells = people.map((person) => [
      person.displayName ?? "",
      person.userPrincipalName ?? "",
      person.accountEnabled === false ? "disabled" : "",
      person.connection,
      person.id,
    ]);
    await invocation.output.table(["NAME", "SIGN-IN NAME", "", "CONNECTION", "OBJECT ID"], cells);
    if (found.length > limit)
      await invocation.output.say(`The first ${limit}; --limit shows more, a longer text fewer.`);
  }
  return undefined;
}

async function show_(invocation: Invocation, [id = ""]: readonly string[], options: Options): Promise<undefined> {
  const { engine } = await invocation.open();
  const at = textOption(options, "at");
  if (at !== undefined) return await showPersonThen(invocation, id, momentBefore(at, invocation.world.clock.now()));
  const people = await showPerson(engine, id);
  if (people.length === 0) throw noSuchPerson(id);
  await invocation.output.value(people);
  for (const person of people) await invocation.output.say(...linesOf(person));
  return undefined;
}

function linesOf(person: PersonDetail): readonly string[] {
  const values = Object.entries(person.attributes).filter(([, value]) => inWords(value) !== "empty");
  const syncs = new Set(person.syncs.map(({ sync }) => sync));
  const elsewhere = person.links.filter(({ sync }) => sync === null || !syncs.has(sync));
  return [
    `${person.displayName ?? person.id} in ${person.connection}${person.removed === null ? "" : " (removed)"}`,
    ...(person.home === null ? [] : [`  ${homeInWords(person.home)}`]),
    ...values.map(([name, value]) => `  ${name}: ${inWords(value)}`),
    `  manager: ${managerInWords(person)}`,
    `  groups: ${groupsInWords(person)}`,
    ...person.syncs.map((standing) => `  ${standing.sync} → ${standing.target}: ${standingInWords(standing)}`),
    ...(person.syncs.length > 0 ? [] : ["  No sync of this connection provisions people yet."]),
    ...elsewhere.map(
      ({ target, kind, recordId, origin, active }) =>
        `  → ${target} ${kind} ${recordId} (${origin}, of no sync any more${active ? "" : ", disabled"})`,
    ),
  ];
}

function managerInWords({ manager, managerRecord }: PersonDetail): string {
  if (manager === null) return "none";
  const name = managerRecord?.displayName ?? null;
  const signIn = managerRecord?.userPrincipalName ?? null;
  if (name === null && signIn === null) return `${manager} (not in the directory)`;
  return name === null ? `${signIn}` : `${name}${signIn === null ? "" : ` (${signIn})`}`;
}

function groupsInWords({ groups, groupsRead }: PersonDetail): string {
  if (!groupsRead) return "not read (no sync of this connection needs them)";
  return groups.map((group) => group.displayName ?? group.id).join(", ") || "none";
}

const PLACES: { readonly [state in Standing["state"]]: string } = {
  synced: "in the target",
  disabled: "in the target, disabled",
  absent: "not in the target",
  waiting: "not in the target yet",
  held: "not in the target yet",
  unsynced: "not in the target",
};

/** `in the target since …: requester r1 (created); …`, or why not. */
function standingInWords({ state, reason, record, plan, retryAt, sync, protectedBy }: Standing): string {
  const retry = retryAt === null ? "" : `; tried again at ${timeInWords(retryAt)}`;
  const approve = plan === null ? "" : ` (entrain sync approve ${sync} --digest ${plan.digest})`;
  const kept = protectedBy === undefined ? "" : `; protected by ${protectedBy}`;
  const why = `${reason}${retry}${approve}${kept}`;
  if (record === null) return `${PLACES[state]}: ${why}`;
  const where = record.active ? PLACES.synced : PLACES.disabled;
  const owner = record.sync === sync || record.sync === null ? "" : ` by ${record.sync}`;
  return `${where} since ${timeInWords(record.since)}: ${record.kind} ${record.id} (${record.origin}${owner}); ${why}`;
}
