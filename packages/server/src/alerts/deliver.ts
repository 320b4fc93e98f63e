import { factsOf, type RunLog } from "../runs/tell.ts";
import { beginAttempt, channelsDue, type Delivery, disableChannel, endAttempt, nextDelivery } from "../store/alerts.ts";
import { MAIL_MS } from "./mail.ts";
import { ATTEMPTS, pauseAfter, pauseAsked } from "./pace.ts";
import { type ChannelRow, type Sender, sendAlert } from "./send.ts";

const LOOK_MS = 5_000;
/** Longer than any attempt lasts, of which mails take the longest, with room for clocks that differ. */
const RESERVED_MS = MAIL_MS + 30_000;

/** Delivers what the store holds until the signal aborts. Any number of processes may do so at the same time. */
export async function deliverAlerts(sender: Sender, log: RunLog, signal: AbortSignal): Promise<void> {
  const { clock } = sender.store;
  const busy = new Map<string, Promise<void>>();
  while (!signal.aborted) {
    try {
      for (const channel of await channelsDue(sender.store)) {
        // A receiver that is slow keeps no other one waiting.
        if (busy.has(channel)) continue;
        const done = deliverTo(sender, channel, log, signal).catch((error: unknown) => tellBroken(log, error, signal));
        busy.set(
          channel,
          done.finally(() => busy.delete(channel)),
        );
      }
    } catch (error) {
      tellBroken(log, error, signal);
    }
    await clock.sleep(LOOK_MS, signal).catch(() => undefined);
  }
  await Promise.all(busy.values());
}

function tellBroken(log: RunLog, error: unknown, signal: AbortSignal): void {
  if (!signal.aborted) log.error(factsOf(error), "Alerts could not be delivered; it is tried again.");
}

/** Sends what is due for one channel, the oldest first, until nothing is or an attempt fails. */
export async function deliverTo(sender: Sender, channel: string, log: RunLog, signal: AbortSignal): Promise<void> {
  const { store } = sender;
  for (;;) {
    const row = await store.db.selectFrom("channels").selectAll().where("id", "=", channel).executeTakeFirst();
    const delivery = row === undefined ? null : await nextDelivery(store, channel);
    if (row === undefined || delivery === null || signal.aborted) return;
    if (!(await attempt(sender, row, delivery, log, signal))) return;
  }
}

/**
 * One attempt, counted before it is made. Until it must have ended nobody makes another one, in any process; should nobody
 * hear of its end, it is made again then, or after the usual pause where that is longer.
 */
async function attempt(
  sender: Sender,
  row: ChannelRow,
  delivery: Delivery,
  log: RunLog,
  signal: AbortSignal,
): Promise<boolean> {
  const { store } = sender;
  const { alert } = delivery;
  const made = delivery.attempts + 1;
  const pause = pauseAfter(made, store.clock.random());
  const reserved = store.clock.now() + Math.max(pause, RESERVED_MS);
  if (!(await beginAttempt(store, delivery, reserved))) return false;
  const reply = await sendAlert(sender, row, alert, signal);
  const facts = { channel: row.name, alert: alert.id, type: alert.type, attempts: made };
  if (reply.kind === "accepted") {
    const { note = null } = reply;
    await endAttempt(store, delivery, { accepted: true, failure: note, nextAt: null });
    if (note === null) log.debug(facts, `${row.name} was told: ${alert.type}`);
    else log.warn(facts, `The alert ${alert.type} reached the channel ${row.name} in part: ${note}`);
    return true;
  }
  if (reply.kind === "gone") {
    await disableChannel(store, row.id, reply.detail);
    log.warn(facts, `The channel ${row.name} is disabled: ${reply.detail} Enable it: entrain channel test ${row.name}`);
    return false;
  }
  const last = made >= ATTEMPTS;
  const nextAt = last ? null : store.clock.now() + pauseAsked(pause, reply.retryAfterMs);
  await endAttempt(store, delivery, { accepted: false, failure: `${reply.detail} ${reply.fix}`, nextAt });
  const what = last ? "was given up" : "is tried again";
  const line = `The alert ${alert.type} did not reach the channel ${row.name} and ${what}: ${reply.detail} ${reply.fix}`;
  if (last) log.error({ ...facts, status: reply.status }, line);
  else log.warn({ ...facts, status: reply.status, nextAt: new Date(nextAt ?? 0).toISOString() }, line);
  return false;
}
