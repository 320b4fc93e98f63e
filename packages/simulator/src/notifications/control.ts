import { permits } from "../permissions.ts";
import type { Delivery, Notifier } from "./notifier.ts";
import type { Subscription, Subscriptions } from "./subscription.ts";

/** What tests see of change notifications, and the levers on them. */
export interface NotificationControl {
  subscriptions(): readonly Pick<Subscription, "id" | "resource" | "notificationUrl" | "expiresAt" | "withheld">[];
  /** The last attempts to reach subscribers, oldest first. */
  deliveries(): readonly Delivery[];
  /** How many notifications wait for their time or a retry. */
  waiting(): number;
  /** Forgets the attempts so far. */
  forget(): void;
  /** Sends the reauthorization challenge for every subscription that has a lifecycle address. */
  challenge(): void;
  /** Resolves when everything that is due has been sent and answered. */
  idle(): Promise<void>;
}

export function notificationControl(subscriptions: Subscriptions, notifier: Notifier): NotificationControl {
  return {
    subscriptions: () =>
      subscriptions.list().map(({ id, resource, notificationUrl, expiresAt, withheld }) => ({
        id,
        resource,
        notificationUrl,
        expiresAt,
        withheld,
      })),
    deliveries: () => notifier.deliveries(),
    waiting: () => notifier.waiting,
    forget: () => notifier.forget(),
    challenge: () => {
      for (const subscription of subscriptions.list()) notifier.challenge(subscription);
      notifier.tick();
    },
    idle: () => notifier.idle(),
  };
}

/** Withholds what an app may no longer read, and challenges it ("Reduce missing subscriptions", revoked permissions). */
export function withholdWithout(roles: readonly string[], subscriptions: Subscriptions, notifier: Notifier): void {
  const held = new Set(roles);
  for (const subscription of subscriptions.list()) {
    const rule = subscription.watched.kind === "user" ? "subscribeUsers" : "subscribeGroups";
    if (!permits(rule, held) && !subscription.withheld) notifier.challenge(subscription, true);
  }
}
