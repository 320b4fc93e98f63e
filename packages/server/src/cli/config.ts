import { resolve } from "node:path";
import { type CurrentConfiguration, loadConfiguration } from "../config/current.ts";
import { differencesOf, type EntryDifference } from "../config/difference.ts";
import type { ConfigurationDocument } from "../config/document.ts";
import { readDocument } from "../config/read.ts";
import { plainDocument, renderDocument } from "../config/render.ts";
import { command, type Invocation, type Options, type Register } from "./command.ts";
import { registerEntraSchema } from "./entra-schema.ts";
import { apply } from "./entries.ts";
import { nameOfGiven, readGiven } from "./given-text.ts";
import type { Installation } from "./world.ts";

export const register: Register = (group, world, ended) => {
  const text = "print the configuration; secrets only as references, encrypted ones as { sealed: true }";
  command(group.command("export").description(text), world, ended, exportDocument);
  const diff = group
    .command("diff <file>")
    .description("what `config apply` would change; - reads standard input")
    .option("--prune", "as apply --prune would");
  command(diff, world, ended, showDifferences);
  const applying = group
    .command("apply <file>")
    .description("make the configuration what the document says, all of it or nothing; - reads standard input")
    .option("--prune", "remove entries that the document's sections do not hold");
  command(applying, world, ended, applyDocument);
  registerEntraSchema(group, world, ended);
};

async function exportDocument(invocation: Invocation): Promise<undefined> {
  const { store } = await invocation.open();
  const current = await loadConfiguration(store);
  await invocation.output.value(plainDocument(current));
  if (!invocation.output.json) await invocation.output.text(renderDocument(current));
  return undefined;
}

async function showDifferences(
  invocation: Invocation,
  [file = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const installation = await invocation.open();
  const { current, document } = await readFor(invocation, installation, file);
  const differences = differencesOf(current, document);
  const store = storeInWords(installation);
  await invocation.output.value({ changes: differences.map((one) => told(one, options.prune === true)), store });
  await invocation.output.say(`Compared with ${store}:`);
  await print(invocation, differences, options.prune === true);
  if (differences.length === 0) await invocation.output.say("Nothing differs.");
  return undefined;
}

async function applyDocument(
  invocation: Invocation,
  [file = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const prune = options.prune === true;
  const installation = await invocation.open(true);
  const { current, document } = await readFor(invocation, installation, file);
  const changed = await apply(invocation, installation, { current, document, prune });
  const kept = differencesOf(current, document).filter(({ change }) => change === "removed" && !prune);
  await invocation.output.value({ changes: changed.map((one) => told(one, prune)), kept: kept.map(placeOf) });
  await print(invocation, changed, prune);
  for (const { section, name, change } of changed) {
    if (section !== "syncs" || change !== "removed") continue;
    await invocation.output.say(`released syncs.${name}: what it owned stays in the target as it is, and is nobody's`);
  }
  for (const one of kept)
    await invocation.output.say(`kept     ${placeOf(one)}: not in the document; --prune removes it`);
  await invocation.output.say(changed.length === 0 ? "Nothing had to be changed." : "Applied.");
  return undefined;
}

/** Whoever compares should see at once that it was with another store than the one that was meant. */
function storeInWords({ store, demo, folder }: Installation): string {
  if (store.engine === "postgres") return "the store in the database of ENTRAIN_DATABASE_URL";
  return `${demo ? "the demo's store" : "the store"} in ${resolve(folder)}`;
}

interface Read {
  readonly current: CurrentConfiguration;
  readonly document: ConfigurationDocument;
}

async function readFor(invocation: Invocation, { store, types }: Installation, file: string): Promise<Read> {
  const text = await readGiven(invocation, file);
  const current = await loadConfiguration(store);
  return { current, document: readDocument(text, { name: nameOfGiven(file), types, current }) };
}

function placeOf({ section, name }: EntryDifference): string {
  return `${section}.${name}`;
}

function told(difference: EntryDifference, prune: boolean): object {
  const { section, name, change, fields } = difference;
  const applies = change !== "removed" || prune;
  return { section, name, change, applies, fields };
}

async function print({ output }: Invocation, differences: readonly EntryDifference[], prune: boolean): Promise<void> {
  for (const one of differences) {
    const stays = one.change === "removed" && !prune;
    const note = stays ? ": not in the document; --prune removes it" : "";
    await output.say(`${(stays ? "kept" : one.change).padEnd(8)} ${placeOf(one)}${note}`);
    for (const { place, before, after } of one.fields) {
      await output.say(`         ${place}: ${shown(before)} → ${shown(after)}`);
    }
  }
}

function shown(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value);
}
