import { randomUUID } from "node:crypto";
import type { FaultSet } from "../faults/rules.ts";
import type { Change } from "../state/change-log.ts";
import type { DirectoryObject } from "../state/objects.ts";
import { EndpointHealth, retryOf, type Waiting } from "./endpoint.ts";
import {
  changeNotification,
  type Happening,
  happeningOf,
  heard,
  type Notification,
  reauthorizationRequired,
  type Sender,
} from "./notifications.ts";
import type { Subscription, Subscriptions } from "./subscription.ts";
import { post, validateEndpoint } from "./wire.ts";

/** One attempt to reach a subscriber, or the decision not to try: the witness for tests. */
export interface Delivery {
  /** Milliseconds UTC by the simulator's clock. */
  readonly at: number;
  readonly url: string;
  readonly kind: "validation" | "change" | "lifecycle";
  readonly outcome: "accepted" | "refused" | "dropped" | "given up";
  /** Status of the answer; null without one. */
  readonly status: number | null;
  readonly tookMs: number;
  readonly attempt: number;
  readonly value: readonly Notification[];
}

/** What the notifier is made of. */
export interface NotifierOptions {
  readonly subscriptions: Subscriptions;
  readonly tenant: string;
  readonly faults: FaultSet;
  readonly clock: () => number;
}

const BATCH_MOST = 100;
const AT_ONCE = 4;
const REMEMBERED = 5000;
/** "Reduce missing subscriptions" says shortly before the end, without a number. */
const CHALLENGE_BEFORE_MS = 15 * 60_000;
const REORDER_MS = 1000;

/** Where notifications wait for one address. */
interface Endpoint {
  readonly url: string;
  readonly kind: "change" | "lifecycle";
  readonly health: EndpointHealth;
  waiting: Waiting[];
  /** Let past by the next one: the `notify-reorder` fault. */
  held: Waiting | null;
  active: number;
}

