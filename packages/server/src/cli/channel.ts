import { webhookKey } from "@entrain/connectors/webhook";
import { sendAlert } from "../alerts/send.ts";
import { loadConfiguration } from "../config/current.ts";
import { plainChannel } from "../config/render.ts";
import { deliveriesOf, deliveryCounts, disableChannel, enableChannel, newAlert } from "../store/alerts.ts";
import type { Store } from "../store/store.ts";
import { command, type Invocation, type Options, type Register, textOption, usage } from "./command.ts";
import { addEntry, findRow, removeOneEntry } from "./entries.ts";
import { readSecretOptions, secretOptions } from "./secrets.ts";
import { timeInWords } from "./wording.ts";

const SHOWN_DELIVERIES = 10;

export const register: Register = (group, world, ended) => {
  const add = group
    .command("add <name>")
    .description("add a webhook that is told of alerts")
    .requiredOption("--url <url>", "where to post: https, or http on this machine")
    .option("--allow-private", "the url's name may lead to a private network, or to this machine");
  command(secretOptions(add, "the webhook's secret, whsec_…"), world, ended, addChannel);
  command(group.command("list").description("list the channels and how they fare"), world, ended, listChannels);
  const show = group.command("show <name>").description("show a channel and what it was told last");
  command(show, world, ended, showChannel);
  const test = group
    .command("test <name>")
    .description("send a test alert now; enables a disabled channel when it is accepted");
  command(test, world, ended, testChannel);
  const remove = group.command("remove <name>").description("forget a channel and what was on its way there");
  command(remove, world, ended, async (invocation, [name = ""]) => {
    await removeOneEntry(invocation, "channels", name);
    await invocation.output.say(`Removed the channel ${name}.`);
    await invocation.output.value({ removed: name });
    return undefined;
  });
};

async function addChannel(
  invocation: Invocation,
  [name = ""]: readonly string[],
  options: Options,
): Promise<undefined> {
  const given = await readSecretOptions(invocation, options, "secret");
  if (given === null)
    throw usage("Give the webhook's secret with --secret-stdin, --secret-file PATH or --secret-env NAME.");
  if (given.secret !== null) webhookKey(given.secret.reveal());
  const allowPrivate = options.allowPrivate === true ? { allowPrivate: true } : {};
  const value = { type: "webhook", url: textOption(options, "url"), ...allowPrivate, secret: given.entry };
  const secrets = given.secret === null ? {} : { secrets: new Map([[`channels/${name}/secret`, given.secret]]) };
  await addEntry(invocation, "channels", { name, value, ...secrets });
  await invocation.output.say(`Added the channel ${name}. Try it: entrain channel test ${name}`);
  await invocation.output.value({ added: name });
  return undefined;
}

interface ChannelView {
  readonly name: string;
  readonly id: string;
  readonly type: string;
  /** Its address without path and query, which may be nobody's business. */
  readonly origin: string;
  /** Since when nothing is sent there, and why; null while it is told of everything. */
  readonly disabledAt: number | null;
  readonly disabledOf: string | null;
  /** Alerts on their way, of which some were tried already. */
  readonly waiting: number;
  readonly acceptedAt: number | null;
  /** Why the last attempt of what is still on its way, or was given up, failed. */
  readonly failure: string | null;
}

async function viewsOf(store: Store): Promise<readonly ChannelView[]> {
  const { rows, channels } = await loadConfiguration(store);
  return await Promise.all(
    [...rows.channels.values()].map(async (row) => ({
      name: row.name,
      id: row.id,
      type: row.type,
      origin: URL.parse(channels.get(row.name)?.url ?? "")?.origin ?? "",
      disabledAt: row.disabled_at,
      disabledOf: row.disabled_of,
      ...(await deliveryCounts(store, row.id)),
    })),
  );
}

