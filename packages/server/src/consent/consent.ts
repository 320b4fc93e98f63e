import { createHash } from "node:crypto";
import { CLOUDS } from "@entrain/connectors/entra";
import { connectionCloud } from "../config/current.ts";
import type { ConnectionRow } from "../runs/context.ts";
import { appendJournal } from "../store/journal.ts";
import type { Store } from "../store/store.ts";

/** Where Microsoft sends an administrator back to; registered with the application, letter by letter. */
export const CONSENT_PATH = "/connect/consent";
/** A link is sent by mail, and the administrator may be away for some days. */
const LIFE_MS = 7 * 86_400_000;
const STATE_BYTES = 32;

/** A link for an administrator. Its state comes back once. */
export interface ConsentLink {
  readonly url: string;
  readonly redirectUri: string;
  readonly expiresAt: number;
}

/** What Microsoft answered, as it may be shown. */
export interface ConsentAnswer {
  readonly result: "granted" | "declined" | "right_missing" | "wrong_tenant" | "failed" | "unknown";
  /** The connection's name; null when the link is not one of ours. */
  readonly connection: string | null;
}

export function consentAddress(origin: string): string {
  return `${origin}${CONSENT_PATH}`;
}

/** Makes a link to Microsoft's "Grant tenant-wide admin consent" page ("Admin consent on the identity platform"). */
export async function createConsentLink(store: Store, row: ConnectionRow, origin: string): Promise<ConsentLink> {
  const { clock } = store;
  const state = Buffer.from(clock.bytes(STATE_BYTES)).toString("base64url");
  const now = clock.now();
  const expiresAt = now + LIFE_MS;
  await store.transaction(
    async (tx) => {
      await tx.deleteFrom("connection_consents").where("expires_at", "<=", now).execute();
      await tx
        .insertInto("connection_consents")
        .values({ state_hash: hashOf(state), connection: row.id, expires_at: expiresAt })
        .onConflict((conflict) => conflict.column("state_hash").doNothing())
        .execute();
    },
    { repeatable: true },
  );
  const cloud = connectionCloud(row);
  const { login, graph } = cloud.kind === "custom" ? cloud : CLOUDS[cloud.kind];
  const redirectUri = consentAddress(origin);
  const url = new URL(`${login.replace(/\/+$/, "")}/${row.tenant}/v2.0/adminconsent`);
  url.searchParams.set("client_id", row.client);
  url.searchParams.set("redirect_uri", redirectUri);
  url.searchParams.set("scope", `${graph.replace(/\/+$/, "")}/.default`);
  url.searchParams.set("state", state);
  return { url: url.href, redirectUri, expiresAt };
}

/**
 * Takes Microsoft's answer, which is only worth as much as its state: one of ours, in time, and once. It changes nothing but the
 * journal: whether the permissions are there is for verification to find out.
 */
export async function takeConsentAnswer(store: Store, answer: URLSearchParams): Promise<ConsentAnswer> {
  const now = store.clock.now();
  const hash = hashOf(answer.get("state") ?? "");
  return store.transaction(
    async (tx) => {
      const asked = await tx
        .selectFrom("connection_consents")
        .innerJoin("connections", "connections.id", "connection_consents.connection")
        .select(["connections.id", "connections.name", "connections.tenant", "connection_consents.expires_at"])
        .where("state_hash", "=", hash)
        .executeTakeFirst();
      if (asked === undefined || asked.expires_at <= now) return { result: "unknown", connection: null } as const;
      await tx.deleteFrom("connection_consents").where("state_hash", "=", hash).execute();
      const result = resultOf(answer, asked.tenant);
      await appendJournal(tx, store, "system", [
        {
          actor: { kind: "system", id: "consent" },
          type: "configured",
          kind: "connection",
          objectId: asked.id,
          action: "consented",
          status: result,
          detail: `admin consent for connection ${asked.name}: ${WORDS[result]}`,
        },
      ]);
      return { result, connection: asked.name };
    },
    { repeatable: true },
  );
}

/** Where the consent to a connection's permissions stands, as far as our links tell. Times in milliseconds UTC. */
export interface ConsentState {
  /** When the newest link that nobody has used yet ends; null when there is none. */
  readonly waitingUntil: number | null;
  /** What the last administrator came back with. */
  readonly last: { readonly result: Exclude<ConsentAnswer["result"], "unknown">; readonly at: number } | null;
}

/** Links that were given out, and the last answer to one, by the connection's id. */
export async function consentState({ db, clock }: Store, connection: string): Promise<ConsentState> {
  const { until } = await db
    .selectFrom("connection_consents")
    .select((eb) => eb.fn.max("expires_at").as("until"))
    .where("connection", "=", connection)
    .where("expires_at", ">", clock.now())
    .executeTakeFirstOrThrow();
  const last = await db
    .selectFrom("journal")
    .select(["status", "at"])
    .where("object_id", "=", connection)
    .where("action", "=", "consented")
    .orderBy("at", "desc")
    .orderBy("sequence", "desc")
    .limit(1)
    .executeTakeFirst();
  const result = (Object.keys(WORDS) as (keyof typeof WORDS)[]).find((one) => one === last?.status);
  return {
    waitingUntil: until === null ? null : Number(until),
    last: last === undefined || result === undefined || result === "unknown" ? null : { result, at: last.at },
  };
}

const WORDS: { readonly [R in ConsentAnswer["result"]]: string } = {
  granted: "granted",
  declined: "declined by the administrator",
  right_missing: "refused, because the account may not consent for the organisation",
  wrong_tenant: "given in another tenant",
  failed: "refused by Microsoft",
  unknown: "not asked for",
};

/** "Admin consent on the Microsoft identity platform": successful and error response. */
function resultOf(answer: URLSearchParams, tenant: string): Exclude<ConsentAnswer["result"], "unknown"> {
  const error = answer.get("error");
  if (error === null) {
    if (answer.get("admin_consent")?.toLowerCase() !== "true") return "failed";
    return answer.get("tenant")?.toLowerCase() === tenant.toLowerCase() ? "granted" : "wrong_tenant";
  }
  const number = /AADSTS(\d{4,9})/.exec(answer.get("error_description") ?? "")?.[1];
  if (number === "90094" || number === "90095") return "right_missing";
  if (error === "access_denied") return number === undefined || number === "65004" ? "declined" : "right_missing";
  return error === "unauthorized_client" || error === "consent_required" ? "right_missing" : "failed";
}

function hashOf(state: string): string {
  return createHash("sha256").update(state).digest("hex");
}
