import type { HttpAnswer } from "../shared/http.ts";
import { costOf, type Priced, type Service } from "./costs.ts";
import { Gate } from "./gate.ts";
import type { EntraOptions } from "./options.ts";

/** What waits for a place is sent in this order: what others wait for first, what only begins new work last. */
export type Urgency = "next" | "normal" | "last";

/** Ends a request's stay, with its answer or `null` when there was none. */
export type Leave = (answer: Pick<HttpAnswer, "status" | "headers"> | null) => void;

type Runtime = Pick<EntraOptions, "clock" | "sleep">;

/** Resource units in ten seconds for an app in a tenant of under 50, of 50 to 500, and of more people. */
const SIZES: readonly number[] = [3500, 5000, 8000];
const SIZE_WINDOW_MS = 10_000;
/** Of a limit, how much is used. */
const SHARE = 0.95;
/** Graph tells the share that is used from 0.8 on; who sees nothing from here on has a higher limit. */
const TOLD_SURELY = 0.87;
/** How far one answer moves the limit to where it should be. */
const DOWN = 0.2;
const UP = 0.02;
const LOWEST = 100;
const OWN_LIMITS: Readonly<Record<Exclude<Service, "directory">, readonly [count: number, windowMs: number]>> = {
  reports: [5, 10_000],
  conditionalAccess: [1, 1000],
};
const WRITES: readonly [count: number, windowMs: number] = [3000, 150_000];
const ORDER: readonly Urgency[] = ["next", "normal", "last"];

/**
 * Keeps the requests of one app to one tenant within Graph's limits: so many at a time, and within the resource units, writes and
 * slow services that are published ("Microsoft Graph service-specific throttling limits"). The size of the tenant, and what
 * others use of the same limits, are learned from `x-ms-throttle-limit-percentage`: it slows before Graph refuses.
 */
export class Limiter {
  /** Closed while the service asks to wait. */
  readonly gate: Gate = new Gate();
  #places: number;
  readonly #queues: Readonly<Record<Urgency, Set<() => void>>> = {
    next: new Set(),
    normal: new Set(),
    last: new Set(),
  };
  readonly #units: Bucket;
  readonly #writes: Bucket;
  readonly #own: Readonly<Record<Exclude<Service, "directory">, Bucket>>;
  #size = 0;

  constructor(runtime: Runtime, atATime: number) {
    this.#places = atATime;
    const bucket = ([count, windowMs]: readonly [number, number]): Bucket => new Bucket(runtime, count, windowMs);
    this.#units = bucket([SIZES[0] ?? LOWEST, SIZE_WINDOW_MS]);
    this.#writes = bucket(WRITES);
    this.#own = { reports: bucket(OWN_LIMITS.reports), conditionalAccess: bucket(OWN_LIMITS.conditionalAccess) };
  }

  /** Waits until the request may be sent. Rejects with the signal's reason when it aborts. */
  async enter(request: Priced, signal: AbortSignal, urgency: Urgency = "normal"): Promise<Leave> {
    const cost = costOf(request);
    const isBatch = request.url.pathname.endsWith("/$batch");
    if (cost.service !== "directory") await this.#own[cost.service].take(1, signal);
    await this.#place(urgency, signal);
    try {
      if (cost.service === "directory") await this.#units.take(cost.units, signal);
      if (cost.writes > 0) await this.#writes.take(cost.writes, signal);
    } catch (error) {
      this.#release();
      throw error;
    }
    return (answer) => {
      this.#release();
      if (answer === null || cost.service !== "directory") return;
      // Of a batch the answer tells the price of its envelope alone.
      const charged = isBatch ? Number.NaN : Number(answer.headers["x-ms-resource-unit"]);
      if (Number.isFinite(charged)) this.#units.correct(charged - cost.units);
      this.#learn(answer);
    };
  }

  async #place(urgency: Urgency, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#places > 0) {
      this.#places -= 1;
      return;
    }
    const queue = this.#queues[urgency];
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => {
        queue.delete(go);
        reject(signal.reason);
      };
      const go = (): void => {
        queue.delete(go);
        signal.removeEventListener("abort", stop);
        resolve();
      };
      queue.add(go);
      signal.addEventListener("abort", stop, { once: true });
    });
  }

  /** Hands the place on to whoever waits most urgently. */
  #release(): void {
    for (const urgency of ORDER) {
      const [first] = this.#queues[urgency];
      if (first === undefined) continue;
      first();
      return;
    }
    this.#places += 1;
  }

  #learn(answer: Pick<HttpAnswer, "status" | "headers">): void {
    const units = this.#units;
    const told = Number(answer.headers["x-ms-throttle-limit-percentage"]);
    const most = SIZES[this.#size] ?? LOWEST;
    if (Number.isFinite(told) && told > 0) {
      // What was used is this share of the limit that is left to us, whoever else uses it.
      const left = Math.min(most, Math.max(LOWEST, units.used / told));
      if (left < units.capacity) units.capacity += (left - units.capacity) * DOWN;
    } else if (answer.status < 300) {
      if (units.used > TOLD_SURELY * most && this.#size + 1 < SIZES.length) {
        this.#size += 1;
        units.capacity = SIZES[this.#size] ?? units.capacity;
      }
      units.capacity += (most - units.capacity) * UP;
    }
  }
}

/** A limit that refills continuously. What is taken beyond it is waited for. */
class Bucket {
  capacity: number;
  readonly #runtime: Runtime;
  readonly #windowMs: number;
  #used = 0;
  #at: number;

  constructor(runtime: Runtime, capacity: number, windowMs: number) {
    this.#runtime = runtime;
    this.capacity = capacity;
    this.#windowMs = windowMs;
    this.#at = runtime.clock.now();
  }

  /** What stands against the limit now, without what waits. */
  get used(): number {
    this.#refill();
    return Math.min(this.#used, this.capacity);
  }

  async take(amount: number, signal: AbortSignal): Promise<void> {
    this.#refill();
    this.#used += amount;
    const over = this.#used - Math.max(amount, this.capacity * SHARE);
    if (over <= 0) return;
    try {
      await this.#runtime.sleep(Math.ceil((over * this.#windowMs) / (this.capacity * SHARE)), signal);
    } catch (error) {
      this.#used -= amount;
      throw error;
    }
  }

  correct(amount: number): void {
    this.#used = Math.max(0, this.#used + amount);
  }

  #refill(): void {
    const now = this.#runtime.clock.now();
    // A clock that was set back refills nothing.
    const passed = Math.max(0, now - this.#at);
    this.#used = Math.max(0, this.#used - (passed * this.capacity * SHARE) / this.#windowMs);
    this.#at = now;
  }
}

const limiters = new WeakMap<Runtime["clock"], Map<string, Limiter>>();

/** The limiter of an app in a tenant: one for all that this process sends under the same clock. */
export function limiterFor(options: EntraOptions, atATime: number): Limiter {
  const byApp = limiters.get(options.clock) ?? new Map<string, Limiter>();
  limiters.set(options.clock, byApp);
  const key = JSON.stringify([options.cloud.graph, options.tenant, options.client, atATime]).toLowerCase();
  const limiter = byApp.get(key) ?? new Limiter(options, atATime);
  byApp.set(key, limiter);
  return limiter;
}
