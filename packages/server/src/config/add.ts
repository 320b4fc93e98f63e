import { ConnectorError } from "@entrain/core";
import { applyConfiguration } from "./apply.ts";
import type { ConfigurationChange } from "./change.ts";
import { loadConfiguration } from "./current.ts";
import { differencesOf } from "./difference.ts";
import { ENTRY_WORDS, type Section } from "./document.ts";
import { refuseImpossible } from "./judge.ts";
import { checkValue } from "./read.ts";

/** Where an entry is added, and by whom. */
export type Adding = Pick<ConfigurationChange, "store" | "keyring" | "types" | "demo" | "actor">;

/** One entry as a document would give it. */
export interface NewEntry {
  readonly section: Section;
  readonly name: string;
  readonly value: unknown;
  /** By their place in the document: `connections/contoso/secret`. */
  readonly secrets?: ConfigurationChange["secrets"];
}

/** Adds one entry, judged as if it stood in a document. @throws ConnectorError `exists`, `config_invalid`, `demo_only` */
export async function addEntry(adding: Adding, entry: NewEntry): Promise<void> {
  const change = await changeOf(adding, entry);
  await applyConfiguration(entry.secrets === undefined ? change : { ...change, secrets: entry.secrets });
}

/** Refuses what could not be added, and adds nothing. @throws ConnectorError as {@link addEntry} */
export async function refuseEntry(adding: Adding, entry: NewEntry): Promise<void> {
  const change = await changeOf(adding, entry);
  const differences = differencesOf(change.current, change.document).filter((one) => one.change !== "removed");
  refuseImpossible(change, differences);
}

async function changeOf(adding: Adding, { section, name, value }: NewEntry): Promise<ConfigurationChange> {
  const current = await loadConfiguration(adding.store);
  if (current[section].has(name)) {
    const message = `There is a ${ENTRY_WORDS[section]} "${name}" already.`;
    throw new ConnectorError("exists", message, { stops: "run", retry: "never" });
  }
  const document = checkValue({ [section]: { [name]: value } }, { types: adding.types, current });
  return { ...adding, current, document, prune: false };
}