async function listChannels({ open, output }: Invocation): Promise<undefined> {
  const { store } = await open();
  const views = await viewsOf(store);
  await output.value(views);
  if (views.length === 0) await output.say("There are no channels yet. Make one: entrain channel add");
  else {
    const cells = views.map((view) => [
      view.name,
      view.type,
      stateOf(view),
      String(view.waiting),
      timeInWords(view.acceptedAt),
      view.origin,
    ]);
    await output.table(["NAME", "TYPE", "STATE", "WAITING", "LAST ALERT", "WHERE"], cells);
  }
  return undefined;
}

function stateOf({ disabledAt, failure }: ChannelView): string {
  return disabledAt !== null ? "disabled" : failure !== null ? "failing" : "enabled";
}

async function showChannel(invocation: Invocation, [name = ""]: readonly string[]): Promise<undefined> {
  const { output } = invocation;
  const installation = await invocation.open();
  const row = await findRow(installation, "channels", name);
  const view = (await viewsOf(installation.store)).find((one) => one.name === name);
  const entry = (await loadConfiguration(installation.store)).channels.get(name);
  const deliveries = await deliveriesOf(installation.store, row.id, SHOWN_DELIVERIES);
  if (view === undefined || entry === undefined) return undefined; // Removed a moment ago.
  await output.value({ ...view, configuration: plainChannel(entry), deliveries });
  await output.say(
    `${name} (${row.id})`,
    `type       ${entry.type}`,
    `url        ${entry.url}${entry.allowPrivate ? " (its name may lead to a private network)" : ""}`,
    `secret     ${"env" in entry.secret ? `from the variable ${entry.secret.env}` : "file" in entry.secret ? `from the file ${entry.secret.file}` : "encrypted in the store"}`,
    `state      ${stateOf(view)}${view.disabledAt === null ? "" : ` since ${timeInWords(view.disabledAt)}: ${view.disabledOf}`}`,
    ...(view.disabledAt === null && view.failure !== null ? [`failure    ${view.failure}`] : []),
    `waiting    ${view.waiting}`,
    `last alert ${timeInWords(view.acceptedAt)}`,
  );
  for (const { id, type, at, attempts, acceptedAt, nextAt, failure } of deliveries) {
    const end =
      acceptedAt !== null
        ? `accepted ${timeInWords(acceptedAt)}`
        : `${nextAt === null ? "given up" : `tried next ${timeInWords(nextAt)}`}${failure === null ? "" : `: ${failure}`}`;
    await output.say(`alert      ${timeInWords(at)} ${type} (${id}), ${attempts} attempts, ${end}`);
  }
  if (deliveries.length === 0) await output.say("No alert went there yet.");
  return undefined;
}

async function testChannel(invocation: Invocation, [name = ""]: readonly string[]): Promise<1 | undefined> {
  const { output, signal } = invocation;
  const installation = await invocation.open();
  const { store } = installation;
  const row = await findRow(installation, "channels", name);
  const detail = `Somebody tried whether alerts reach the channel ${name}. They do.`;
  const alert = newAlert(store, { type: "test", data: { channel: name, detail } });
  const reply = await sendAlert(installation, row, alert, signal);
  if (reply.kind === "accepted") {
    if (row.disabled_at !== null) await enableChannel(store, row.id);
    await output.value({ ok: true, id: alert.id, status: reply.status, detail: null, fix: null });
    const again = row.disabled_at === null ? "" : " The channel is enabled again.";
    await output.say(`The channel ${name} accepted ${alert.id}.${again}`);
    return undefined;
  }
  if (reply.kind === "gone") await disableChannel(store, row.id, reply.detail);
  const status = reply.kind === "gone" ? 410 : reply.status;
  const fix = reply.kind === "gone" ? `Let the receiver accept alerts, then: entrain channel test ${name}` : reply.fix;
  await output.value({ ok: false, id: alert.id, status, detail: reply.detail, fix });
  await output.say(`The channel ${name} was not told: ${reply.detail} ${fix}`);
  return 1;
}
