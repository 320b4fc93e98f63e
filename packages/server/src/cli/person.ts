import { ConnectorError, inWords } from "@entrain/core";
import { findPeople, showPerson } from "../runs/people.ts";
import { command, type Invocation, numberOption, type Options, type Register, textOption } from "./command.ts";
import { findRow } from "./entries.ts";

export const register: Register = (group, world, ended) => {
  const find = group
    .command("find <text>")
    .description("people whose name, sign-in name, mail or object id contains the text")
    .option("--connection <name>", "only in this tenant")
    .option("--limit <count>", "how many", "50");
  command(find, world, ended, find_);
  const show = group.command("show <id>").description("everything known of one person, by object id or sign-in name");
  command(show, world, ended, show_);
};

async function find_(invocation: Invocation, [text = ""]: readonly string[], options: Options): Promise<undefined> {
  const limit = numberOption(options, "limit", { min: 1, max: 10_000 });
  const installation = await invocation.open();
  const name = textOption(options, "connection");
  const connection = name === undefined ? null : (await findRow(installation, "connections", name)).id;
  const people = await findPeople(installation.store, { text, limit, ...(connection === null ? {} : { connection }) });
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
  }
  return undefined;
}

async function show_(invocation: Invocation, [id = ""]: readonly string[]): Promise<undefined> {
  const { store } = await invocation.open();
  const people = await showPerson(store, id);
  if (people.length === 0) {
    const message = `There is no person "${id}" in the directory. Give the object id or the whole sign-in name; entrain person find looks for parts.`;
    throw new ConnectorError("not_found", message, { stops: "run", retry: "never" });
  }
  await invocation.output.value(people);
  for (const person of people) {
    const values = Object.entries(person.attributes).filter(([, value]) => inWords(value) !== "empty");
    await invocation.output.say(
      `${person.displayName ?? person.id} in ${person.connection}${person.removed === null ? "" : " (removed)"}`,
      ...values.map(([name, value]) => `  ${name}: ${inWords(value)}`),
      `  manager: ${person.manager ?? "none"}`,
      `  groups: ${person.groups.map((group) => group.displayName ?? group.id).join(", ") || "none"}`,
    );
    for (const link of person.links) {
      const state = link.active ? "" : ", disabled";
      await invocation.output.say(
        `  → ${link.target} ${link.kind} ${link.recordId} (${link.origin} by ${link.sync ?? "no sync"}${state})`,
      );
    }
    for (const { sync, code, detail } of person.pending) await invocation.output.say(`  ${sync}: ${code}: ${detail}`);
  }
  return undefined;
}
