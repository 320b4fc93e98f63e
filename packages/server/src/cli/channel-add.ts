import { readFileSync } from "node:fs";
import { webhookKey, webhookUrl } from "@entrain/connectors/webhook";
import type { Command } from "commander";
import { MAIL_TLS, secretField } from "../config/channel-of.ts";
import { CHANNEL_TYPES } from "../config/channels.ts";
import type { SecretEntry } from "../config/document.ts";
import { ALERT_TYPES } from "../store/alerts.ts";
import { command, type Invocation, type Options, textOption, usage } from "./command.ts";
import { addEntry } from "./entries.ts";
import { type GivenSecret, readSecretOptions, secretOptions } from "./secrets.ts";
import type { World } from "./world.ts";

type ChannelType = (typeof CHANNEL_TYPES)[number];

/** `entrain channel add`, for every type. */
export function registerAdd(group: Command, world: World, ended: (code: number) => void): void {
  const add = group
    .command("add <name>")
    .description("add a channel that is told of alerts: a webhook, people by mail, or a chat of Slack or Teams")
    .option("--type <type>", CHANNEL_TYPES.join(", "), "webhook")
    .option("--types <list>", `tell it only of these, by comma: ${ALERT_TYPES.join(", ")}`)
    .option("--url <url>", "webhook: where to post: https, or http on this machine")
    .option("--host <host>", "email: the mail server")
    .option("--port <port>", "email: its port; 587, 465 with tls implicit")
    .option("--tls <tls>", `email: ${MAIL_TLS.join(", ")} (on this machine alone); starttls unless given`)
    .option("--user <user>", "email: who signs in there; then its password is the secret")
    .option("--from <address>", "email: the sender, such as entrain@example.com")
    .option("--to <address...>", "email: who is told")
    .option("--allow-private", "the address's name may lead to a private network, or to this machine");
  const what = "the secret: whsec_… of a webhook, a mail user's password, or the address that Slack or Teams shows";
  command(secretOptions(add, what), world, ended, addChannel);
}

/** What of the options belongs to each type. */
const OPTIONS: { readonly [T in ChannelType]: readonly string[] } = {
  webhook: ["url"],
  slack: [],
  teams: [],
  email: ["host", "port", "tls", "user", "from", "to"],
};

async function addChannel(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const type = typeOf(options);
  const own = ownValues(type, options);
  const given = await secretFor(invocation, type, options);
  const types = textOption(options, "types")?.split(",");
  const value = {
    type,
    ...own,
    ...(options.allowPrivate === true ? { allowPrivate: true } : {}),
    ...(given === null ? {} : { [secretField(type)]: given.entry }),
    ...(types === undefined ? {} : { types: types.map((one) => one.trim()) }),
  };
  const sealed = given?.secret ?? null;
  const secrets = sealed === null ? {} : { secrets: new Map([[`channels/${name}/${secretField(type)}`, sealed]]) };
  await addEntry(invocation, "channels", { name, value, ...secrets });
  await invocation.output.say(`Added the channel ${name}. Try it: entrain channel test ${name}`);
  await invocation.output.value({ added: name });
  return undefined;
}

function typeOf(options: Options): ChannelType {
  const text = textOption(options, "type");
  const type = CHANNEL_TYPES.find((one) => one === text);
  if (type === undefined) throw usage(`--type is one of ${CHANNEL_TYPES.join(", ")}.`);
  return type;
}

/** The type's own settings; one of another type is a mistake that must not be passed over. */
function ownValues(type: ChannelType, options: Options): Readonly<Record<string, unknown>> {
  for (const [other, names] of Object.entries(OPTIONS)) {
    const wrong = names.find((name) => options[name] !== undefined && !OPTIONS[type].includes(name));
    if (wrong === undefined) continue;
    const instead = type === "slack" || type === "teams" ? ` The address is the secret: --secret-stdin.` : "";
    throw usage(`--${wrong} belongs to --type ${other}.${instead}`);
  }
  const required = type === "webhook" ? ["url"] : type === "email" ? ["host", "from", "to"] : [];
  const missing = required.filter((name) => options[name] === undefined).map((name) => `--${name}`);
  if (missing.length > 0) throw usage(`A channel of the type ${type} needs ${missing.join(", ")}.`);
  const given = OPTIONS[type].filter((name) => options[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, name === "port" ? portOf(options) : options[name]]));
}

function portOf(options: Options): number {
  const port = Number(textOption(options, "port"));
  if (!Number.isSafeInteger(port)) throw usage("--port takes a number.");
  return port;
}

/** What a reference leads to now, so that what cannot be right is told at once; a variable may be set later, elsewhere. */
function presentText(entry: SecretEntry, environment: World["environment"]): string | undefined {
  const text = "file" in entry ? readFileSync(entry.file, "utf8") : "env" in entry ? environment[entry.env] : undefined;
  return text?.replace(/\r?\n$/, "");
}

/** The secret, judged as it is now. Null for a mail server that asks for no password. */
async function secretFor(invocation: Invocation, type: ChannelType, options: Options): Promise<GivenSecret | null> {
  const ways = ["secretStdin", "secretFile", "secretEnv"].some((name) => options[name] !== undefined);
  if (type === "email" && options.user === undefined && !ways && options.password === undefined) return null;
  if (type === "email" && options.user === undefined) throw usage("A password belongs to a user: --user NAME.");
  const what = { webhook: "webhook's secret", email: "password", slack: "address", teams: "address" }[type];
  const given = await readSecretOptions(invocation, options, what);
  if (given === null) throw usage(`Give the ${what} with --secret-stdin, --secret-file PATH or --secret-env NAME.`);
  const text = given.secret?.reveal() ?? presentText(given.entry, invocation.world.environment);
  if (text !== undefined && type === "webhook") webhookKey(text);
  if (text !== undefined && (type === "slack" || type === "teams")) webhookUrl(text.trim());
  return given;
}
