import { FaultSet } from "../faults/rules.ts";
import { Notifier } from "../notifications/notifier.ts";
import { Subscriptions } from "../notifications/subscription.ts";
import type { Directory } from "../state/directory.ts";
import { ExtensionProperties } from "../tenancy/extension-properties.ts";
import { Licences } from "../tenancy/licences.ts";
import { Photos } from "../tenancy/photos.ts";
import { Records } from "../tenancy/records.ts";
import { Reviews } from "../tenancy/reviews.ts";
import { Reached } from "./reached.ts";

/** What the tenant holds beside its directory objects. */
export interface Stores {
  readonly licences: Licences;
  readonly photos: Photos;
  readonly extensions: ExtensionProperties;
  /** Conditional access policies. */
  readonly policies: Records;
  readonly reviews: Reviews;
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
  return {
    reached: new Reached(),
    notifications: { subscriptions, notifier },
    licences: new Licences(),
    photos: new Photos(),
    extensions: extensionsIn(directory),
    policies: new Records(),
    reviews: new Reviews(directory),
  };
}

/** The directory extensions whose values the loaded tenant holds, as if their applications had declared them. */
function extensionsIn(directory: Directory): ExtensionProperties {
  const extensions = new ExtensionProperties();
  for (const kind of ["user", "group"] as const) {
    for (const { properties } of directory.list(kind)) {
      for (const name of Object.keys(properties)) {
        if (!name.startsWith("extension_") || extensions.get(name) !== undefined) continue;
        const value = properties[name];
        extensions.declare({
          appId: appIdIn(name),
          appDisplayName: "",
          name,
          dataType: typeof value === "boolean" ? "Boolean" : typeof value === "number" ? "Integer" : "String",
          isMultiValued: Array.isArray(value),
          isSyncedFromOnPremises: false,
          targetObjects: ["User", "Group"],
        });
      }
    }
  }
  return extensions;
}

function appIdIn(name: string): string {
  const hex = name.split("_")[1] ?? "";
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5").toLowerCase();
}
