/** What a directory subscription watches ("Set up notifications for changes", paths of user and group). */
export interface Watched {
  readonly kind: "user" | "group";
  /** One object, or null for all of its kind. */
  readonly id: string | null;
  /** A relationship of one group in place of the group itself. */
  readonly relation: "members" | "owners" | null;
}

export type ChangeType = "updated" | "deleted";

/** One subscription of an app. Times are milliseconds UTC. */
export interface Subscription {
  readonly id: string;
  /** As it was sent. */
  readonly resource: string;
  readonly watched: Watched;
  readonly changeType: string;
  readonly changeTypes: ReadonlySet<ChangeType>;
  readonly notificationUrl: string;
  readonly lifecycleNotificationUrl: string | null;
  readonly clientState: string | null;
  readonly applicationId: string;
  readonly creatorId: string;
  readonly latestSupportedTlsVersion: string;
  readonly expiresAt: number;
  /** Told already that it ends soon. */
  readonly challenged: boolean;
  /** The app lost the permission to read the resource: nothing is sent until it is reauthorized. */
  readonly withheld: boolean;
}

/** Quotas of "Set up notifications for changes", Microsoft Entra resources; over them creation is refused with 403. */
export const QUOTAS = { appAndTenant: 100, tenant: 1000 } as const;

/** The subscriptions of a tenant. An expired one is gone. */
export class Subscriptions {
  readonly #byId = new Map<string, Subscription>();
  readonly #clock: () => number;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** All that have not expired, or those of one app. */
  list(app?: string): readonly Subscription[] {
    this.#expire();
    return [...this.#byId.values()].filter(({ applicationId }) => app === undefined || applicationId === app);
  }

  get(id: string): Subscription | undefined {
    this.#expire();
    return this.#byId.get(id.toLowerCase());
  }

  /** Adds a subscription, or puts a changed one in place of the old. */
  put(subscription: Subscription): void {
    this.#byId.set(subscription.id, subscription);
  }

  remove(id: string): void {
    this.#byId.delete(id.toLowerCase());
  }

  #expire(): void {
    const now = this.#clock();
    for (const { id, expiresAt } of this.#byId.values()) if (expiresAt <= now) this.#byId.delete(id);
  }
}

/** Reads `/users`, `groups('id')`, `/groups/{id}/members` and the like; null for what is not a directory resource here. */
export function watchedBy(resource: string): Watched | null {
  const match =
    /^\/?(users|groups)(?:\/([^/()?]+)|\('([^']+)'\))?(?:\/(members|owners))?\/?$/i.exec(resource.trim()) ?? null;
  if (match === null) return null;
  const kind = match[1]?.toLowerCase() === "users" ? "user" : "group";
  const id = match[2] ?? match[3] ?? null;
  const relation = (match[4]?.toLowerCase() ?? null) as Watched["relation"];
  if (relation !== null && (kind === "user" || id === null)) return null;
  return { kind, id, relation };
}
