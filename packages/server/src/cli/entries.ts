import { isDeepStrictEqual } from "node:util";
import { ConnectorError } from "@entrain/core";
import { addEntry as addToConfiguration, type NewEntry } from "../config/add.ts";
import { applyConfiguration } from "../config/apply.ts";
import { type CurrentConfiguration, loadConfiguration } from "../config/current.ts";
import { differencesOf, type EntryDifference } from "../config/difference.ts";
import { type ConfigurationDocument, ENTRY_WORDS, type Section } from "../config/document.ts";
import { refuseImpossible } from "../config/judge.ts";
import { suggestion } from "../config/nearest.ts";
import { endedInWords, endSubscriptions } from "../notifications/ending.ts";
import type { Secret } from "../store/secrets.ts";
import type { Invocation } from "./command.ts";
import type { Installation } from "./world.ts";

/** Adds one entry, as the user of the command line. @throws ConnectorError `exists`, `config_invalid`, `demo_only` */
export async function addEntry(
  invocation: Invocation,
  section: Section,
  entry: Omit<NewEntry, "section">,
): Promise<void> {
  const { store, keyring, types, demo } = await invocation.open(true);
  await addToConfiguration({ store, keyring, types, demo, actor: invocation.actor }, { section, ...entry });
}

/**
 * Removes one entry; with `force` also a sync with writes of which nobody heard.
 * @throws ConnectorError `not_found`, `config_invalid` when others need it, `lease_held`, `intents_open`
 */
export async function removeOneEntry(
  invocation: Invocation,
  section: Section,
  name: string,
  force: boolean = false,
): Promise<void> {
  const installation = await invocation.open();
  const current = await loadConfiguration(installation.store);
  requireName(current, section, name);
  const rest = new Map<string, never>([...(current[section] as ReadonlyMap<string, never>)]);
  rest.delete(name);
  const nothing: ConfigurationDocument = { connections: null, targets: null, syncs: null, channels: null };
  await apply(invocation, installation, { current, document: { ...nothing, [section]: rest }, prune: true, force });
}

/**
 * Applies a document to an installation, as the user of the command line. Connections that go, or that become another
 * application's, have Microsoft stop telling of changes first, while there is a credential to ask it with.
 */
export async function apply(
  invocation: Pick<Invocation, "actor" | "output" | "signal">,
  installation: Installation,
  change: {
    readonly current: CurrentConfiguration;
    readonly document: ConfigurationDocument;
    readonly prune: boolean;
    readonly force?: boolean;
    readonly secrets?: ReadonlyMap<string, Secret> | undefined;
  },
): Promise<readonly EntryDifference[]> {
  const { current, document, prune, secrets, force = false } = change;
  const { store, keyring, types, demo } = installation;
  const { actor, output, signal } = invocation;
  const base = { store, keyring, types, demo, actor, current, document, prune, force };
  const options = secrets === undefined ? base : { ...base, secrets };
  // Nothing is taken back at Microsoft for a change that cannot be made.
  const differences = differencesOf(current, document).filter((one) => prune || one.change !== "removed");
  refuseImpossible(options, differences);
  for (const name of leavingConnections(current, document, prune)) {
    const row = current.rows.connections.get(name);
    if (row === undefined) continue;
    const open = installation.openSubscriptions.bind(installation);
    const words = endedInWords(await endSubscriptions({ store, open, signal }, row));
    if (words !== null) output.remark(`${name}: ${words}`);
  }
  return applyConfiguration(options);
}

function leavingConnections(
  current: CurrentConfiguration,
  { connections }: ConfigurationDocument,
  prune: boolean,
): readonly string[] {
  if (connections === null) return [];
  return [...current.connections].flatMap(([name, { cloud, tenant, client }]) => {
    const next = connections.get(name);
    if (next === undefined) return prune ? [name] : [];
    const same = next.client === client && next.tenant === tenant && isDeepStrictEqual(next.cloud, cloud);
    return same ? [] : [name];
  });
}

/** The row of an entry by its name. @throws ConnectorError `not_found`, with the name that was probably meant */
export async function findRow<S extends Section>(
  installation: Installation,
  section: S,
  name: string,
): Promise<CurrentConfiguration["rows"][S] extends ReadonlyMap<string, infer Row> ? Row : never> {
  const current = await loadConfiguration(installation.store);
  requireName(current, section, name);
  return current.rows[section].get(name) as never;
}

function requireName(current: CurrentConfiguration, section: Section, name: string): void {
  const names = [...current[section].keys()];
  if (names.includes(name)) return;
  const there = names.length === 0 ? "There is none yet." : `There are: ${names.slice(0, 20).join(", ")}.`;
  const near = suggestion(name, names);
  const message = `There is no ${ENTRY_WORDS[section]} "${name}"${near === "" ? `. ${there}` : near}`;
  throw new ConnectorError("not_found", message, { stops: "run", retry: "never" });
}
