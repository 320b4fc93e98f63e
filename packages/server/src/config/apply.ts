import { ConnectorError, type Value } from "@entrain/core";
import { sql, type Transaction } from "kysely";
import { appendJournal } from "../store/journal.ts";
import type { DB } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import type { ConfigurationChange, Saving } from "./change.ts";
import { identifyCredentials } from "./credential-ids.ts";
import { type CurrentConfiguration, loadConfiguration, newestRevision } from "./current.ts";
import { differencesOf, type EntryDifference } from "./difference.ts";
import { type ConfigurationDocument, ENTRY_WORDS, type Section } from "./document.ts";
import { refuseImpossible } from "./judge.ts";
import { removeEntry } from "./remove.ts";
import { plainChannel, plainConnection, plainSync, plainTarget } from "./render.ts";
import { saveChannel, saveConnection, saveSync, saveTarget } from "./save.ts";

/**
 * Makes the store hold what the document says: all of it or, when anything is wrong, nothing. Every entry that changes
 * gets a revision and an entry in the journal. Answers what was changed.
 * @throws ConnectorError `config_invalid`, `exists`, `demo_only`, `conflict` (the configuration changed meanwhile)
 */
export async function applyConfiguration(asked: ConfigurationChange): Promise<readonly EntryDifference[]> {
  const change = { ...asked, document: identifyCredentials(asked.document, asked.current) };
  const { store, document, current, prune } = change;
  const given = new Set([...(change.secrets?.keys() ?? [])].map((place) => place.split("/").slice(0, 2).join("/")));
  const differences = withGiven(differencesOf(current, document), document, given);
  const wanted = differences.filter(({ change: what }) => prune || what !== "removed");
  refuseImpossible(change, wanted);
  if (wanted.length === 0) return [];
  await store.transaction(
    async (tx) => {
      await lockRevisions(tx, store, current.revision);
      let revision = current.revision;
      for (const one of ordered(wanted)) {
        revision += 1;
        await applyEntry({ ...change, tx, revision, now: store.clock.now() }, one);
      }
    },
    { repeatable: true },
  );
  return wanted;
}

/** A new secret shows nowhere else: its entry counts as changed. */
function withGiven(
  differences: readonly EntryDifference[],
  document: ConfigurationDocument,
  given: ReadonlySet<string>,
): readonly EntryDifference[] {
  const known = new Set(differences.map(({ section, name }) => `${section}/${name}`));
  const extra = (["connections", "targets", "channels"] as const).flatMap((section) =>
    [...(document[section]?.keys() ?? [])]
      .filter((name) => given.has(`${section}/${name}`) && !known.has(`${section}/${name}`))
      .map((name): EntryDifference => ({ section, name, change: "changed", fields: [] })),
  );
  return [...differences, ...extra];
}

/** Removals come first and backwards, so that a name or a tenant is free for whoever takes it over. */
function ordered(differences: readonly EntryDifference[]): readonly EntryDifference[] {
  const removed = differences.filter(({ change }) => change === "removed").reverse();
  return [...removed, ...differences.filter(({ change }) => change !== "removed")];
}

/** One writer at a time, and only upon the configuration that it has seen. */
async function lockRevisions(tx: Transaction<DB>, store: Store, seen: number): Promise<void> {
  if (store.engine === "postgres") await sql`lock table revisions in share row exclusive mode`.execute(tx);
  if ((await newestRevision(tx)) === seen) return;
  const message = "The configuration was changed by somebody else meanwhile. Nothing was changed; try again.";
  throw new ConnectorError("conflict", message, { stops: "run", retry: "now" });
}

async function applyEntry(saving: Saving, { section, name, change }: EntryDifference): Promise<void> {
  const { tx, store, current, document, actor, revision, now, force = false } = saving;
  const saved = change === "removed" ? null : await saveEntry(saving, section, name);
  const id = saved ?? current.rows[section].get(name)?.id ?? name;
  if (change === "removed") await removeEntry(tx, store, section, id, { actor, force });
  const plain = (of: ConfigurationDocument): Value => plainEntry(of, section, name);
  await tx
    .insertInto("revisions")
    .values({
      number: revision,
      organisation: "default",
      subject_kind: ENTRY_WORDS[section],
      subject: id,
      name,
      document: JSON.stringify(change === "removed" ? null : plain(document)),
      actor: JSON.stringify(actor),
      at: now,
    })
    .execute();
  await appendJournal(tx, store, "system", [
    {
      actor,
      type: "configured",
      kind: ENTRY_WORDS[section],
      action: change,
      detail: `${ENTRY_WORDS[section]} ${name} ${change}, revision ${revision}`,
      before: change === "added" ? null : plain(current),
      after: change === "removed" ? null : plain(document),
    },
  ]);
}

async function saveEntry(saving: Saving, section: Section, name: string): Promise<string | null> {
  const { document } = saving;
  const connection = section === "connections" ? document.connections?.get(name) : undefined;
  if (connection !== undefined) return saveConnection(saving, name, connection);
  const target = section === "targets" ? document.targets?.get(name) : undefined;
  if (target !== undefined) return saveTarget(saving, name, target);
  const channel = section === "channels" ? document.channels?.get(name) : undefined;
  if (channel !== undefined) return saveChannel(saving, name, channel);
  const sync = section === "syncs" ? document.syncs?.get(name) : undefined;
  return sync === undefined ? null : saveSync(saving, name, sync);
}

function plainEntry(of: ConfigurationDocument, section: Section, name: string): Value {
  const connection = section === "connections" ? of.connections?.get(name) : undefined;
  const target = section === "targets" ? of.targets?.get(name) : undefined;
  const sync = section === "syncs" ? of.syncs?.get(name) : undefined;
  const channel = section === "channels" ? of.channels?.get(name) : undefined;
  const receiving = target ? plainTarget(target) : channel && plainChannel(channel);
  const plain = connection ? plainConnection(connection) : (receiving ?? (sync && plainSync(sync)));
  return plain === undefined ? null : (JSON.parse(JSON.stringify(plain)) as Value);
}

/** Changes the configuration by a document that is made from what the store holds now. */
export async function changeConfiguration(
  change: Omit<ConfigurationChange, "document" | "current">,
  make: (current: CurrentConfiguration) => ConfigurationDocument,
): Promise<readonly EntryDifference[]> {
  const current = await loadConfiguration(change.store);
  return applyConfiguration({ ...change, current, document: make(current) });
}
