import { createHash, timingSafeEqual } from "node:crypto";
import type { SubscriptionRow } from "../store/subscriptions.ts";

/** Of one delivery: whether any of it was ours, and which subscriptions Microsoft wants authorized anew or says are gone. */
export interface Received {
  readonly changed: boolean;
  readonly reauthorize: readonly string[];
  readonly removed: readonly string[];
}

/** Items of one delivery that are looked at; Microsoft sends far fewer. */
const MOST_ITEMS = 1_000;
const REMEMBERED = 20_000;
/** A lifecycle notification has no id of its own: the same words mean something new after this time. */
const SAME_MS = 60_000;

/** SHA-256 in hex. */
export function stateHash(state: string): string {
  return createHash("sha256").update(state, "utf8").digest("hex");
}

/** Remembers what was delivered, so that a delivery that is sent again does nothing. Bounded: the oldest is forgotten. */
export class Delivered {
  /** When what was delivered may come again as something new. */
  readonly #keys = new Map<string, number>();

  /** True the first time, and the first time after each end of `keptMs`. */
  first(key: string, now: number, keptMs: number): boolean {
    if (now < (this.#keys.get(key) ?? now)) return false;
    this.#keys.delete(key);
    this.#keys.set(key, now + keptMs);
    if (this.#keys.size > REMEMBERED) {
      for (const oldest of this.#keys.keys()) {
        this.#keys.delete(oldest);
        break;
      }
    }
    return true;
  }

  /** What was delivered could not be acted on: it counts when it comes again. */
  forget(keys: Iterable<string>): void {
    for (const key of keys) this.#keys.delete(key);
  }
}

/**
 * Judges what somebody posted as Microsoft's notifications ("Receive change notifications through webhooks"). Only items
 * that bear a subscription of this connection, that has not ended, with its clientState, and that were not seen before,
 * count. What is in them is not used: a notification only says that there is something to read.
 */
export function receive(
  body: unknown,
  subscriptions: readonly SubscriptionRow[],
  context: { readonly tenant: string; readonly now: number; readonly delivered: Pick<Delivered, "first"> },
): Received {
  const items = itemsIn(body).slice(0, MOST_ITEMS);
  const reauthorize = new Set<string>();
  const removed = new Set<string>();
  let changed = false;
  for (const item of items) {
    const subscription = subscriptions.find((one) => isOf(one, item, context));
    if (subscription === undefined || !isFirst(item, context)) continue;
    const id = subscription.graph_id ?? "";
    if (item.lifecycleEvent === "reauthorizationRequired") reauthorize.add(id);
    else if (item.lifecycleEvent === "subscriptionRemoved") removed.add(id);
    else changed = true;
  }
  return { changed, reauthorize: [...reauthorize], removed: [...removed] };
}

type Item = Readonly<Record<string, unknown>>;

function itemsIn(body: unknown): readonly Item[] {
  const value = typeof body === "object" && body !== null ? (body as { readonly value?: unknown }).value : undefined;
  if (!Array.isArray(value)) return [];
  return value.filter((item): item is Item => typeof item === "object" && item !== null);
}

function isOf(
  subscription: SubscriptionRow,
  item: Item,
  { tenant, now }: { readonly tenant: string; readonly now: number },
): boolean {
  const { clientState, subscriptionId, tenantId } = item;
  if (typeof clientState !== "string" || clientState.length > 128) return false;
  const same = timingSafeEqual(Buffer.from(stateHash(clientState)), Buffer.from(subscription.state_hash));
  // Microsoft may notify before its answer to the subscription has arrived: then the state alone proves it.
  const known = subscription.graph_id === null || subscription.graph_id === subscriptionId;
  const ours = tenantId === undefined || tenantId === tenant;
  return same && known && ours && now < subscription.expires_at;
}

/** Two changes without an id may say the same word for word, so that both count. */
function isFirst(
  item: Item,
  { delivered, now }: { readonly delivered: Pick<Delivered, "first">; readonly now: number },
): boolean {
  const named = typeof item.id === "string";
  if (!named && typeof item.lifecycleEvent !== "string") return true;
  const key = createHash("sha256").update(JSON.stringify(item)).digest("base64");
  return delivered.first(key, now, named ? Number.POSITIVE_INFINITY : SAME_MS);
}
