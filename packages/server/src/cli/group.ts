import { ConnectorError, grouped } from "@entrain/core";
import type { ConnectionRow } from "../runs/context.ts";
import { findGroups, type GroupView, membersAt, momentIn } from "../runs/then.ts";
import { command, type Invocation, type Options, type Register, textOption, usage } from "./command.ts";
import { findRow } from "./entries.ts";
import { momentBefore } from "./moment.ts";

export const register: Register = (group, world, ended) => {
  const members = group
    .command("members <group>")
    .description("who is in a group of the directory, by its name or object id; or who was, on a day")
    .option("--connection <name>", "in this tenant, where several have such a group")
    .option("--at <time>", "as it was at the end of a day (2026-03-03), or at a time (2026-03-03T17:30:00Z)")
    .option("--transitive", "also those who are in groups inside it");
  command(members, world, ended, listMembers);
};

async function listMembers(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const { output } = invocation;
  const at = textOption(options, "at");
  const moment = at === undefined ? null : momentBefore(at, invocation.world.clock.now());
  const { group, connection } = await oneGroup(invocation, name, {
    of: textOption(options, "connection"),
    at: moment,
  });
  const { store } = await invocation.open();
  const sequence = await momentIn(store, connection, moment);
  const transitive = options.transitive === true;
  const members = await membersAt(store, { connection: connection.id, sequence, group: group.id, transitive });
  await output.value({ group, at: moment, transitive, members });
  const when = moment === null ? "" : ` at ${new Date(moment).toISOString()}`;
  const of = `${group.displayName ?? group.id} of ${group.connection}`;
  if (members.length === 0) return void (await output.say(`Nobody was found in ${of}${when}.`));
  await output.table(
    ["NAME", "SIGN-IN NAME", "KIND", "THROUGH", "OBJECT ID"],
    members.map(({ displayName, userPrincipalName, type, through, id }) => [
      displayName ?? "",
      userPrincipalName ?? "",
      type,
      through === null ? "" : (members.find((one) => one.id === through)?.displayName ?? through),
      id,
    ]),
  );
  await output.say(`${grouped(members.length)} in ${of}${when}.`);
  return undefined;
}

async function oneGroup(
  invocation: Invocation,
  name: string,
  { of: connection, at }: { readonly of: string | undefined; readonly at: number | null },
): Promise<{ readonly group: GroupView; readonly connection: ConnectionRow }> {
  const installation = await invocation.open();
  const of = connection === undefined ? null : (await findRow(installation, "connections", connection)).id;
  const [group, ...more] = await findGroups(installation.store, { group: name, connection: of, at });
  if (group === undefined) {
    const was = at === null ? "is no" : "was no";
    const message = `There ${was} group "${name}" in the directory${at === null ? "" : " then"}. Give its whole name or its object id; groups are read where a sync asks for them.`;
    throw new ConnectorError("not_found", message, { stops: "run", retry: "never" });
  }
  if (more.length > 0) {
    const ids = [group, ...more].map((one) => `${one.id} of ${one.connection}`);
    throw usage(
      `Several groups are ${at === null ? "" : "or were "}called "${name}": ${ids.join(", ")}. Give the object id${of === null ? " or --connection" : ""}.`,
    );
  }
  return { group, connection: await findRow(installation, "connections", group.connection) };
}