/** Sends what subscriptions ask for: batched, retried for four hours, by the simulator's clock. */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #stop = new AbortController();
  #noted: Happening[] = [];
  #deliveries: Delivery[] = [];
  #sequence = 0;
  #immediate: NodeJS.Immediate | null = null;
  #timer: NodeJS.Timeout | null = null;
  #idle: (() => void)[] = [];

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  /** Notes a change; what is noted in one turn of the event loop is sent together. */
  readonly note = (object: DirectoryObject, change: Change): void => {
    if (this.#options.subscriptions.list().length === 0) return;
    this.#noted.push(happeningOf(object, change));
    this.#soon();
  };

  /** The handshake for one address; null when it is accepted. */
  async validate(url: string): Promise<string | null> {
    const { clock } = this.#options;
    const at = clock();
    const token = `Validation: Testing client application reachability for subscription Request-Id: ${randomUUID()}`;
    const { answer, refusal } = await validateEndpoint(url, token, clock, this.#stop.signal);
    const { status, tookMs } = answer;
    const outcome = refusal === null ? "accepted" : "refused";
    this.#remember({ at, url, kind: "validation", outcome, status, tookMs, attempt: 1, value: [] });
    return refusal;
  }

  /** The last attempts, oldest first. */
  deliveries(): readonly Delivery[] {
    return this.#deliveries.slice(-REMEMBERED);
  }

  forget(): void {
    this.#deliveries = [];
  }

  /** Notifications that wait for their time or their turn. */
  get waiting(): number {
    return [...this.#endpoints.values()].reduce((sum, { waiting, held }) => sum + waiting.length + (held ? 1 : 0), 0);
  }

  /** Sends the reauthorization challenge for a subscription, as Graph does before it ends or after a lost permission. */
  challenge(subscription: Subscription, withheld = false): void {
    this.#options.subscriptions.put({ ...subscription, challenged: true, withheld });
    const url = subscription.lifecycleNotificationUrl;
    if (url === null) return;
    const now = this.#options.clock();
    this.#push(this.#endpoint(url, "lifecycle"), {
      notification: reauthorizationRequired(subscription, this.#sender(now)),
      dueAt: now,
      since: now,
      attempt: 1,
    });
    this.#soon();
  }

  /** Does what the clock has made due; called when it was moved, and by a timer. */
  tick(): void {
    const now = this.#options.clock();
    for (const subscription of this.#options.subscriptions.list()) {
      if (!subscription.challenged && subscription.expiresAt - now <= CHALLENGE_BEFORE_MS) this.challenge(subscription);
    }
    for (const happening of this.#noted.splice(0)) this.#spread(happening, now);
    for (const endpoint of this.#endpoints.values()) this.#send(endpoint, now);
    this.#arm(now);
    if (this.#quiet(now)) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Resolves when everything due has been sent and answered. */
  idle(): Promise<void> {
    this.#soon();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  close(): void {
    this.#stop.abort();
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#endpoints.clear();
  }

  #soon(): void {
    if (this.#stop.signal.aborted) return;
    this.#immediate ??= setImmediate(() => {
      this.#immediate = null;
      this.tick();
    });
  }

  #spread(happening: Happening, now: number): void {
    for (const subscription of this.#options.subscriptions.list()) {
      if (subscription.withheld || heard(subscription, happening) === null) continue;
      const endpoint = this.#endpoint(subscription.notificationUrl, "change");
      if (this.#hasAlready(endpoint, subscription, happening, now)) continue;
      this.#admit(endpoint, changeNotification(subscription, happening, this.#sender(now)), now);
    }
  }

  /** Several writes of one operation are one change of the object. */
  #hasAlready(endpoint: Endpoint, { id }: Subscription, { object, changeType }: Happening, now: number): boolean {
    const last = endpoint.waiting.at(-1);
    return (
      last !== undefined &&
      last.attempt === 1 &&
      last.since === now &&
      last.notification.subscriptionId === id &&
      last.notification.changeType === changeType &&
      String(last.notification.resource).endsWith(`/${object.id}`)
    );
  }

  #admit(endpoint: Endpoint, notification: Notification, now: number): void {
    const target = { method: "NOTIFY", path: `/${String(notification.resource).toLowerCase()}`, page: 1 };
    const actions = this.#options.faults.take(target);
    const penalty = endpoint.health.penalty(now);
    const { url, kind } = endpoint;
    if (penalty === null || actions.some(({ type }) => type === "notify-drop")) {
      this.#remember({
        at: now,
        url,
        kind,
        outcome: "dropped",
        status: null,
        tookMs: 0,
        attempt: 1,
        value: [notification],
      });
      return;
    }
    let dueAt = now + penalty;
    for (const action of actions) if (action.type === "notify-delay") dueAt += action.ms;
    const waiting: Waiting = { notification, dueAt, since: now, attempt: 1 };
    if (actions.some(({ type }) => type === "notify-reorder") && endpoint.held === null) {
      endpoint.held = { ...waiting, dueAt: dueAt + REORDER_MS };
      return;
    }
    this.#push(endpoint, waiting);
    if (actions.some(({ type }) => type === "notify-duplicate")) this.#push(endpoint, waiting);
    if (endpoint.held === null) return;
    this.#push(endpoint, { ...endpoint.held, dueAt });
    endpoint.held = null;
  }

  #push(endpoint: Endpoint, waiting: Waiting): void {
    endpoint.waiting.push(waiting);
  }

  #send(endpoint: Endpoint, now: number): void {
    if (endpoint.held !== null && endpoint.held.dueAt <= now) {
      this.#push(endpoint, endpoint.held);
      endpoint.held = null;
    }
    while (endpoint.active < AT_ONCE) {
      const due = endpoint.waiting.filter(({ dueAt }) => dueAt <= now).slice(0, BATCH_MOST);
      if (due.length === 0) return;
      const sent = new Set(due);
      endpoint.waiting = endpoint.waiting.filter((waiting) => !sent.has(waiting));
      endpoint.active++;
      void this.#deliver(endpoint, due);
    }
  }

  async #deliver(endpoint: Endpoint, batch: readonly Waiting[]): Promise<void> {
    const { clock } = this.#options;
    const at = clock();
    const { url, kind, health } = endpoint;
    const value = batch.map(({ notification }) => notification);
    const content = { type: "application/json; charset=utf-8", body: JSON.stringify({ value }) };
    const { status, tookMs } = await post(url, content, clock, this.#stop.signal);
    endpoint.active--;
    if (this.#stop.signal.aborted) return;
    const now = clock();
    health.note(now, status === null ? Number.POSITIVE_INFINITY : tookMs);
    const accepted = status !== null && status >= 200 && status < 300;
    const attempt = Math.max(...batch.map((waiting) => waiting.attempt));
    const outcome = accepted ? "accepted" : "refused";
    this.#remember({ at, url, kind, outcome, status, tookMs, attempt, value });
    if (!accepted) this.#retry(endpoint, batch, now);
    this.tick();
  }

  #retry(endpoint: Endpoint, batch: readonly Waiting[], now: number): void {
    for (const waiting of batch) {
      const next = retryOf(waiting, now);
      if (next !== null) this.#push(endpoint, next);
      else {
        const { attempt, notification } = waiting;
        const { url, kind } = endpoint;
        this.#remember({
          at: now,
          url,
          kind,
          outcome: "given up",
          status: null,
          tookMs: 0,
          attempt,
          value: [notification],
        });
      }
    }
  }

  #endpoint(url: string, kind: Endpoint["kind"]): Endpoint {
    const key = `${kind} ${url}`;
    let endpoint = this.#endpoints.get(key);
    if (endpoint === undefined) {
      endpoint = { url, kind, health: new EndpointHealth(), waiting: [], held: null, active: 0 };
      this.#endpoints.set(key, endpoint);
    }
    return endpoint;
  }

  #sender(now: number): Sender {
    this.#sequence++;
    return { tenant: this.#options.tenant, now, sequence: this.#sequence, id: randomUUID() };
  }

  /** Wakes at the next time that anything is due. */
  #arm(now: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const times = [...this.#endpoints.values()].flatMap(({ waiting, held, active }) => [
      ...(active < AT_ONCE ? waiting.map(({ dueAt }) => dueAt) : []),
      ...(held === null ? [] : [held.dueAt]),
    ]);
    for (const { expiresAt, challenged } of this.#options.subscriptions.list()) {
      if (!challenged) times.push(expiresAt - CHALLENGE_BEFORE_MS);
    }
    if (times.length === 0 || this.#stop.signal.aborted) return;
    const next = times.reduce((a, b) => Math.min(a, b));
    // A frozen clock is looked at once a second at most; what moves it calls `tick`.
    const wait = Math.min(Math.max(next - now, 1), 60_000);
    this.#timer = setTimeout(() => this.tick(), wait).unref();
  }

  #quiet(now: number): boolean {
    return (
      this.#immediate === null &&
      this.#noted.length === 0 &&
      [...this.#endpoints.values()].every(
        ({ active, waiting }) => active === 0 && waiting.every(({ dueAt }) => dueAt > now),
      )
    );
  }

  #remember(delivery: Delivery): void {
    this.#deliveries.push(delivery);
    if (this.#deliveries.length > 2 * REMEMBERED) this.#deliveries = this.#deliveries.slice(-REMEMBERED);
  }
}
