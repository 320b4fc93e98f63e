/** What a fault does to the requests that it matches. */
export type FaultAction =
  /** Answers with this status. `retryAfter` seconds are sent as the header; null or absent sends none. */
  | { readonly type: "status"; readonly status: number; readonly retryAfter?: number | null; readonly code?: string }
  /**
   * Cuts the connection: before the request is looked at, after its work is done but before any header, or in the
   * middle of the body.
   */
  | { readonly type: "cut"; readonly at: "headers" | "answer" | "body" }
  | { readonly type: "slow"; readonly ms: number }
  /** Half of the JSON under a matching content length, so that only parsing finds out. */
  | { readonly type: "truncate" }
  /** A page of a proxy or portal in place of JSON. */
  | { readonly type: "html"; readonly status?: number }
  /** A JSON object with 200 but without `value`. */
  | { readonly type: "no-value" }
  /** An empty page whose next link leads to the very page that was asked for. */
  | { readonly type: "empty" }
  /** The page as it is, but with a next link to itself, so that it comes again. */
  | { readonly type: "replay" }
  /** The round ends here with nothing: no next link, and for delta a valid delta link. */
  | { readonly type: "ends-empty" }
  /** Delta tokens of the request count as expired: 410. */
  | { readonly type: "expired" }
  /** Reads an older version of the directory. */
  | { readonly type: "lag"; readonly ms?: number; readonly versions?: number }
  /** `$count` says a percentage or a fixed number less (or, negative, more) than the truth. */
  | { readonly type: "stale-count"; readonly percent?: number; readonly less?: number }
  /** Members of groups with hidden membership are left out. */
  | { readonly type: "hidden" }
  /** People's properties beyond the basic profile read as null. */
  | { readonly type: "nulls" }
  /** What happens to change notifications; the rule's path is that of the changed object, such as `/users/*`. */
  | { readonly type: "notify-delay"; readonly ms: number }
  | { readonly type: "notify-drop" }
  | { readonly type: "notify-duplicate" }
  /** The notification lets the next one pass, or waits a second for one. */
  | { readonly type: "notify-reorder" };

interface Typed {
  readonly type: string;
}

/** One fault: which requests, how often, what happens. */
export interface FaultRule<Action extends Typed = FaultAction> {
  readonly action: Action;
  /** HTTP method; absent: any. */
  readonly method?: string;
  /**
   * Path with or without the API's version (`/v1.0`, `/v2`), where `*` stands for one segment and `**` for any rest; the query is not compared.
   * Absent: any path.
   */
  readonly path?: string;
  /** Number of the page that is asked for, from 1. */
  readonly page?: number;
  /** Lets this many matching requests pass first. */
  readonly skip?: number;
  /** How many requests it strikes; absent: every one until it is cleared. */
  readonly times?: number;
}

/** A list of faults; the first matching rule of each type of action strikes. */
export type FaultPlan = readonly FaultRule[];

/** The request as faults see it. */
export interface FaultTarget {
  readonly method: string;
  readonly path: string;
  readonly page: number;
}

interface ActiveRule<Action extends Typed> {
  readonly rule: FaultRule<Action>;
  readonly pattern: RegExp | null;
  seen: number;
  struck: number;
}

/** The faults in force. Counts what they struck, so that a test can tell that its fault happened. */
export class FaultSet<Action extends Typed = FaultAction> {
  #active: ActiveRule<Action>[] = [];

  constructor(plan: readonly FaultRule<Action>[] = []) {
    this.set(plan);
  }

  /** Replaces all faults. */
  set(plan: readonly FaultRule<Action>[]): void {
    this.#active = [];
    for (const rule of plan) this.add(rule);
  }

  add(rule: FaultRule<Action>): void {
    const pattern = rule.path === undefined ? null : patternOf(rule.path);
    this.#active.push({ rule, pattern, seen: 0, struck: 0 });
  }

  clear(): void {
    this.#active = [];
  }

  /** Every fault with the number of requests that it struck. */
  list(): readonly (FaultRule<Action> & { readonly struck: number })[] {
    return this.#active.map(({ rule, struck }) => ({ ...rule, struck }));
  }

  /** Actions for one request, counted as struck. */
  take(target: FaultTarget): readonly Action[] {
    const actions: Action[] = [];
    for (const active of this.#active) {
      const { rule } = active;
      if (rule.action.type.startsWith("notify-") !== (target.method === "NOTIFY")) continue;
      if (!matches(active, target) || actions.some(({ type }) => type === rule.action.type)) continue;
      active.seen++;
      if (active.seen <= (rule.skip ?? 0) || active.struck >= (rule.times ?? Number.POSITIVE_INFINITY)) continue;
      active.struck++;
      actions.push(rule.action);
    }
    return actions;
  }
}

function matches({ rule, pattern }: ActiveRule<Typed>, target: FaultTarget): boolean {
  if (rule.method !== undefined && target.method !== "NOTIFY" && rule.method.toUpperCase() !== target.method)
    return false;
  if (rule.page !== undefined && rule.page !== target.page) return false;
  return pattern === null || pattern.test(target.path) || pattern.test(target.path.replace(/^\/v(1\.0|2)(?=\/)/, ""));
}

function patternOf(path: string): RegExp {
  const escaped = path
    .split(/(\*\*|\*)/)
    .map((part) => (part === "**" ? ".*" : part === "*" ? "[^/]*" : part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&")))
    .join("");
  return new RegExp(`^${escaped}/?$`, "i");
}
