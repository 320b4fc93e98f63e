import { type Attributes, ConnectorError, matchKey } from "@entrain/core";
import {
  findThen,
  groupsThen,
  membersThen,
  type RecordThen,
  recordsThen,
  rememberedSince,
  sequenceAt,
} from "../store/directory-then.ts";
import { lastSequence } from "../store/sequences.ts";
import type { Store } from "../store/store.ts";
import type { ConnectionRow } from "./context.ts";
import { nameIn } from "./names.ts";
import { sensitiveSourcesOf, withoutSensitiveSources } from "./sensitive.ts";

/** A group of the directory, as it is now or as it was at the moment that is asked for. */
export interface GroupView {
  readonly id: string;
  readonly displayName: string | null;
  readonly connection: string;
  readonly removed: string | null;
}

/** A member of a group at a moment. */
export interface MemberView {
  readonly id: string;
  /** As it was called then; `null` for a member that the directory did not hold. */
  readonly displayName: string | null;
  readonly userPrincipalName: string | null;
  readonly type: string;
  /** The group inside the group through which it was a member; `null` for a direct one. */
  readonly through: string | null;
}

/** A person as the directory had them at a moment. */
export interface PersonThen {
  readonly id: string;
  readonly connection: string;
  readonly attributes: Attributes;
  readonly manager: { readonly id: string; readonly displayName: string | null } | null;
  readonly removed: string | null;
  readonly groups: readonly { readonly id: string; readonly displayName: string | null }[];
}

const PAGE = 1000;
/** A group with all that is nested in it is held at once. */
const MEMBERS_MOST = 200_000;

/**
 * The change number that stands for a moment of a connection's directory; without a moment, the present.
 * @throws ConnectorError `not_found` for a moment before the directory is remembered
 */
export async function momentIn(store: Store, connection: ConnectionRow, at: number | null): Promise<number> {
  if (at === null) return await lastSequence(store.db, connection.id);
  const sequence = await sequenceAt(store.db, connection.id, at);
  if (sequence !== null) return sequence;
  const since = await rememberedSince(store.db, connection.id);
  const known = since === null ? "nothing was read yet" : `it is remembered since ${new Date(since).toISOString()}`;
  const message = `What the directory of ${connection.name} held then is not known: ${known}.`;
  throw new ConnectorError("not_found", message, { stops: "run", retry: "never" });
}

/**
 * Groups by object id or by their whole name, however it is written; those of one connection, or of all. With a moment also by
 * the name that they had then, and as they were then; those that are gone only where no other is meant.
 * @throws ConnectorError `not_found` for a moment before the directory is remembered
 */
export async function findGroups(
  store: Store,
  of: { readonly group: string; readonly connection: string | null; readonly at?: number | null },
): Promise<readonly GroupView[]> {
  const { at = null } = of;
  const found = at === null ? await groupsNow(store, of) : await groupsCalled(store, { ...of, at });
  const living = found.filter(({ removed }) => removed === null);
  return living.length > 0 ? living : found;
}

async function groupsCalled(
  store: Store,
  of: { readonly group: string; readonly connection: string | null; readonly at: number },
): Promise<readonly GroupView[]> {
  const wanted = matchKey(of.group, {});
  const fits = (attributes: string): boolean => wanted !== null && matchKey(nameIn(attributes), {}) === wanted;
  const found = await findAt(store, { ...of, kind: "group", idOrName: of.group }, fits);
  return found.map(({ connection, record: { id, attributes, removed } }) => {
    return { id, displayName: nameIn(attributes), connection: connection.name, removed };
  });
}

/** What stood at a moment and is meant by its id, or by what it holds then or now. */
async function findAt(
  store: Store,
  of: { readonly kind: string; readonly idOrName: string; readonly connection: string | null; readonly at: number },
  fits: (attributes: string) => boolean,
): Promise<readonly { readonly connection: ConnectionRow; readonly record: RecordThen }[]> {
  const all = await store.db.selectFrom("connections").selectAll().orderBy("name").execute();
  const found: { readonly connection: ConnectionRow; readonly record: RecordThen }[] = [];
  let unknown: ConnectionRow | null = null;
  for (const connection of all.filter(({ id }) => of.connection === null || id === of.connection)) {
    const sequence = await sequenceAt(store.db, connection.id, of.at);
    if (sequence === null) unknown ??= connection;
    if (sequence === null) continue;
    const at = { connection: connection.id, sequence, kind: of.kind };
    const known = (await recordsThen(store.db, at, [of.idOrName])).get(of.idOrName);
    const isMeant = known !== undefined && (of.kind !== "group" || known.kind === "group");
    const records = isMeant ? [known] : await findThen(store.db, at, fits);
    found.push(...records.map((record) => ({ connection, record })));
  }
  // Of a tenant that was connected later nobody can say whom it held: that is no answer, where nothing else is one.
  if (found.length === 0 && unknown !== null) await momentIn(store, unknown, of.at);
  return found;
}

