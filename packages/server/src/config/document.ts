import type { AcceptedPermission, FeatureName } from "@entrain/connectors/entra";
import type { Attributes, Protect, SyncDefinition } from "@entrain/core";
import type { ChannelOf } from "./channel-of.ts";
import type { CredentialOf } from "./credential-of.ts";

/** Where a secret stands. `sealed`: in the store, encrypted; it is never written into a document, only kept. */
export type SecretEntry = { readonly env: string } | { readonly file: string } | { readonly sealed: true };

export type CredentialEntry = CredentialOf<SecretEntry>;

/** The clouds that need no addresses. */
export const CLOUD_NAMES = ["global", "usgov", "usgov-dod", "china"] as const;

/** Microsoft's cloud, or the base addresses of what stands in for one. */
export type CloudEntry =
  | { readonly kind: (typeof CLOUD_NAMES)[number] }
  | { readonly kind: "custom"; readonly login: string; readonly graph: string };

export interface ConnectionEntry {
  readonly labels: readonly string[];
  readonly cloud: CloudEntry;
  readonly tenant: string;
  readonly client: string;
  /** User attributes to read beside the default ones. */
  readonly attributes: readonly string[];
  /** What it is used for beside people and groups: decides which permissions are missed. */
  readonly features?: readonly FeatureName[];
  /** Permissions that are not needed, but wanted. */
  readonly accept?: readonly AcceptedPermission[];
  /** How often everything is read again; a week unless given. */
  readonly reconcileMs?: number;
  /** Records from which no sync of it takes anything away. */
  readonly protect?: Protect;
  /** Tried in this order. */
  readonly credential: readonly CredentialEntry[];
}

export interface TargetEntry {
  readonly type: string;
  readonly settings: Attributes;
  /** By field, as the target's type names them. */
  readonly credential: { readonly [field: string]: SecretEntry };
}

/** Where alerts go. */
export type ChannelEntry = ChannelOf<SecretEntry>;

/** A sync with the aliases of what it connects. */
export interface SyncEntry extends SyncDefinition {
  readonly connection: string;
  readonly target: string;
}

/** One configuration, by alias. A section that is null was not part of the document: it says nothing of its entries. */
export interface ConfigurationDocument {
  readonly connections: ReadonlyMap<string, ConnectionEntry> | null;
  readonly targets: ReadonlyMap<string, TargetEntry> | null;
  readonly syncs: ReadonlyMap<string, SyncEntry> | null;
  readonly channels: ReadonlyMap<string, ChannelEntry> | null;
}

/** A configuration in which every section is known. */
export interface CompleteConfiguration {
  readonly connections: ReadonlyMap<string, ConnectionEntry>;
  readonly targets: ReadonlyMap<string, TargetEntry>;
  readonly syncs: ReadonlyMap<string, SyncEntry>;
  readonly channels: ReadonlyMap<string, ChannelEntry>;
}

export const SECTIONS = ["connections", "targets", "syncs", "channels"] as const;
export type Section = (typeof SECTIONS)[number];

/** What an entry of a section is called. */
export const ENTRY_WORDS: { readonly [S in Section]: string } = {
  connections: "connection",
  targets: "target",
  syncs: "sync",
  channels: "channel",
};

/** A place in a document: keys of maps and positions in lists. */
export type Path = readonly (string | number)[];

/** What is wrong, and where. */
export interface Flaw {
  readonly path: Path;
  readonly detail: string;
}

/** `syncs.contoso-desk.scope.filters[0][1].operator`; a key that would not read well is quoted. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    const name = /^[\w-]+$/.test(part) ? part : JSON.stringify(part);
    return text === "" ? name : `${text}.${name}`;
  }, "");
}
