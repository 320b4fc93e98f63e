import { type Attributes, matchKey, type SyncDefinition } from "@entrain/core";
import { loadRecords, loadWatermark } from "../store/directory.ts";
import { loadPhotos } from "../store/photos.ts";
import type { Store } from "../store/store.ts";
import type { Engine } from "./context.ts";
import { type GuestHome, homeOf } from "./guest-home.ts";
import { nameIn } from "./names.ts";
import { sensitiveSourcesOf, shownKnown, withoutSensitiveSources } from "./sensitive.ts";
import { type Standing, standingsOf } from "./standing.ts";

/** A person of the directory. */
export interface PersonView {
  readonly id: string;
  readonly displayName: string | null;
  readonly userPrincipalName: string | null;
  readonly mail: string | null;
  readonly accountEnabled: boolean | null;
  readonly connection: string;
}

const SCAN = 1000;

/** Signs that stand for an apostrophe in names: a keyboard gives one, Word and telephones another. */
const APOSTROPHES = /[\u2018\u2019\u201b\u02bc\u02bb\u00b4\u0060\u2032\uff07]/g;
const HYPHENS = /[\u2010\u2011\u2012\u2013\u2212]/g;

/** Searching is looser than matching, which joins records: whoever types cannot see which sign a name has. */
export function searchKey(text: string): string {
  return (matchKey(text, {}) ?? "").replace(APOSTROPHES, "'").replace(HYPHENS, "-");
}

/**
 * People whose name, sign-in name, mail or object id contains the text, whatever its case, accents' composition and
 * form of apostrophes and hyphens.
 * The directory is walked in the order of ids until `limit` are found.
 */
export async function findPeople(
  store: Store,
  options: { readonly text: string; readonly connection?: string; readonly limit: number },
): Promise<readonly PersonView[]> {
  const wanted = searchKey(options.text);
  const found: PersonView[] = [];
  let after = { connection: "", id: "" };
  for (;;) {
    let query = store.db
      .selectFrom("records")
      .innerJoin("connections", "connections.id", "records.connection")
      .select(["records.connection", "records.id", "records.attributes", "connections.name"])
      .where("records.kind", "=", "user")
      .where("records.removed", "is", null);
    if (options.connection !== undefined) query = query.where("records.connection", "=", options.connection);
    const rows = await query
      .where((eb) => eb(eb.refTuple("records.connection", "records.id"), ">", eb.tuple(after.connection, after.id)))
      .orderBy("records.connection")
      .orderBy("records.id")
      .limit(SCAN)
      .execute();
    for (const row of rows) {
      const person = personView(row.id, row.name, JSON.parse(row.attributes) as Attributes);
      if (fits(person, wanted)) found.push(person);
      if (found.length === options.limit) return found;
    }
    const last = rows.at(-1);
    if (!last || rows.length < SCAN) return found;
    after = { connection: last.connection, id: last.id };
  }
}

function personView(id: string, connection: string, attributes: Attributes): PersonView {
  const text = (name: string): string | null => {
    const value = attributes[name];
    return typeof value === "string" ? value : null;
  };
  const { accountEnabled } = attributes;
  return {
    id,
    displayName: text("displayName"),
    userPrincipalName: text("userPrincipalName"),
    mail: text("mail"),
    accountEnabled: typeof accountEnabled === "boolean" ? accountEnabled : null,
    connection,
  };
}

function fits(person: PersonView, wanted: string): boolean {
  return [person.displayName, person.userPrincipalName, person.mail, person.id].some(
    (value) => value !== null && searchKey(value).includes(wanted),
  );
}

/** Everything that is known of one person: the directory's record, groups, and the records that are linked to it. */
export interface PersonDetail extends PersonView {
  readonly attributes: Attributes;
  /** The manager's object id. */
  readonly manager: string | null;
  /** The manager as the directory has it; null without one, and while the directory does not hold that person. */
  readonly managerRecord: Pick<PersonView, "id" | "displayName" | "userPrincipalName"> | null;
  readonly removed: string | null;
  /** False: no sync of this connection asked for groups so far, so none are known. */
  readonly groupsRead: boolean;
  readonly groups: readonly { readonly id: string; readonly displayName: string | null }[];
  readonly links: readonly {
    readonly target: string;
    readonly kind: string;
    readonly recordId: string;
    readonly sync: string | null;
    readonly origin: string;
    /** Of a joined record: the target attribute by which it was found. */
    readonly matchedBy: string | null;
    readonly active: boolean;
    readonly known: Attributes;
  }[];
  readonly pending: readonly {
    readonly sync: string;
    readonly reason: string;
    readonly code: string;
    readonly detail: string;
  }[];
  /** Who an invited account is at home, where that tenant is connected; nothing is linked by it. */
  readonly home: GuestHome | null;
  /** Whether each sync's target holds the person, and why or why not. */
  readonly syncs: readonly Standing[];
}

