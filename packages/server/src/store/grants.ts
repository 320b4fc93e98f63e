import type { Selectable, Transaction } from "kysely";
import type { DB } from "./schema.ts";
import { type Keyring, Secret } from "./secrets.ts";
import type { Store } from "./store.ts";

/** Who agreed to what, as it may be shown. `diedOf` says why the agreement no longer works. */
export interface GrantView {
  readonly account: { readonly tenant: string; readonly objectId: string; readonly username: string };
  readonly scopes: readonly string[];
  readonly grantedAt: number;
  readonly diedAt: number | null;
  readonly diedOf: string | null;
}

/** A new agreement. */
export interface NewGrant extends Pick<GrantView, "account" | "scopes"> {
  readonly refreshToken: string;
}

const place = (connection: string): string => `connection_grants/${connection}/token`;

/** Keeps what an administrator agreed to, in place of an earlier agreement. */
export async function saveGrant(store: Store, keyring: Keyring, connection: string, grant: NewGrant): Promise<void> {
  const values = {
    token: sealed(keyring, connection, grant.refreshToken),
    account: JSON.stringify(grant.account),
    scopes: JSON.stringify(grant.scopes),
    granted_at: store.clock.now(),
    died_at: null,
    died_of: null,
  };
  await store.transaction(
    (tx) =>
      tx
        .insertInto("connection_grants")
        .values({ connection, ...values })
        .onConflict((conflict) => conflict.column("connection").doUpdateSet(values))
        .execute(),
    { repeatable: true },
  );
}

/** Forgets what an administrator agreed to, if there is anything. */
export async function forgetGrant(tx: Transaction<DB>, connection: string): Promise<void> {
  await tx.deleteFrom("connection_grants").where("connection", "=", connection).execute();
}

/** The agreement of a connection, without its token. */
export async function findGrant(store: Store, connection: string): Promise<GrantView | null> {
  const row = await store.db
    .selectFrom("connection_grants")
    .selectAll()
    .where("connection", "=", connection)
    .executeTakeFirst();
  if (row === undefined) return null;
  return {
    account: JSON.parse(row.account) as GrantView["account"],
    scopes: JSON.parse(row.scopes) as readonly string[],
    grantedAt: row.granted_at,
    diedAt: row.died_at,
    diedOf: row.died_of,
  };
}

/**
 * What the connector needs to refresh an agreement: the token, and whom to tell of its successor or its end. That of a token
 * which is not the kept one any more is not heeded: an administrator agreed anew, or another process was faster.
 */
export function grantKeeper(
  store: Store,
  keyring: Keyring,
  connection: string,
): {
  refreshToken(): Promise<string | null>;
  replace(refreshToken: string): Promise<void>;
  died(reason: string): Promise<void>;
} {
  let used: string | null = null;
  const update = async (values: Pick<Selectable<DB["connection_grants"]>, "token" | "died_at" | "died_of">) => {
    await store.transaction(
      (tx) =>
        tx
          .updateTable("connection_grants")
          .set(values)
          .where("connection", "=", connection)
          .where("token", "=", used)
          .execute(),
      { repeatable: true },
    );
    used = values.token;
  };
  return {
    refreshToken: async () => {
      const row = await store.db
        .selectFrom("connection_grants")
        .select("token")
        .where("connection", "=", connection)
        .executeTakeFirst();
      used = row?.token ?? null;
      return used === null ? null : keyring.open({ sealed: used }, place(connection)).reveal();
    },
    replace: (refreshToken) =>
      update({ token: sealed(keyring, connection, refreshToken), died_at: null, died_of: null }),
    died: (reason) => update({ token: null, died_at: store.clock.now(), died_of: reason }),
  };
}

function sealed(keyring: Keyring, connection: string, token: string): string {
  const reference = keyring.seal(new Secret(token), place(connection));
  if ("sealed" in reference) return reference.sealed;
  throw new TypeError("a keyring seals what it is given");
}
