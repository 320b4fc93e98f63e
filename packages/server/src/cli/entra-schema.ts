import type { Command } from "commander";
import { type CurrentConfiguration, loadConfiguration } from "../config/current.ts";
import { pathText } from "../config/document.ts";
import { exportEntraSchema } from "../config/entra-schema/export.ts";
import { importEntraSchema } from "../config/entra-schema/import.ts";
import { putIntoSchema } from "../config/entra-schema/into.ts";
import { plainEntraSchema, readEntraSchema } from "../config/entra-schema/read.ts";
import type { Note } from "../config/entra-schema/schema.ts";
import { flawsOf } from "../config/read.ts";
import { renderPlain } from "../config/render.ts";
import type { TargetTypes } from "../config/targets.ts";
import { command, type ExitCode, type Invocation, type Options, type Register, textOption, usage } from "./command.ts";
import { findRow } from "./entries.ts";
import { nameOfGiven, readGiven, writeNew } from "./given-text.ts";
import { sentence } from "./output.ts";

/** Adds the commands that turn Entra's exported provisioning schema into a document, and a sync into such a schema. */
export const registerEntraSchema: Register = (group: Command, world, ended) => {
  const importing = group
    .command("import <file>")
    .description("turn an exported Entra provisioning schema (JSON) into syncs as YAML; - reads standard input")
    .requiredOption("--connection <name>", "the connection that people and groups come from")
    .requiredOption("--target <name>", "the target that they are provisioned to")
    .option("--sync <name>", "what the sync is called; default: connection and target")
    .option("--rule <name>", "which synchronization rule, where the schema has several")
    .option("--assigned <application>", "only who is assigned to this application (client or object id), as with Entra")
    .option("--output <file>", "write the YAML to a new file instead of printing it")
    .addHelpText(
      "after",
      "\nExit codes: 0 success, 1 where config apply would refuse the document until it is mended, 2 wrong usage.",
    );
  command(importing, world, ended, importSchema);
  const exporting = group
    .command("export-entra <sync>")
    .description("print a sync as Entra's provisioning schema (synchronizationSchema JSON)")
    .option("--into <file>", "put it into this schema of the job, and keep everything else there")
    .option("--output <file>", "write the schema to a new file instead of printing it");
  command(exporting, world, ended, exportSchema);
};

async function importSchema(
  invocation: Invocation,
  [file = ""]: readonly string[],
  options: Options,
): Promise<ExitCode> {
  const [connection, target] = [required(options, "connection"), required(options, "target")];
  const rules = readEntraSchema(await readGiven(invocation, file), nameOfGiven(file));
  const installation = await invocation.open();
  await findRow(installation, "connections", connection);
  await findRow(installation, "targets", target);
  const { types, store } = installation;
  const current = await loadConfiguration(store);
  const [rule, assigned] = [textOption(options, "rule"), textOption(options, "assigned")];
  const imported = importEntraSchema(rules, {
    connection,
    target,
    kinds: kindsOf(current, target, types),
    name: textOption(options, "sync") ?? `${connection}-${target}`,
    ...(rule === undefined ? {} : { rule }),
    ...(assigned === undefined ? {} : { assigned }),
  });
  const syncs = Object.fromEntries(imported.syncs);
  const refused = flawsOf({ syncs }, { types, current }).map(
    ({ path, detail }): Note => ({
      place: pathText(path),
      code: "refused",
      detail: `\`config apply\` refuses it: ${detail}`,
      fix: "Correct it in the document.",
    }),
  );
  const notes = [...imported.notes, ...refused];
  const output = textOption(options, "output");
  const yaml = renderPlain({ syncs });
  if (output !== undefined) await writeNew(output, yaml);
  await invocation.output.value({ sync: Object.values(syncs)[0], syncs, notes });
  if (output === undefined && !invocation.output.json) await invocation.output.text(yaml);
  const names = Object.keys(syncs);
  const done = `${names.join(" and ")} ${names.length === 1 ? "was" : "were"} imported.`;
  const closing = [done, ...nextSteps(output, refused, names[0] ?? "")];
  await report(invocation, { notes, closing, aside: output === undefined });
  return refused.length > 0 ? 1 : 0;
}

function nextSteps(output: string | undefined, refused: readonly Note[], sync: string): readonly string[] {
  if (refused.length > 0) {
    const places = [...new Set(refused.map(({ place }) => place))].join(", ");
    const then = output === undefined ? "" : ` Then: entrain config apply ${output}`;
    return [`Mend in ${output ?? "the document"} first what config apply refuses: ${places}.${then}`];
  }
  return output === undefined ? [] : [`Next: entrain config apply ${output}, then entrain sync plan ${sync}.`];
}

async function exportSchema(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const into = textOption(options, "into");
  const given = into === undefined ? null : plainEntraSchema(await readGiven(invocation, into), nameOfGiven(into));
  const installation = await invocation.open();
  await findRow(installation, "syncs", name);
  const current = await loadConfiguration(installation.store);
  const sync = current.syncs.get(name);
  const kinds = kindsOf(current, sync?.target ?? "", installation.types);
  const kind = kinds.find((one) => one.name === sync?.records);
  if (sync === undefined || kind === undefined) throw usage(`The sync ${name} is not complete.`);
  const type = current.targets.get(sync.target)?.type ?? "";
  const written = exportEntraSchema(sync, { target: sync.target, type, kind });
  const schema = given === null ? written.schema : putIntoSchema(given, written.schema, kind);
  const output = textOption(options, "output");
  const text = `${JSON.stringify(schema, null, 2)}\n`;
  if (output !== undefined) await writeNew(output, text);
  await invocation.output.value({ schema, notes: written.notes });
  if (output === undefined && !invocation.output.json) await invocation.output.text(text);
  const closing = output === undefined ? [] : [`The schema was written to ${output}.`];
  await report(invocation, { notes: written.notes, closing, aside: output === undefined });
  return undefined;
}

function kindsOf(current: CurrentConfiguration, alias: string, types: TargetTypes): ReturnType<Kinds> {
  const target = current.targets.get(alias);
  return target === undefined ? [] : (types.get(target.type)?.kinds(target.settings) ?? []);
}

type Kinds = NonNullable<ReturnType<TargetTypes["get"]>>["kinds"];

function required(options: Options, name: string): string {
  const value = textOption(options, name);
  if (value === undefined) throw usage(`--${name} needs a name.`);
  return value;
}

interface Report {
  readonly notes: readonly Note[];
  readonly closing: readonly string[];
  /** A document stands on standard output, so that everything else goes to standard error. */
  readonly aside: boolean;
}

async function report({ output }: Invocation, { notes, closing, aside }: Report): Promise<void> {
  const told = notes.flatMap(({ place, detail, fix }) => [
    place,
    `    ${sentence(detail)}`,
    ...(fix === null ? [] : [`    ${fix}`]),
  ]);
  const heading = notes.length === 0 ? [] : ["Not as it was:"];
  const lines = [...heading, ...told, ...closing];
  if (aside) for (const line of lines) output.remark(line);
  else await output.say(...lines);
}
