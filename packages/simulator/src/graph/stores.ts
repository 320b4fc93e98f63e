import { FaultSet } from "../faults/rules.ts";
import { Notifier } from "../notifications/notifier.ts";
import { Subscriptions } from "../notifications/subscription.ts";
import type { Directory } from "../state/directory.ts";
import { Reached } from "./reached.ts";

/** What the tenant holds beside its directory objects. */
export interface Stores {
  readonly reached: Reached;
  readonly notifications: { readonly subscriptions: Subscriptions; readonly notifier: Notifier };
}

/** What the stores are made of. */
export interface StoresOptions {
  readonly directory: Directory;
  readonly tenant: { readonly id: string };
  readonly clock: () => number;
  readonly faults?: FaultSet;
}

/** Empty stores of a tenant. Notifications follow every write of the directory from here on. */
export function createStores({ directory, tenant, clock, faults = new FaultSet() }: StoresOptions): Stores {
  const subscriptions = new Subscriptions(clock);
  const notifier = new Notifier({ subscriptions, tenant: tenant.id, faults, clock });
  directory.observe(notifier.note);
  return { reached: new Reached(), notifications: { subscriptions, notifier } };
}
