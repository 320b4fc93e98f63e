import type { Change } from "../state/change-log.ts";
import type { DirectoryObject } from "../state/objects.ts";
import type { ChangeType, Subscription } from "./subscription.ts";

/** One entry of the `value` array that is posted; shapes of "Receive change notifications through webhooks". */
export interface Notification {
  readonly subscriptionId: string;
  readonly [name: string]: unknown;
}

/** What happened, as far as subscriptions are concerned. */
export interface Happening {
  readonly object: DirectoryObject;
  readonly changeType: ChangeType;
  /** The other end of a changed membership. */
  readonly member: DirectoryObject | null;
}

/**
 * "subscription resource type": for users and groups `updated` tells creation, change and soft deletion, `deleted`
 * permanent deletion. A group's members count as the group's own change too.
 */
export function happeningOf(object: DirectoryObject, change: Change): Happening {
  const member = change.type === "member" ? change.member : null;
  return { object, changeType: change.type === "purged" ? "deleted" : "updated", member };
}

/** The change type under which a subscription hears of it; null when it does not. */
export function heard(subscription: Subscription, happening: Happening): ChangeType | null {
  const { watched, changeTypes } = subscription;
  const { object, member } = happening;
  if (object.kind !== watched.kind) return null;
  if (watched.id !== null && watched.id.toLowerCase() !== object.id.toLowerCase()) return null;
  if (watched.relation === "owners" || (watched.relation === "members" && member === null)) return null;
  return changeTypes.has(happening.changeType) ? happening.changeType : null;
}

/** What the tenant adds to every notification. */
export interface Sender {
  readonly tenant: string;
  /** Milliseconds UTC. */
  readonly now: number;
  /** Number of this notification, which makes its id. */
  readonly sequence: number;
  readonly id: string;
}

/** A change notification without resource data of its own: it names the object, and the client reads it. */
export function changeNotification(
  subscription: Subscription,
  { object, changeType, member }: Happening,
  sender: Sender,
): Notification {
  const path = `${object.kind === "user" ? "Users" : "Groups"}/${object.id}`;
  return {
    id: sender.id,
    ...commonOf(subscription, sender),
    changeType,
    resource: path,
    resourceData: {
      "@odata.type": `#Microsoft.Graph.${object.kind === "user" ? "User" : "Group"}`,
      "@odata.id": path,
      "@odata.etag": `W/"${Buffer.from(`${sender.sequence}`).toString("base64")}"`,
      id: object.id,
      organizationId: sender.tenant,
      sequenceNumber: sender.sequence,
      ...(member === null ? {} : { "members@delta": [{ id: member.id }] }),
    },
  };
}

/** "Reduce missing subscriptions and change notifications": the only lifecycle event of directory resources. */
export function reauthorizationRequired(subscription: Subscription, sender: Sender): Notification {
  return { ...commonOf(subscription, sender), lifecycleEvent: "reauthorizationRequired" };
}

function commonOf(subscription: Subscription, { tenant }: Sender): Notification {
  return {
    subscriptionId: subscription.id,
    subscriptionExpirationDateTime: new Date(subscription.expiresAt).toISOString(),
    tenantId: tenant,
    clientState: subscription.clientState,
  };
}
