import { ConnectorError, type SyncDefinition } from "@entrain/core";
import type { Transaction } from "kysely";
import { newId } from "../clock.ts";
import { forgetGrant } from "../store/grants.ts";
import type { DB } from "../store/schema.ts";
import type { SecretReference } from "../store/secrets.ts";
import type { Saving } from "./change.ts";
import { channelSecret } from "./channel-of.ts";
import { mapSecrets } from "./credential.ts";
import {
  connectionCredentials,
  credentialField,
  type StoredCredential,
  secretPlace,
  targetSecrets,
} from "./current.ts";
import type { ChannelEntry, CloudEntry, ConnectionEntry, SecretEntry, SyncEntry, TargetEntry } from "./document.ts";

const ORGANISATION = "default";

/** What makes a cloud the same cloud: its name or, for one with its own addresses, its Graph's origin. */
export function cloudKey(cloud: CloudEntry): string {
  return cloud.kind === "custom" ? new URL(cloud.graph).origin : cloud.kind;
}

/** Writes a connection and answers its id. */
export async function saveConnection(saving: Saving, name: string, entry: ConnectionEntry): Promise<string> {
  const { tx, current, revision, now, store } = saving;
  const row = current.rows.connections.get(name);
  const id = row?.id ?? newId(store.clock, "connection");
  const credentials = storedCredentials(saving, entry, row, { section: "connections", name, id });
  const values = {
    cloud: JSON.stringify(entry.cloud),
    cloud_key: cloudKey(entry.cloud),
    tenant: entry.tenant,
    client: entry.client,
    labels: JSON.stringify(entry.labels),
    attributes: JSON.stringify(entry.attributes),
    uses: usesOf(entry),
    credential: JSON.stringify(credentials.length === 1 ? credentials[0] : credentials),
    revision,
  };
  if (row !== undefined) {
    // What an administrator agreed to is for one application at one address; its token is never sent elsewhere, nor kept for nothing.
    const isFor = credentials.some(({ kind }) => kind === "delegated");
    if (!isFor || row.client !== values.client || row.cloud !== values.cloud) await forgetGrant(tx, id);
    await tx.updateTable("connections").set(values).where("id", "=", id).execute();
    return id;
  }
  const fresh = { id, organisation: ORGANISATION, name, sequence: 0, created_at: now };
  await tx
    .insertInto("connections")
    .values({ ...fresh, ...values })
    .execute();
  return id;
}

function usesOf({ features, accept, reconcileMs, protect }: ConnectionEntry): string | null {
  const uses = { features, accept, reconcileMs, protect };
  return Object.values(uses).every((one) => one === undefined) ? null : JSON.stringify(uses);
}

/** Writes a target and answers its id. */
export async function saveTarget(saving: Saving, name: string, entry: TargetEntry): Promise<string> {
  const { tx, current, revision, now, store } = saving;
  const row = current.rows.targets.get(name);
  const id = row?.id ?? newId(store.clock, "target");
  const stored = row === undefined ? {} : targetSecrets(row);
  const secrets = Object.entries(entry.credential).map(([field, secret]) => {
    const place = { section: "targets", name, id, field } as const;
    return [field, storedSecret(saving, secret, stored[field], place)] as const;
  });
  const values = {
    settings: JSON.stringify(entry.settings),
    credential: JSON.stringify(Object.fromEntries(secrets)),
    revision,
  };
  if (row !== undefined) {
    await tx.updateTable("targets").set(values).where("id", "=", id).execute();
    return id;
  }
  const fresh = { id, organisation: ORGANISATION, name, type: entry.type, sequence: 0, created_at: now };
  await tx
    .insertInto("targets")
    .values({ ...fresh, ...values })
    .execute();
  return id;
}

/** Writes a sync and answers its id. Its next run evaluates every record again, under the new revision. */
export async function saveSync(saving: Saving, name: string, entry: SyncEntry): Promise<string> {
  const { tx, current, revision, now, store } = saving;
  const row = current.rows.syncs.get(name);
  const id = row?.id ?? newId(store.clock, "sync");
  const { connection, target, ...definition } = entry;
  const values = { records: entry.records, definition: JSON.stringify(definition), revision };
  if (row !== undefined) {
    const { schedule } = JSON.parse(row.definition) as SyncDefinition;
    // A cron pattern counts from when it was set: what it would have meant before was not missed.
    const news = JSON.stringify(schedule) === JSON.stringify(entry.schedule) ? {} : { scheduled_at: now };
    await tx
      .updateTable("syncs")
      .set({ ...values, ...news })
      .where("id", "=", id)
      .execute();
    return id;
  }
  const [connectionId, targetId] = [await idNow(tx, "connections", connection), await idNow(tx, "targets", target)];
  const fresh = { organisation: ORGANISATION, name, connection: connectionId, target: targetId, created_at: now };
  const unread = { cursor: 0, link_cursor: 0, evaluated_revision: 0, first_run_at: null };
  await tx
    .insertInto("syncs")
    .values({ id, ...fresh, ...unread, ...values })
    .execute();
  return id;
}