/** One person by object id or user principal name: one entry for each connection whose directory holds them. */
export async function showPerson(engine: Engine, idOrName: string): Promise<readonly PersonDetail[]> {
  const { store } = engine;
  const byId = await store.db.selectFrom("records").select(["connection", "id"]).where("id", "=", idOrName).execute();
  const wanted = matchKey(idOrName, {}) ?? "";
  const named = byId.length > 0 ? [] : await findPeople(store, { text: idOrName, limit: 50 });
  const exact = named.filter((person) => matchKey(person.userPrincipalName ?? "", {}) === wanted);
  const ids = byId.length > 0 ? byId.map((row) => row.id) : exact.map((person) => person.id);
  return (await Promise.all(ids.map((id) => personDetails(engine, id)))).flat();
}

async function personDetails(engine: Engine, id: string): Promise<readonly PersonDetail[]> {
  const { store } = engine;
  const rows = await store.db
    .selectFrom("records")
    .innerJoin("connections", "connections.id", "records.connection")
    .selectAll("records")
    .select(["connections.name as alias", "connections.tenant as tenant"])
    .where("records.id", "=", id)
    .execute();
  return await Promise.all(
    rows.map(async (row) => {
      const sources = await sensitiveSourcesOf(store, row.connection);
      const hash = (await loadPhotos(store.db, row.connection, [id])).get(id);
      const read = JSON.parse(row.attributes) as Attributes;
      const attributes = hash === undefined ? read : { ...read, photo: { hash } };
      const groups = await store.db
        .selectFrom("edges")
        .innerJoin("records", (join) =>
          join.onRef("records.connection", "=", "edges.connection").onRef("records.id", "=", "edges.group_id"),
        )
        .select(["edges.group_id", "records.attributes"])
        .where("edges.connection", "=", row.connection)
        .where("edges.member_id", "=", id)
        .where("edges.present", "=", 1)
        .execute();
      const links = await store.db
        .selectFrom("links")
        .innerJoin("targets", "targets.id", "links.target")
        .leftJoin("syncs", "syncs.id", "links.sync")
        .select(["targets.name as target", "links.kind", "links.record_id", "syncs.name as sync", "syncs.definition"])
        .select(["links.origin", "links.active", "links.known", "links.matched_by"])
        .where("links.tenant", "=", row.tenant)
        .where("links.object_id", "=", id)
        .execute();
      const pending = await store.db
        .selectFrom("pending")
        .innerJoin("syncs", "syncs.id", "pending.sync")
        .select(["syncs.name as sync", "pending.reason", "pending.code", "pending.detail"])
        .where("pending.object_id", "=", id)
        .where("syncs.connection", "=", row.connection)
        .execute();
      return {
        ...personView(id, row.alias, attributes),
        attributes: withoutSensitiveSources(attributes, sources),
        manager: row.manager,
        managerRecord: await managerOf(store, row.connection, row.manager),
        removed: row.removed,
        groupsRead: (await loadWatermark(store.db, row.connection, "group")).round > 0,
        groups: groups.map((group) => ({ id: group.group_id, displayName: nameIn(group.attributes) })),
        links: links.map((link) => ({
          target: link.target,
          kind: link.kind,
          recordId: link.record_id,
          sync: link.sync,
          origin: link.origin,
          matchedBy: link.matched_by,
          active: link.active === 1,
          known: shownLink(link),
        })),
        pending,
        home: row.kind === "user" ? await homeOf(store, { connection: row.connection, attributes: read }) : null,
        syncs: await standingsOf(engine, { connection: row.connection, id }),
      };
    }),
  );
}

function shownLink({ known, definition }: { readonly known: string; readonly definition: string | null }): Attributes {
  const mapping = definition === null ? {} : (JSON.parse(definition) as SyncDefinition).mapping;
  return shownKnown(JSON.parse(known) as Attributes, { mapping });
}

async function managerOf(
  store: Store,
  connection: string,
  manager: string | null,
): Promise<PersonDetail["managerRecord"]> {
  if (manager === null) return null;
  const row = (await loadRecords(store.db, connection, [manager])).get(manager);
  if (row === undefined) return null;
  const { id, displayName, userPrincipalName } = personView(manager, "", JSON.parse(row.attributes) as Attributes);
  return { id, displayName, userPrincipalName };
}
