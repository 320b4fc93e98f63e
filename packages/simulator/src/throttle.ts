import { GraphError } from "./graph/request.ts";

/**
 * "Microsoft Graph service-specific throttling limits", identity and access: token buckets of resource units and
 * writes. One app in one tenant, so a Tenant_Application bucket is always the tightest of its kind.
 */
interface Limit {
  readonly scope: string;
  readonly information: string;
  readonly capacity: number;
  readonly windowMs: number;
  readonly counts: "units" | "writes" | "requests";
}

/** Services behind Graph with limits of their own, apart from the directory's resource units. */
export type Service = "directory" | "reports" | "conditionalAccess";

/** "Identity and access reports" and "Identity protection and conditional access": of the latter no 429 says how long. */
const SERVICE_LIMITS: Readonly<Record<Exclude<Service, "directory">, Limit & { readonly silent: boolean }>> = {
  reports: {
    scope: "Tenant_Application/ReadWrite",
    information: "ResourceUnitLimitExceeded",
    capacity: 5,
    windowMs: 10_000,
    counts: "requests",
    silent: false,
  },
  conditionalAccess: {
    scope: "Tenant/ReadWrite",
    information: "ResourceUnitLimitExceeded",
    capacity: 1,
    windowMs: 1000,
    counts: "requests",
    silent: true,
  },
};

const LOUD_FROM = 0.8; // x-ms-throttle-limit-percentage appears from 0.8 on and ends at 1.8.
const LOUD_TO = 1.8;

/** What one request costs, and what the answer must say about it. */
export interface Charge {
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Set when the request is refused with 429. */
  readonly refusal: GraphError | null;
}

/** Identity of the caller, for `x-ms-throttle-scope`. */
export interface ThrottleIdentity {
  readonly client: string;
  readonly tenant: string;
}

interface Bucket {
  readonly limit: Limit;
  used: number;
  at: number;
}

/** The published limits as buckets that drain continuously. */
export class Throttle {
  readonly #buckets: readonly Bucket[];
  readonly #services: Readonly<Record<Exclude<Service, "directory">, Bucket>>;
  readonly #clock: () => number;
  readonly #identity: ThrottleIdentity;
  readonly #enforced: boolean;

  constructor(options: {
    readonly people: number;
    readonly enforced: boolean;
    readonly clock: () => number;
    readonly identity: ThrottleIdentity;
  }) {
    this.#clock = options.clock;
    this.#enforced = options.enforced;
    this.#identity = options.identity;
    const now = options.clock();
    const bucketOf = (limit: Limit): Bucket => ({ limit, used: 0, at: now });
    this.#buckets = limitsFor(options.people).map(bucketOf);
    this.#services = {
      reports: bucketOf(SERVICE_LIMITS.reports),
      conditionalAccess: bucketOf(SERVICE_LIMITS.conditionalAccess),
    };
  }

  /** Charges a request. Refused requests count as well, as the guidance says. */
  charge(units: number, write: boolean, service: Service = "directory"): Charge {
    if (service !== "directory") return this.#chargeService(service);
    const headers: Record<string, string> = { "x-ms-resource-unit": String(units) };
    if (!this.#enforced) return { headers, refusal: null };
    const now = this.#clock();
    let loudest = 0;
    let refused: Bucket | null = null;
    for (const bucket of this.#buckets) {
      const cost = costOf(bucket.limit, units, write);
      if (cost === 0) continue;
      drain(bucket, now);
      if (bucket.used + cost > bucket.limit.capacity) refused ??= bucket;
      bucket.used = Math.min(bucket.used + cost, bucket.limit.capacity * LOUD_TO);
      loudest = Math.max(loudest, bucket.used / bucket.limit.capacity);
    }
    if (loudest > LOUD_FROM) headers["x-ms-throttle-limit-percentage"] = loudest.toFixed(2);
    return { headers, refusal: refused === null ? null : this.#refuse(refused) };
  }

  #chargeService(service: Exclude<Service, "directory">): Charge {
    if (!this.#enforced) return { headers: {}, refusal: null };
    const bucket = this.#services[service];
    drain(bucket, this.#clock());
    const { capacity } = bucket.limit;
    const refused = bucket.used + 1 > capacity;
    // So small a limit would never open again for a client that asks every second, were refusals counted.
    if (!refused) bucket.used++;
    return { headers: {}, refusal: refused ? this.#refuse(bucket, SERVICE_LIMITS[service].silent) : null };
  }

  #refuse({ limit, used }: Bucket, silent = false): GraphError {
    const seconds = (used + 1 - limit.capacity) / (limit.capacity / limit.windowMs) / 1000;
    const { client, tenant } = this.#identity;
    return new GraphError(429, "TooManyRequests", "Please retry again later.", {
      headers: {
        // "Microsoft Graph throttling guidance" shows a wait of 2.128 seconds.
        ...(silent ? {} : { "retry-after": String(Math.max(1, Math.ceil(seconds * 1000) / 1000)) }),
        "x-ms-throttle-scope": `${limit.scope}/${client}/${tenant}`,
        "x-ms-throttle-information": limit.information,
      },
    });
  }
}

function limitsFor(people: number): readonly Limit[] {
  const units = people < 50 ? 3500 : people <= 500 ? 5000 : 8000;
  const read = { information: "ResourceUnitLimitExceeded", counts: "units" } as const;
  const write = { information: "WriteLimitExceeded", counts: "writes" } as const;
  return [
    { ...read, scope: "Tenant_Application/ReadWrite", capacity: units, windowMs: 10_000 },
    { ...read, scope: "Application/ReadWrite", capacity: 150_000, windowMs: 20_000 },
    { ...write, scope: "Tenant_Application/Write", capacity: 3000, windowMs: 150_000 },
    { ...write, scope: "Tenant/Write", capacity: 18_000, windowMs: 300_000 },
    {
      scope: "Application/ReadWrite",
      information: "CPULimitExceeded",
      counts: "requests",
      capacity: 2000,
      windowMs: 1000,
    },
  ];
}

function costOf(limit: Limit, units: number, write: boolean): number {
  if (limit.counts === "units") return units;
  if (limit.counts === "writes") return write ? 1 : 0;
  return 1;
}

function drain(bucket: Bucket, now: number): void {
  const { capacity, windowMs } = bucket.limit;
  bucket.used = Math.max(0, bucket.used - ((now - bucket.at) * capacity) / windowMs);
  bucket.at = now;
}

/** Resource units of a read: `$select` saves one, `$expand` costs one, a small `$top` saves one; never below one. */
export function unitsOf(
  base: number,
  options: { readonly select: unknown; readonly expand: unknown; readonly top: number | null },
): number {
  const units =
    base - (options.select === null ? 0 : 1) + (options.expand === null ? 0 : 1) - ((options.top ?? 100) < 20 ? 1 : 0);
  return Math.max(1, units);
}
