import type { TargetKind } from "@entrain/core";
import { sql } from "kysely";
import { loadConfiguration } from "../config/current.ts";
import type { TargetType } from "../config/target-types.ts";
import { OWNING } from "../store/shares.ts";
import { allOk, printChecks } from "./checks.ts";
import { command, type Invocation, listOption, type Options, type Register, textOption, usage } from "./command.ts";
import { addEntry, findRow, removeOneEntry } from "./entries.ts";
import { readSecretOptions, secretOptions } from "./secrets.ts";
import { targetValues } from "./target-values.ts";
import { ruleInWords } from "./wording.ts";

export const register: Register = (group, world, ended) => {
  command(group.command("types").description("list the target types and what they need"), world, ended, listTypes);
  const add = group
    .command("add <name>")
    .description("add a target")
    .requiredOption("--type <type>", "see: entrain target types")
    .option("--set <setting=value...>", "a setting of the type, such as baseUrl=https://example.com/scim/v2");
  command(secretOptions(add, "the token"), world, ended, addTarget);
  command(group.command("list").description("list the targets"), world, ended, listTargets);
  const verify = group.command("verify <name>").description("reach the target and try what syncs need");
  command(verify, world, ended, verifyTarget);
  const values = group
    .command("values <name> <lookup>")
    .description("list the departments or locations that a portal keeps as records, or add some")
    .option("--add <value...>", "values to add; those that are there stay as they are");
  command(values, world, ended, targetValues);
  const remove = group.command("remove <name>").description("forget a target and its links; its records stay");
  command(remove, world, ended, async (invocation, [name = ""]) => {
    await removeOneEntry(invocation, "targets", name);
    await invocation.output.say(`Removed the target ${name}. Its records stay as they are.`);
    await invocation.output.value({ removed: name });
    return undefined;
  });
};

async function listTypes({ output, world }: Invocation): Promise<undefined> {
  const types = [...(await world.targetTypes()).values()].map((type) => ({
    type: type.name,
    title: type.title,
    settings: type.settings,
    credential: type.credential,
    kinds: kindsOf(type),
  }));
  await output.value(types);
  for (const { type, title, settings, credential, kinds } of types) {
    await output.say(`${type}: ${title}`);
    for (const { name, type: form, required, description } of settings) {
      await output.say(`  ${name} (${form}${required ? ", required" : ""}): ${description}`);
    }
    for (const { name, description } of credential) await output.say(`  ${name} (secret): ${description}`);
    for (const kind of kinds) {
      const attributes = kind.attributes.map((one) => (one.required === true ? `${one.name}*` : one.name));
      await output.say(`  records: ${kind.name}, from ${kind.source}s`, `    matching: ${kind.matchable.join(", ")}`);
      await output.say(`    attributes: ${attributes.join(", ")}`, ...presetLines(kind));
    }
  }
  await output.say("A sync without a mapping of its own gets its kind's preset: entrain sync add --help");
  return undefined;
}

/** What a sync is given that has no mapping of its own, an attribute a line. */
function presetLines({ preset }: TargetKind): readonly string[] {
  const rules = Object.entries(preset.mapping).map(([name, rule]) => `      ${name} ← ${ruleInWords(rule)}`);
  return ["    preset:", ...rules, `      matched by ${preset.matching.join(", then ")}`];
}

/** The kinds that a target of the type has with the least of settings. */
function kindsOf(type: TargetType): ReturnType<TargetType["kinds"]> {
  const examples = { url: "https://localhost", text: "x", path: ".", boolean: false, integer: 1, columns: {} };
  const required = type.settings.filter((field) => field.required);
  return type.kinds(Object.fromEntries(required.map((field) => [field.name, examples[field.type]])));
}

async function addTarget(invocation: Invocation, [name = ""]: readonly string[], options: Options): Promise<undefined> {
  const types = await invocation.world.targetTypes();
  const type = types.get(textOption(options, "type") ?? "");
  if (type === undefined) throw usage(`--type is one of ${[...types.keys()].join(", ")}.`);
  const settings = settingsOf(type, listOption(options, "set"));
  const [field] = type.credential;
  const asked = ["secretStdin", "secretFile", "secretEnv", "secret", "token", "password"];
  const given =
    field === undefined && asked.every((key) => options[key] === undefined)
      ? null
      : await readSecretOptions(invocation, options, field?.name ?? "secret");
  if (field === undefined && given !== null) throw usage(`Targets of the type ${type.name} need no secret.`);
  if (field?.required === true && given === null) {
    throw usage(`Give ${field.description} with --secret-stdin, --secret-file PATH or --secret-env NAME.`);
  }
  const credential = field === undefined || given === null ? {} : { [field.name]: given.entry };
  const secrets =
    field === undefined || !given?.secret
      ? {}
      : { secrets: new Map([[`targets/${name}/${field.name}`, given.secret]]) };
  await addEntry(invocation, "targets", { name, value: { type: type.name, settings, credential }, ...secrets });
  await invocation.output.say(`Added the target ${name}. Try it: entrain target verify ${name}`);
  await invocation.output.value({ added: name });
  return undefined;
}

/** `baseUrl=https://…`, `allowHttp=true`, `columns.user=costCenter,floor`. */
function settingsOf(type: TargetType, texts: readonly string[]): { readonly [name: string]: unknown } {
  const settings: { [name: string]: unknown } = {};
  for (const text of texts) {
    const at = text.indexOf("=");
    if (at < 1) throw usage("--set takes NAME=VALUE.");
    const [name = "", part] = text.slice(0, at).split(".");
    const value = text.slice(at + 1);
    const form = type.settings.find((field) => field.name === name)?.type;
    if (form === "boolean") settings[name] = value === "true" ? true : value === "false" ? false : value;
    else if (form === "integer") settings[name] = /^\d+$/.test(value) ? Number(value) : value;
    else if (form === "columns" && part !== undefined) {
      settings[name] = { ...(settings[name] as object | undefined), [part]: value.split(",") };
    } else settings[name] = value;
  }
  return settings;
}

async function listTargets(invocation: Invocation): Promise<undefined> {
  const { store } = await invocation.open();
  const { rows, targets } = await loadConfiguration(store);
  const counts = await store.db
    .selectFrom("links")
    .select(["target", sql<number>`count(*)`.as("count")])
    .where(OWNING)
    .groupBy("target")
    .execute();
  const views = [...rows.targets.values()].map(({ id, name, type }) => ({
    name,
    id,
    type,
    settings: targets.get(name)?.settings ?? {},
    linked: Number(counts.find((one) => one.target === id)?.count ?? 0),
  }));
  await invocation.output.value(views);
  if (views.length === 0) await invocation.output.say("There are no targets yet. Make one: entrain target add");
  else {
    const cells = views.map(({ name, type, linked, settings }) => [
      name,
      type,
      String(linked),
      String(settings.baseUrl ?? settings.path ?? ""),
    ]);
    await invocation.output.table(["NAME", "TYPE", "LINKED", "WHERE"], cells);
  }
  return undefined;
}

async function verifyTarget(invocation: Invocation, [name = ""]: readonly string[]): Promise<1 | undefined> {
  const installation = await invocation.open();
  const target = await installation.engine.openTarget(await findRow(installation, "targets", name));
  try {
    const checks = await target.verify(invocation.signal);
    const ok = allOk(checks);
    await invocation.output.value({ ok, checks });
    await printChecks(invocation.output, checks);
    await invocation.output.say(ok ? `The target ${name} works.` : `The target ${name} does not work yet.`);
    return ok ? undefined : 1;
  } finally {
    await target.close();
  }
}
