import { ConnectorError } from "@entrain/core";
import { type GraphClient, GraphRefusal, type GraphRequest } from "./client.ts";
import { HASTY } from "./sender.ts";

/** What changes are told of. */
export type Watched = "users" | "groups";

/** A subscription as Graph keeps it. `expiresAt` in milliseconds since 1970, UTC. */
export interface Subscription {
  readonly id: string;
  readonly expiresAt: number;
}

/** A subscription of the application that there is already, whoever made it. */
export interface ListedSubscription {
  readonly id: string;
  readonly watched: Watched;
  readonly notificationUrl: string;
}

/** Where Graph posts what it has to tell; `clientState` comes back with everything that it posts. */
export interface SubscriptionTerms {
  readonly notificationUrl: string;
  readonly lifecycleUrl: string;
  readonly clientState: string;
  readonly expiresAt: number;
}

/** Subscriptions to changes of people and groups ("Set up notifications for changes in resource data"). */
export interface Subscriptions {
  /** Those of the application in this tenant to changes of all people or all groups; at most a thousand. */
  list(signal: AbortSignal): Promise<readonly ListedSubscription[]>;
  /**
   * Graph calls the notification address before it answers, to see that it is ours. Sent once: after a lost answer the
   * subscription may be there. @throws ConnectorError with status 409 where the application has one to these changes already
   */
  create(watched: Watched, terms: SubscriptionTerms, signal: AbortSignal): Promise<Subscription>;
  /** `null` when the subscription is no longer there. */
  renew(id: string, expiresAt: number, signal: AbortSignal): Promise<Subscription | null>;
  /** Answers a `reauthorizationRequired` event. False when the subscription is no longer there. */
  reauthorize(id: string, signal: AbortSignal): Promise<boolean>;
  /** Removes a subscription, or does nothing when there is none. */
  remove(id: string, signal: AbortSignal): Promise<void>;
}

/** "subscription resource type": the longest life of subscriptions to users and groups, 41,760 minutes. */
export const LONGEST_LIFE_MS: number = 41_760 * 60_000;

const PERMISSIONS: Readonly<Record<Watched, string>> = { users: "User.Read.All", groups: "Group.Read.All" };
/** Creation and soft deletion are told as updates. */
const CHANGES = "updated,deleted";
/** Ten times the quota of an application in a tenant, where a page holds one hundred. */
const LIST_PAGES = 10;

export function subscriptionsOf(client: () => GraphClient): Subscriptions {
  const ask = (permission: string): GraphRequest => ({ permission, patience: HASTY });
  const anyKind = ask("User.Read.All");
  return {
    list: async (signal) => {
      const listed: ListedSubscription[] = [];
      let target: string | null = "/subscriptions";
      for (let pages = 0; target !== null && pages < LIST_PAGES; pages++) {
        const page = await client().page(target, anyKind, signal);
        for (const entity of page.entities) {
          const { id, resource, notificationUrl } = entity;
          const watched = watchedIn(resource);
          if (watched !== null && typeof notificationUrl === "string") listed.push({ id, watched, notificationUrl });
        }
        target = page.nextLink;
      }
      return listed;
    },
    create: async (watched, terms, signal) => {
      const body = {
        changeType: CHANGES,
        resource: watched,
        notificationUrl: terms.notificationUrl,
        lifecycleNotificationUrl: terms.lifecycleUrl,
        clientState: terms.clientState,
        expirationDateTime: new Date(terms.expiresAt).toISOString(),
      };
      const request: GraphRequest = { ...ask(PERMISSIONS[watched]), body, repeatable: false };
      const answer = await client().request("/subscriptions", request, signal);
      return subscriptionIn(answer.body);
    },
    renew: async (id, expiresAt, signal) => {
      const body = { expirationDateTime: new Date(expiresAt).toISOString() };
      const request: GraphRequest = { ...anyKind, method: "PATCH", body };
      const answer = await unlessGone(() => client().request(at(id), request, signal));
      return answer === null ? null : subscriptionIn(answer.body);
    },
    reauthorize: async (id, signal) => {
      const request: GraphRequest = { ...anyKind, method: "POST" };
      return (
        (await unlessGone(async () => {
          await client().send(`${at(id)}/reauthorize`, request, signal);
          return true;
        })) ?? false
      );
    },
    remove: async (id, signal) => {
      await unlessGone(() => client().send(at(id), { ...anyKind, method: "DELETE" }, signal));
    },
  };
}

/** As it was asked for, or as Graph may spell it. */
function watchedIn(resource: unknown): Watched | null {
  const name = typeof resource === "string" ? resource.trim().replaceAll("/", "").toLowerCase() : "";
  return name === "users" || name === "groups" ? name : null;
}

function at(id: string): string {
  return `/subscriptions/${encodeURIComponent(id)}`;
}

async function unlessGone<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof GraphRefusal && error.status === 404) return null;
    throw error;
  }
}

function subscriptionIn(body: unknown): Subscription {
  const { id, expirationDateTime } = (body ?? {}) as Readonly<Record<string, unknown>>;
  const expiresAt = typeof expirationDateTime === "string" ? Date.parse(expirationDateTime) : Number.NaN;
  if (typeof id === "string" && id !== "" && !Number.isNaN(expiresAt)) return { id, expiresAt };
  const message = "Graph answered a subscription without its id or end.";
  throw new ConnectorError("answer_invalid", message, { stops: "connection", retry: "later" });
}
