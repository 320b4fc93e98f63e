import type { Selectable, Transaction } from "kysely";
import type { DB } from "./schema.ts";
import { type Keyring, Secret } from "./secrets.ts";
import type { Store } from "./store.ts";

/**
 * Who agreed to what, as it may be shown. `refused` may work again as it is: an account is enabled, a policy lifted. `ended`
 * needs a new agreement. `reason` is Microsoft's, of the last refusal; `diedOf` the same where the agreement has ended.
 */
export interface GrantView {
  readonly account: { readonly tenant: string; readonly objectId: string; readonly username: string };
  readonly scopes: readonly string[];
  readonly grantedAt: number;
  readonly state: "works" | "refused" | "ended";
  readonly reason: string | null;
  /** When the state began that is not `works`. */
  readonly since: number | null;
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
    state: row.died_of === null ? "works" : row.token === null ? "ended" : "refused",
    reason: row.died_of,
    since: row.died_at,
    diedOf: row.token === null ? row.died_of : null,
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
  refused(reason: string): Promise<void>;
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
    refused: async (reason) => {
      const since = (await findGrant(store, connection))?.since ?? store.clock.now();
      await update({ token: used, died_at: since, died_of: reason });
    },
    died: (reason) => update({ token: null, died_at: store.clock.now(), died_of: reason }),
  };
}

function sealed(keyring: Keyring, connection: string, token: string): string {
  const reference = keyring.seal(new Secret(token), place(connection));
  if ("sealed" in reference) return reference.sealed;
  throw new TypeError("a keyring seals what it is given");
}
