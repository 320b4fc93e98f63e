import { ConnectorError, grouped, inWords } from "@entrain/core";
import { portalLookups } from "../portal/kinds.ts";
import { addPortalValues, portalValues } from "../portal/lookups.ts";
import { type Invocation, listOption, type Options, usage } from "./command.ts";
import { findRow } from "./entries.ts";

const PAGE = 500;

/** Lists what one of the portal's lookups holds, or adds to it: `target values portal department --add Sales Legal`. */
export async function targetValues(
  invocation: Invocation,
  [name = "", lookup = ""]: readonly string[],
  options: Options,
): Promise<1 | undefined> {
  const installation = await invocation.open();
  const { store } = installation;
  const row = await findRow(installation, "targets", name);
  if (row.type !== "portal") throw usage(`The values of a ${row.type} target are kept by itself, not here.`);
  const known = portalLookups(JSON.parse(row.settings)).map((one) => one.name);
  if (!known.includes(lookup)) throw noLookup(name, lookup, known);
  const of = { target: row.id, lookup };
  const { output, actor } = invocation;
  const adding = listOption(options, "add");
  if (adding.length > 0) {
    const outcomes = await addPortalValues(store, of, { values: adding, actor });
    const refused = outcomes.flatMap((one, at) => ("code" in one ? [`${inWords(adding[at])}: ${one.detail}`] : []));
    const added = outcomes.filter(({ status }) => status === "applied").length;
    await output.value({ added, refused });
    await output.say(`Added ${grouped(added)} of ${grouped(adding.length)} values to ${lookup}.`, ...refused);
    return refused.length > 0 ? 1 : undefined;
  }
  const values: { readonly id: string; readonly value: string }[] = [];
  for (let after = ""; ; ) {
    const page = await portalValues(store, of, { after, limit: PAGE });
    values.push(...page);
    await output.say(...page.map(({ value }) => value));
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.id;
  }
  await output.value(values);
  if (values.length === 0) {
    await output.say(`There is no ${lookup} yet. Add one: entrain target values ${name} ${lookup} --add VALUE`);
  }
  return undefined;
}

function noLookup(name: string, lookup: string, known: readonly string[]): ConnectorError {
  const has =
    known.length === 0 ? "its settings keep departments and locations as plain text" : `it has ${known.join(" and ")}`;
  const message = `The target ${name} has no lookup "${lookup}": ${has}.`;
  return new ConnectorError("not_found", message, { stops: "run", retry: "never" });
}
