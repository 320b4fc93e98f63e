import type { Transaction } from "kysely";
import type { DB } from "../store/schema.ts";
import type { Keyring, Secret } from "../store/secrets.ts";
import type { Store } from "../store/store.ts";
import type { CurrentConfiguration } from "./current.ts";
import type { ConfigurationDocument } from "./document.ts";
import type { TargetTypes } from "./targets.ts";

/** A change of the configuration. */
export interface ConfigurationChange {
  readonly store: Store;
  readonly keyring: Keyring;
  readonly types: TargetTypes;
  readonly document: ConfigurationDocument;
  /** The configuration that the document was read against. */
  readonly current: CurrentConfiguration;
  /** Entries that the document's sections do not hold are removed. Without it nothing is. */
  readonly prune: boolean;
  /** Syncs are removed although nobody knows what became of their last writes. Default: they are not. */
  readonly force?: boolean;
  readonly demo: boolean;
  readonly actor: { readonly kind: string; readonly id: string };
  /** Secrets that were given directly, by their place in the document: `connections/contoso/secret`. */
  readonly secrets?: ReadonlyMap<string, Secret>;
}

/** One entry's change, inside the transaction of all of them. */
export interface Saving extends ConfigurationChange {
  readonly tx: Transaction<DB>;
  readonly revision: number;
  readonly now: number;
}
