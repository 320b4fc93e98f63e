import { hash } from "node:crypto";
import type { Store } from "./store.ts";

const TOKEN_BYTES = 32;
const LINK_MS = 10 * 60_000;
/** An operator's working day: how long a session lasts, in the store and in the browser's cookie alike. */
const SESSION_MS = 8 * 3_600_000;

/** An operator who is signed in. */
export interface Session {
  readonly operator: string;
  /** What a request that changes something must repeat, to prove that a page of ours sent it. */
  readonly csrf: string;
  /** Milliseconds UTC. */
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** A session that begins: the token goes into the operator's cookie and is kept nowhere else. */
export interface NewSession {
  readonly token: string;
  readonly session: Session;
}

/**
 * Makes a sign-in link's token for an operator: single use, ten minutes. Only its SHA-256 is kept, so that a copy of the
 * store signs nobody in.
 */
export async function createConsoleLink(store: Store, { operator }: { readonly operator: string }): Promise<string> {
  const { clock } = store;
  const token = newToken(store);
  const now = clock.now();
  await store.transaction(
    async (tx) => {
      await tx.deleteFrom("console_links").where("expires_at", "<=", now).execute();
      const row = { token_hash: digestOf(token), operator, expires_at: now + LINK_MS, used_at: null };
      await tx.insertInto("console_links").values(row).execute();
    },
    { repeatable: true },
  );
  return token;
}

/** Turns a link's token into a session, once; null for one that is unknown, used or too old. */
export async function redeemConsoleLink(store: Store, token: string): Promise<NewSession | null> {
  const now = store.clock.now();
  return store.transaction(
    async (tx) => {
      const link = await tx
        .updateTable("console_links")
        .set({ used_at: now })
        .where("token_hash", "=", digestOf(token))
        .where("used_at", "is", null)
        .where("expires_at", ">", now)
        .returning("operator")
        .executeTakeFirst();
      if (link === undefined) return null;
      const fresh = newToken(store);
      const session = { operator: link.operator, csrf: newToken(store), createdAt: now, expiresAt: now + SESSION_MS };
      await tx.deleteFrom("sessions").where("expires_at", "<=", now).execute();
      await tx
        .insertInto("sessions")
        .values({
          token_hash: digestOf(fresh),
          operator: session.operator,
          csrf: session.csrf,
          created_at: session.createdAt,
          expires_at: session.expiresAt,
        })
        .execute();
      return { token: fresh, session };
    },
    { repeatable: true },
  );
}

/** The session that a token stands for, or null when there is none, or none any more. */
export async function findSession(store: Store, token: string): Promise<Session | null> {
  const row = await store.db
    .selectFrom("sessions")
    .select(["operator", "csrf", "created_at", "expires_at"])
    .where("token_hash", "=", digestOf(token))
    .where("expires_at", ">", store.clock.now())
    .executeTakeFirst();
  if (row === undefined) return null;
  return { operator: row.operator, csrf: row.csrf, createdAt: row.created_at, expiresAt: row.expires_at };
}

/** Ends a session. Does nothing when there is none. */
export async function endSession(store: Store, token: string): Promise<void> {
  await store.transaction((tx) => tx.deleteFrom("sessions").where("token_hash", "=", digestOf(token)).execute(), {
    repeatable: true,
  });
}

function newToken(store: Store): string {
  return Buffer.from(store.clock.bytes(TOKEN_BYTES)).toString("base64url");
}

/** Unsalted, so that it can be looked up: 256 random bits cannot be guessed from their digest. */
function digestOf(token: string): string {
  return hash("sha256", token, "hex");
}
