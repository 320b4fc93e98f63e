import { type Attributes, type Guest, guestOf, isAtHome, nameAtHome, plain } from "@entrain/core";
import { sql } from "kysely";
import type { Store } from "../store/store.ts";
import { nameIn } from "./names.ts";

/** The person of another connection whom an invited account belongs to. A hint for people: nothing is linked by it. */
export interface GuestHome {
  readonly connection: string;
  readonly id: string;
  readonly displayName: string | null;
  readonly userPrincipalName: string;
}

/**
 * Who an invited account is at home, where that tenant is connected: the one living person of all other connections who
 * signs in by the name that the invitation went to. `null` when that is nobody, or cannot be told.
 */
export async function homeOf(
  store: Store,
  of: { readonly connection: string; readonly attributes: Attributes },
): Promise<GuestHome | null> {
  const guest = guestOf(of.attributes);
  if (guest === null) return null;
  const found = await atHome(store, of.connection, guest);
  const [home] = found;
  // Two tenants of different clouds may have the same domain: then nothing is told.
  return home !== undefined && found.length === 1 ? home : null;
}

/** The engine narrows down to records that hold the name in some spelling; which of them it names is told here. */
async function atHome(store: Store, connection: string, guest: Guest): Promise<readonly GuestHome[]> {
  const escaped = JSON.stringify(guest.homeName).replaceAll(/[\\%_]/g, String.raw`\$&`);
  const rows = await store.db
    .selectFrom("records")
    .innerJoin("connections", "connections.id", "records.connection")
    .select(["records.id", "records.attributes", "connections.name"])
    .where("records.connection", "!=", connection)
    .where("records.kind", "=", "user")
    .where("records.removed", "is", null)
    .where(sql<boolean>`lower(records.attributes) like ${`%${escaped}%`} escape '\\'`)
    .orderBy("records.connection")
    .orderBy("records.id")
    .limit(100)
    .execute();
  return rows.flatMap(({ id, attributes, name }) => {
    const read = JSON.parse(attributes) as Attributes;
    if (!isAtHome(guest, read)) return [];
    const userPrincipalName = String(read.userPrincipalName);
    return [{ connection: name, id, displayName: nameIn(attributes), userPrincipalName }];
  });
}

/** `a guest whose home is Ana López (ana@fabrikam.com, 1f0c…) of the connection fabrikam`. */
export function homeInWords({ connection, id, displayName, userPrincipalName }: GuestHome): string {
  const name = displayName === null || displayName === userPrincipalName ? "" : `${plain(displayName)} `;
  const who = name === "" ? `${plain(userPrincipalName)} (${id})` : `${name}(${plain(userPrincipalName)}, ${id})`;
  return `a guest whose home is ${who} of the connection ${plain(connection)}`;
}

const SCAN = 1000;

/** Everybody of the other connections who is no guest there, page by page, by the matching key of their sign-in name. */
export async function* peopleAtHome(
  store: Store,
  connection: string,
): AsyncGenerator<readonly { readonly homeName: string; readonly home: GuestHome }[]> {
  let after = { connection: "", id: "" };
  for (;;) {
    const rows = await store.db
      .selectFrom("records")
      .innerJoin("connections", "connections.id", "records.connection")
      .select(["records.connection", "records.id", "records.attributes", "connections.name"])
      .where("records.connection", "!=", connection)
      .where("records.kind", "=", "user")
      .where("records.removed", "is", null)
      .where((eb) => eb(eb.refTuple("records.connection", "records.id"), ">", eb.tuple(after.connection, after.id)))
      .orderBy("records.connection")
      .orderBy("records.id")
      .limit(SCAN)
      .execute();
    const last = rows.at(-1);
    if (last === undefined) return;
    after = { connection: last.connection, id: last.id };
    yield rows.flatMap(({ id, attributes, name }) => {
      const read = JSON.parse(attributes) as Attributes;
      const homeName = nameAtHome(read);
      if (homeName === null) return [];
      const userPrincipalName = String(read.userPrincipalName);
      return [{ homeName, home: { connection: name, id, displayName: nameIn(attributes), userPrincipalName } }];
    });
  }
}
