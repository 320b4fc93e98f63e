import { createHash, timingSafeEqual } from "node:crypto";
import type { AdministratorGrant } from "@entrain/connectors/entra";
import { ConnectorError } from "@entrain/core";
import type { ConnectionRow } from "../runs/context.ts";
import { Secret } from "../store/secrets.ts";
import { type Authorizing, administratorSignIn, keepGrant } from "./sign-in.ts";

/** Where a link for an administrator begins. */
export const BEGIN_PATH = "/connect/authorize";
/** Where Microsoft sends the administrator back to; registered with the application, letter by letter. */
export const RETURN_PATH = "/connect/authorized";
/** The link may be sent to an administrator; once it is opened, the sign-in takes minutes. Milliseconds. */
const LINK_MS = 24 * 3_600_000;
const SIGN_IN_MS = 15 * 60_000;
const TICKET_BYTES = 32;

/** A link that lets an administrator sign in once, in whichever browser opens it first. */
export interface AuthorizationLink {
  readonly url: string;
  readonly redirectUri: string;
  readonly expiresAt: number;
}

/** A sign-in that a browser has begun. The key goes into that browser's cookie, and nowhere else. */
export interface BegunSignIn {
  readonly url: string;
  readonly key: string;
  readonly maxAgeS: number;
}

/** What came of a sign-in, as it may be shown. `unknown`: not one of ours, too late, a second time, or another browser. */
export interface AuthorizationAnswer {
  readonly result: "authorized" | "refused" | "unknown";
  readonly connection: string | null;
  /** Who signed in, or why it was refused and what to do. */
  readonly detail: string | null;
}

/** What Microsoft's answer is checked against ("OAuth 2.0 authorization code flow": state, nonce, PKCE). */
interface Begun {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly key: string;
}

/** Microsoft also asks for a secret where the address stands under Web, whatever else the application allows. */
const NOT_PUBLIC = "AADSTS7000218";
const ELSEWHERE =
  "Where that is done already, the redirect URI stands under Web: register it under Mobile and desktop applications in its place.";

const UNKNOWN: AuthorizationAnswer = { result: "unknown", connection: null, detail: null };

/** @throws ConnectorError `config_invalid` when the connection has no `delegated` credential */
export async function createAuthorizationLink(
  authorizing: Authorizing,
  row: ConnectionRow,
  { origin, operator }: { readonly origin: string; readonly operator: string },
): Promise<AuthorizationLink> {
  await (await administratorSignIn(authorizing, row)).close();
  const { store } = authorizing;
  const now = store.clock.now();
  const ticket = Buffer.from(store.clock.bytes(TICKET_BYTES)).toString("base64url");
  const expiresAt = now + LINK_MS;
  const values = { id: hashOf(ticket), connection: row.id, operator, origin, begun: null, expires_at: expiresAt };
  await store.transaction(
    async (tx) => {
      await tx.deleteFrom("connection_authorizations").where("expires_at", "<=", now).execute();
      await tx
        .insertInto("connection_authorizations")
        .values(values)
        .onConflict((conflict) => conflict.column("id").doNothing())
        .execute();
    },
    { repeatable: true },
  );
  return { url: `${origin}${BEGIN_PATH}?ticket=${ticket}`, redirectUri: `${origin}${RETURN_PATH}`, expiresAt };
}

/** Begins the sign-in of a link, once; null when the link does not work (any more). @throws ConnectorError when Microsoft is out of reach */
export async function beginAuthorization(
  authorizing: Authorizing,
  ticket: string,
  signal: AbortSignal,
): Promise<BegunSignIn | null> {
  const { store, keyring } = authorizing;
  const id = hashOf(ticket);
  const asked = await find(authorizing, id);
  if (asked === null || asked.begun !== null) return null;
  const signIn = await administratorSignIn(authorizing, asked.row);
  try {
    const { url, ...secrets } = await signIn.begin(`${asked.origin}${RETURN_PATH}`, signal);
    const key = Buffer.from(store.clock.bytes(TICKET_BYTES)).toString("base64url");
    const begun: Begun = { ...secrets, key };
    const sealed = JSON.stringify(keyring.seal(new Secret(JSON.stringify(begun)), placeOf(id)));
    const expiresAt = store.clock.now() + SIGN_IN_MS;
    const taken = await store.transaction(
      (tx) =>
        tx
          .updateTable("connection_authorizations")
          .set({ begun: sealed, state_hash: hashOf(secrets.state), expires_at: expiresAt })
          .where("id", "=", id)
          .where("begun", "is", null)
          .executeTakeFirst(),
      { repeatable: false },
    );
    if (Number(taken.numUpdatedRows) === 0) return null;
    return { url, key, maxAgeS: SIGN_IN_MS / 1000 };
  } finally {
    await signIn.close();
  }
}

/**
 * Takes Microsoft's answer: of a sign-in of ours, in time, once, and in the browser that began it. What the administrator agreed to is
 * kept; faults become an answer, because whoever reads it came from Microsoft.
 */
export async function takeAuthorization(
  authorizing: Authorizing,
  answer: { readonly query: URLSearchParams; readonly key: string },
  signal: AbortSignal,
): Promise<AuthorizationAnswer> {
  const { store, keyring } = authorizing;
  const { db } = store;
  const found = await db
    .selectFrom("connection_authorizations")
    .select("id")
    .where("state_hash", "=", hashOf(answer.query.get("state") ?? ""))
    .executeTakeFirst();
  const asked = found === undefined ? null : await find(authorizing, found.id);
  if (found === undefined || asked === null || asked.begun === null) return UNKNOWN;
  const begun = JSON.parse(keyring.open(JSON.parse(asked.begun), placeOf(found.id)).reveal()) as Begun;
  if (!isSame(begun.key, answer.key)) return UNKNOWN;
  const used = await store.transaction(
    (tx) => tx.deleteFrom("connection_authorizations").where("id", "=", found.id).executeTakeFirst(),
    { repeatable: false },
  );
  if (Number(used.numDeletedRows) === 0) return UNKNOWN;
  const { row } = asked;
  const signIn = await administratorSignIn(authorizing, row);
  try {
    const url = new URL(`${asked.origin}${RETURN_PATH}?${answer.query}`);
    const grant: AdministratorGrant = await signIn.redeem(url, begun, signal);
    await keepGrant(authorizing, row, { grant, actor: { kind: "operator", id: asked.operator } });
    return { result: "authorized", connection: row.name, detail: grant.account.username };
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    const more = error.message.includes(NOT_PUBLIC) ? ELSEWHERE : "";
    return { result: "refused", connection: row.name, detail: `${error.message} ${error.fix} ${more}`.trim() };
  } finally {
    await signIn.close();
  }
}

interface Asked {
  readonly row: ConnectionRow;
  readonly origin: string;
  readonly operator: string;
  readonly begun: string | null;
}

async function find({ store: { db, clock } }: Authorizing, id: string): Promise<Asked | null> {
  const asked = await db.selectFrom("connection_authorizations").selectAll().where("id", "=", id).executeTakeFirst();
  if (asked === undefined || asked.expires_at <= clock.now()) return null;
  const row = await db.selectFrom("connections").selectAll().where("id", "=", asked.connection).executeTakeFirst();
  return row === undefined ? null : { ...asked, row };
}

const placeOf = (id: string): string => `connection_authorizations/${id}/begun`;

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function isSame(wanted: string, given: string): boolean {
  return timingSafeEqual(Buffer.from(hashOf(wanted)), Buffer.from(hashOf(given)));
}
