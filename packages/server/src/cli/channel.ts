import { sendAlert } from "../alerts/send.ts";
import { channelSecret, mailAddress } from "../config/channel-of.ts";
import { loadConfiguration } from "../config/current.ts";
import type { ChannelEntry, SecretEntry } from "../config/document.ts";
import { plainChannel } from "../config/render.ts";
import { deliveriesOf, deliveryCounts, disableChannel, keepTest, newAlert } from "../store/alerts.ts";
import type { Store } from "../store/store.ts";
import { registerAdd } from "./channel-add.ts";
import { command, type Invocation, type Register } from "./command.ts";
import { findRow, removeOneEntry } from "./entries.ts";
import { timeInWords } from "./wording.ts";

const SHOWN_DELIVERIES = 10;

export const register: Register = (group, world, ended) => {
  registerAdd(group, world, ended);
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

interface ChannelView {
  readonly name: string;
  readonly id: string;
  readonly type: string;
  /** Its address without path and query, which may be nobody's business; of Slack and Teams, which keep it secret, empty. */
  readonly origin: string;
  /** What it is told of; null: everything. */
  readonly types: readonly string[] | null;
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
      origin: originOf(channels.get(row.name)),
      types: channels.get(row.name)?.types ?? null,
      disabledAt: row.disabled_at,
      disabledOf: row.disabled_of,
      ...(await deliveryCounts(store, row.id)),
    })),
  );
}

function originOf(channel: ChannelEntry | undefined): string {
  if (channel === undefined) return "";
  if (channel.type === "email") return mailAddress(channel);
  return channel.type === "webhook" ? (URL.parse(channel.url)?.origin ?? "") : "";
}

const HIDDEN = "(secret)";

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
      view.origin === "" ? HIDDEN : view.origin,
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
    ...placeOf(entry),
    ...(entry.types === undefined ? [] : [`told of    ${entry.types.join(", ")}`]),
    `state      ${stateOf(view)}${view.disabledAt === null ? "" : ` since ${timeInWords(view.disabledAt)}: ${view.disabledOf}`}`,
    ...(view.disabledAt === null && view.failure !== null ? [`failure    ${view.failure}`] : []),
    `waiting    ${view.waiting}`,
    `last alert ${timeInWords(view.acceptedAt)}`,
  );
  for (const { id, type, at, attempts, acceptedAt, nextAt, failure } of deliveries) {
    const end =
      acceptedAt !== null
        ? `accepted ${timeInWords(acceptedAt)}${failure === null ? "" : `, but ${failure}`}`
        : `${nextAt === null ? "given up" : `tried next ${timeInWords(nextAt)}`}${failure === null ? "" : `: ${failure}`}`;
    await output.say(`alert      ${timeInWords(at)} ${type} (${id}), ${attempts} attempts, ${end}`);
  }
  if (deliveries.length === 0) await output.say("No alert went there yet.");
  return undefined;
}

/** Where a channel leads, and where its secret stands. */
function placeOf(entry: ChannelEntry): readonly string[] {
  const reach = entry.allowPrivate ? " (its name may lead to a private network)" : "";
  const given = channelSecret(entry);
  const secret = given === null ? "none" : secretInWords(given.secret);
  if (entry.type === "webhook") return [`url        ${entry.url}${reach}`, `secret     ${secret}`];
  if (entry.type !== "email") return [`url        secret, ${secret}${reach}`];
  const tls = entry.tls === "none" ? "without TLS" : entry.tls === "implicit" ? "TLS" : "STARTTLS";
  return [
    `server     ${mailAddress(entry)}, ${tls}${reach}`,
    ...(entry.user === undefined ? [] : [`user       ${entry.user}, its password ${secret}`]),
    `from       ${entry.from}`,
    `to         ${entry.to.join(", ")}`,
  ];
}

function secretInWords(secret: SecretEntry): string {
  if ("env" in secret) return `from the variable ${secret.env}`;
  return "file" in secret ? `from the file ${secret.file}` : "encrypted in the store";
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
    const { note = null } = reply;
    await keepTest(store, { alert, channel: row.id, note });
    await output.value({ ok: true, id: alert.id, status: reply.status, detail: note, fix: null });
    const again = row.disabled_at === null ? "" : " The channel is enabled again.";
    await output.say(`The channel ${name} accepted ${alert.id}.${again}${note === null ? "" : ` But: ${note}`}`);
    return undefined;
  }
  if (reply.kind === "gone") await disableChannel(store, row.id, reply.detail);
  const status = reply.kind === "gone" ? 410 : reply.status;
  const fix = reply.kind === "gone" ? `Let the receiver accept alerts, then: entrain channel test ${name}` : reply.fix;
  await output.value({ ok: false, id: alert.id, status, detail: reply.detail, fix });
  await output.say(`The channel ${name} was not told: ${reply.detail} ${fix}`);
  return 1;
}
