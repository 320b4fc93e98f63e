import type { Attributes, SyncDefinition } from "@entrain/core";
import type { Selectable, Transaction } from "kysely";
import type { DB } from "../store/schema.ts";
import type { SecretReference } from "../store/secrets.ts";
import type { Store } from "../store/store.ts";
import { type ChannelOf, mapChannel } from "./channel-of.ts";
import { mapSecrets } from "./credential.ts";
import type { CredentialOf } from "./credential-of.ts";
import type {
  ChannelEntry,
  CloudEntry,
  CompleteConfiguration,
  ConnectionEntry,
  SecretEntry,
  Section,
  SyncEntry,
  TargetEntry,
} from "./document.ts";

type ConnectionRow = Selectable<DB["connections"]>;
type TargetRow = Selectable<DB["targets"]>;
type SyncRow = Selectable<DB["syncs"]>;
type ChannelRow = Selectable<DB["channels"]>;

/** The configuration that a store holds, with the rows that it stands in. */
export interface CurrentConfiguration extends CompleteConfiguration {
  /** The newest revision: whoever changes the configuration makes sure that it still is. */
  readonly revision: number;
  readonly rows: {
    readonly connections: ReadonlyMap<string, ConnectionRow>;
    readonly targets: ReadonlyMap<string, TargetRow>;
    readonly syncs: ReadonlyMap<string, SyncRow>;
    readonly channels: ReadonlyMap<string, ChannelRow>;
  };
}

/** Reads the whole configuration. It is small: tens of entries, thousands at a vendor. */
export async function loadConfiguration(store: Store): Promise<CurrentConfiguration> {
  const { db } = store;
  const revision = await newestRevision(db);
  const connections = await db.selectFrom("connections").selectAll().orderBy("name").execute();
  const targets = await db.selectFrom("targets").selectAll().orderBy("name").execute();
  const syncs = await db.selectFrom("syncs").selectAll().orderBy("name").execute();
  const channels = await db.selectFrom("channels").selectAll().orderBy("name").execute();
  const connectionNames = new Map(connections.map(({ id, name }) => [id, name]));
  const targetNames = new Map(targets.map(({ id, name }) => [id, name]));
  const syncEntry = (row: SyncRow): SyncEntry => ({
    connection: connectionNames.get(row.connection) ?? row.connection,
    target: targetNames.get(row.target) ?? row.target,
    ...(JSON.parse(row.definition) as SyncDefinition),
  });
  return {
    revision,
    rows: {
      connections: byName(connections),
      targets: byName(targets),
      syncs: byName(syncs),
      channels: byName(channels),
    },
    connections: new Map(connections.map((row) => [row.name, connectionEntry(row)])),
    targets: new Map(targets.map((row) => [row.name, targetEntry(row)])),
    syncs: new Map(syncs.map((row) => [row.name, syncEntry(row)])),
    channels: new Map(channels.map((row) => [row.name, channelEntry(row)])),
  };
}

/** The number of the newest revision; 0 before the first. */
export async function newestRevision(db: Store["db"] | Transaction<DB>): Promise<number> {
  const row = await db
    .selectFrom("revisions")
    .select((eb) => eb.fn.max("number").as("number"))
    .executeTakeFirst();
  return Number(row?.number ?? 0);
}

/** One credential of a connection as its row keeps it. */
export type StoredCredential = CredentialOf<SecretReference>;

/** The credential of a target as its row keeps it: secrets by field. */
export type StoredSecrets = { readonly [field: string]: SecretReference };

/**
 * A row keeps one credential by itself, several as a list. One without an id was stored when the place in the list was what
 * its secrets were bound to: that place is its id.
 */
export function connectionCredentials(row: Pick<ConnectionRow, "credential">): readonly StoredCredential[] {
  const kept = JSON.parse(row.credential) as StoredCredential | readonly StoredCredential[];
  const all = Array.isArray(kept) ? (kept as readonly StoredCredential[]) : [kept as StoredCredential];
  return all.map((one, at) => ({ ...one, id: one.id ?? String(at) }));
}

/** A secret's place within a connection, by its credential's id; those of the first one ever bear their field's name alone. */
export function credentialField(id: string, field: string): string {
  return id === FIRST_CREDENTIAL ? field : `${id}.${field}`;
}

const FIRST_CREDENTIAL = "0";

/** The secrets of a target or a channel, by field. */
export function targetSecrets(row: Pick<TargetRow | ChannelRow, "credential">): StoredSecrets {
  return JSON.parse(row.credential) as StoredSecrets;
}

export function connectionCloud(row: Pick<ConnectionRow, "cloud">): CloudEntry {
  return JSON.parse(row.cloud) as CloudEntry;
}

type ConnectionUses = Pick<ConnectionEntry, "features" | "accept" | "reconcileMs" | "protect">;

/**
 * What a connection is used for beside people and groups, what else its application may do, and how often everything is
 * read again.
 */
export function connectionUses(row: Pick<ConnectionRow, "uses">): ConnectionUses {
  return row.uses === null ? {} : (JSON.parse(row.uses) as ConnectionUses);
}

const WEEK_MS = 7 * 86_400_000;

/** After how many milliseconds everything is read again. */
export function reconcileEveryMs(row: Pick<ConnectionRow, "uses">): number {
  return connectionUses(row).reconcileMs ?? WEEK_MS;
}

/** What a secret is bound to: a ciphertext that was moved to another place does not open. */
export function secretPlace(section: Exclude<Section, "syncs">, id: string, field: string): string {
  return `${section}/${id}/${field}`;
}

function connectionEntry(row: ConnectionRow): ConnectionEntry {
  return {
    labels: JSON.parse(row.labels) as readonly string[],
    cloud: connectionCloud(row),
    tenant: row.tenant,
    client: row.client,
    attributes: JSON.parse(row.attributes) as readonly string[],
    ...connectionUses(row),
    credential: connectionCredentials(row).map((one) => mapSecrets(one, secretEntry)),
  };
}

function targetEntry(row: TargetRow): TargetEntry {
  const secrets = Object.entries(targetSecrets(row)).map(([field, secret]) => [field, secretEntry(secret)] as const);
  return {
    type: row.type,
    settings: JSON.parse(row.settings) as Attributes,
    credential: Object.fromEntries(secrets),
  };
}

/** A channel as its row keeps it. */
export function storedChannel(row: Pick<ChannelRow, "type" | "settings" | "credential">): ChannelOf<SecretReference> {
  const kept = { type: row.type, ...(JSON.parse(row.settings) as object), ...targetSecrets(row) };
  return kept as unknown as ChannelOf<SecretReference>;
}

function channelEntry(row: ChannelRow): ChannelEntry {
  return mapChannel(storedChannel(row), secretEntry);
}

function secretEntry(reference: SecretReference): SecretEntry {
  return "sealed" in reference ? { sealed: true } : reference;
}

function byName<T extends { readonly name: string }>(rows: readonly T[]): ReadonlyMap<string, T> {
  return new Map(rows.map((row) => [row.name, row]));
}