/** Writes a channel and answers its id. One that its receiver had ended begins anew. */
export async function saveChannel(saving: Saving, name: string, entry: ChannelEntry): Promise<string> {
  const { tx, current, revision, now, store } = saving;
  const row = current.rows.channels.get(name);
  const id = row?.id ?? newId(store.clock, "channel");
  const stored = row === undefined ? {} : targetSecrets(row);
  const given = channelSecret(entry);
  const field = given?.field ?? "";
  const place = { section: "channels", name, id, field } as const;
  const secret = given && storedSecret(saving, given.secret, stored[field], place);
  const settings = Object.entries(entry).filter(([key]) => key !== "type" && key !== given?.field);
  const values = {
    settings: JSON.stringify(Object.fromEntries(settings)),
    credential: JSON.stringify(secret === null ? {} : { [field]: secret }),
    revision,
    disabled_at: null,
    disabled_of: null,
  };
  if (row !== undefined) {
    await tx.updateTable("channels").set(values).where("id", "=", id).execute();
    return id;
  }
  const fresh = { id, organisation: ORGANISATION, name, type: entry.type, created_at: now };
  await tx
    .insertInto("channels")
    .values({ ...fresh, ...values })
    .execute();
  return id;
}

/** The id behind a name, which may have been given in this very transaction. */
async function idNow(tx: Transaction<DB>, table: "connections" | "targets", name: string): Promise<string> {
  const row = await tx
    .selectFrom(table)
    .select("id")
    .where("organisation", "=", ORGANISATION)
    .where("name", "=", name)
    .executeTakeFirstOrThrow();
  return row.id;
}

interface SecretAt {
  readonly section: "connections" | "targets" | "channels";
  readonly name: string;
  readonly id: string;
  readonly field: string;
  /** The field as whoever gives a secret names it; default: the same. */
  readonly given?: string;
}

/** The credentials to keep. A sealed secret stays with its credential: that of another kind or id is another secret. */
function storedCredentials(
  saving: Saving,
  entry: ConnectionEntry,
  row: Parameters<typeof connectionCredentials>[0] | undefined,
  at: Omit<SecretAt, "field">,
): readonly StoredCredential[] {
  const stored = new Map<string, SecretReference>();
  for (const credential of row === undefined ? [] : connectionCredentials(row)) {
    mapSecrets(credential, (secret, field) => stored.set(`${credential.kind} ${credential.id} ${field}`, secret));
  }
  const taken = new Set(entry.credential.map((one) => one.id));
  return entry.credential.map((credential, position) => {
    // The first ones of a connection are numbered; a later one must never open what one before it was sealed for.
    const first = row === undefined && !taken.has(String(position)) ? String(position) : null;
    const id = credential.id ?? first ?? newId(saving.store.clock, "credential");
    return mapSecrets({ ...credential, id }, (secret, name) => {
      const given = credentialField(String(position), name);
      const known = stored.get(`${credential.kind} ${id} ${name}`);
      return storedSecret(saving, secret, known, { ...at, field: credentialField(id, name), given });
    });
  });
}

/** The reference to keep: a secret that was given is sealed here, a sealed one stays what it is. */
function storedSecret(
  { keyring, secrets }: Saving,
  entry: SecretEntry,
  stored: SecretReference | undefined,
  { section, name, id, field, given: as = field }: SecretAt,
): SecretReference {
  if (!("sealed" in entry)) return entry;
  const given = secrets?.get(`${section}/${name}/${as}`);
  if (given !== undefined) return keyring.seal(given, secretPlace(section, id, field));
  if (stored !== undefined && "sealed" in stored) return stored;
  const place = `${section}.${name}.${section === "channels" ? "" : "credential."}${as}`;
  const message = `${place}: this store holds no sealed secret for it; give { env: NAME } or { file: PATH } instead.`;
  throw new ConnectorError("config_invalid", message, { stops: "run", retry: "never" });
}