async function groupsNow(
  store: Store,
  of: { readonly group: string; readonly connection: string | null },
): Promise<readonly GroupView[]> {
  const wanted = matchKey(of.group, {});
  const found: GroupView[] = [];
  for (let after = { connection: "", id: "" }; ; ) {
    const rows = await store.db
      .selectFrom("records")
      .innerJoin("connections", "connections.id", "records.connection")
      .select(["records.connection", "records.id", "records.attributes", "records.removed", "connections.name"])
      .where("records.kind", "=", "group")
      .$if(of.connection !== null, (query) => query.where("records.connection", "=", of.connection ?? ""))
      .where((eb) => eb(eb.refTuple("records.connection", "records.id"), ">", eb.tuple(after.connection, after.id)))
      .orderBy("records.connection")
      .orderBy("records.id")
      .limit(PAGE)
      .execute();
    const last = rows.at(-1);
    if (last === undefined) return found;
    after = { connection: last.connection, id: last.id };
    for (const { id, name, attributes, removed } of rows) {
      const displayName = nameIn(attributes);
      if (id === of.group || (wanted !== null && matchKey(displayName, {}) === wanted)) {
        found.push({ id, displayName, connection: name, removed });
      }
    }
  }
}

/**
 * Who was in a group at a change number, direct members first; with `transitive` also those of the groups inside it, each
 * once. In the order of object ids within each group.
 */
export async function membersAt(
  store: Store,
  of: { readonly connection: string; readonly sequence: number; readonly group: string; readonly transitive: boolean },
): Promise<readonly MemberView[]> {
  const found = new Map<string, MemberView>();
  const groups = new Set([of.group]);
  // What is added while the set is walked is walked, too.
  for (const group of groups) {
    const through = group === of.group ? null : group;
    for await (const page of memberPages(store, { ...of, group })) {
      const records = await recordsThen(
        store.db,
        of,
        page.map(({ id }) => id),
      );
      for (const { id, type } of page) {
        if (!found.has(id)) found.set(id, memberOf(id, type, records.get(id), through));
        if (of.transitive && (type === "group" || records.get(id)?.kind === "group")) groups.add(id);
      }
      if (found.size > MEMBERS_MOST) return [...found.values()].slice(0, MEMBERS_MOST);
    }
  }
  return [...found.values()];
}

async function* memberPages(store: Store, of: Parameters<typeof membersThen>[1]) {
  for (let after = ""; ; ) {
    const page = await membersThen(store.db, of, { after, limit: PAGE });
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.id;
    yield page;
  }
}

function memberOf(id: string, type: string, record: RecordThen | undefined, through: string | null): MemberView {
  const { userPrincipalName } = record === undefined ? {} : (JSON.parse(record.attributes) as Attributes);
  return {
    id,
    displayName: record === undefined ? null : nameIn(record.attributes),
    userPrincipalName: typeof userPrincipalName === "string" ? userPrincipalName : null,
    type: record?.kind ?? type,
    through,
  };
}

/** A person as the directory had them at a change number, with their groups; `null` when it did not hold them. */
export async function personAt(
  store: Store,
  connection: ConnectionRow,
  of: { readonly id: string; readonly sequence: number },
): Promise<PersonThen | null> {
  const at = { connection: connection.id, sequence: of.sequence };
  const record = (await recordsThen(store.db, at, [of.id])).get(of.id);
  if (record === undefined) return null;
  const groups = await groupsThen(store.db, { ...at, member: of.id });
  const around = await recordsThen(store.db, at, [...groups, ...(record.manager === null ? [] : [record.manager])]);
  const named = (id: string) => {
    const row = around.get(id);
    return { id, displayName: row === undefined ? null : nameIn(row.attributes) };
  };
  const sources = await sensitiveSourcesOf(store, connection.id);
  return {
    id: of.id,
    connection: connection.name,
    attributes: withoutSensitiveSources(JSON.parse(record.attributes) as Attributes, sources),
    manager: record.manager === null ? null : named(record.manager),
    removed: record.removed,
    groups: groups.map(named),
  };
}

/**
 * Everybody of the directory with this object id, or with this whole sign-in name, at a moment or now; with their connections.
 * @throws ConnectorError `not_found` for a moment before the directory is remembered; `usage` where several are meant
 */
export async function findPeopleAt(
  store: Store,
  of: { readonly idOrName: string; readonly at: number },
): Promise<readonly { readonly connection: ConnectionRow; readonly objectId: string }[]> {
  const wanted = matchKey(of.idOrName, {});
  const fits = (attributes: string): boolean => {
    const { userPrincipalName } = JSON.parse(attributes) as Attributes;
    return wanted !== null && matchKey(userPrincipalName, {}) === wanted;
  };
  const all = await findAt(store, { ...of, kind: "user", connection: null }, fits);
  const living = all.filter(({ record }) => record.removed === null);
  const found = (living.length > 0 ? living : all).map(({ connection, record }) => ({
    connection,
    objectId: record.id,
  }));
  for (const { connection } of found) {
    const same = found.filter((one) => one.connection.id === connection.id);
    if (same.length < 2) continue;
    const ids = same.map(({ objectId }) => objectId).join(", ");
    const message = `Several people of ${connection.name} have or had the sign-in name "${of.idOrName}": ${ids}. Give the object id.`;
    throw new ConnectorError("usage", message, { stops: "run", retry: "never" });
  }
  return found;
}
