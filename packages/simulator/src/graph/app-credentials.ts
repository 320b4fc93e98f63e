import { randomUUID } from "node:crypto";
import { newPassword } from "../applications/applications.ts";
import type { KeyCredential, PasswordCredential, Principal } from "../applications/model.ts";
import { isSignedBy, readCertificate, readJwt } from "../signin/assertion.ts";
import type { Json } from "../tenant/types.ts";
import type { Context } from "./context.ts";
import { badRequest, type GraphResponse } from "./request.ts";
import { type Body, bodyOf } from "./validate.ts";

const TWO_YEARS_MS = 2 * 365 * 24 * 3600_000; // "application: addPassword": two years unless asked otherwise.
const PROOF_AUDIENCE = "00000002-0000-0000-c000-000000000000";
const PROOF_LIFE_S = 600;

/** A secret as Graph shows it; its text only when it was just made. */
export function renderPassword(password: PasswordCredential, fresh = false): Json {
  return {
    customKeyIdentifier: null,
    displayName: password.displayName,
    endDateTime: dateOf(password.endsAt),
    hint: password.secretText.slice(0, 3),
    keyId: password.keyId,
    secretText: fresh ? password.secretText : null,
    startDateTime: dateOf(password.startsAt),
  };
}

/** A certificate as Graph shows it: the thumbprint, and the certificate itself where it is asked for alone. */
export function renderKey(key: KeyCredential, withKey: boolean): Json {
  const thumbprint = readCertificate(key.key)?.sha1;
  return {
    customKeyIdentifier: thumbprint === undefined ? null : Buffer.from(thumbprint, "base64url").toString("base64"),
    displayName: key.displayName,
    endDateTime: dateOf(key.endsAt),
    key: withKey ? key.key : null,
    keyId: key.keyId,
    startDateTime: dateOf(key.startsAt),
    type: key.type,
    usage: key.usage,
  };
}

/** "application: addPassword", "servicePrincipal: addPassword". */
export function addPassword(context: Context, principal: Principal): GraphResponse {
  const given = objectOf(bodyOf(context.request).passwordCredential ?? {});
  const password = passwordFrom(given, context.now);
  principal.passwords = [...principal.passwords, password];
  return {
    status: 200,
    json: {
      "@odata.context": `${context.base}/$metadata#microsoft.graph.passwordCredential`,
      ...(renderPassword(password, true) as object),
    },
  };
}

/** A secret that a client asked for; the text is always the service's. */
export function passwordFrom(given: Body, now: number): PasswordCredential {
  const startsAt = timeOf(given.startDateTime, "startDateTime") ?? now;
  const endsAt = timeOf(given.endDateTime, "endDateTime") ?? startsAt + TWO_YEARS_MS;
  if (endsAt <= startsAt) throw badRequest("The credential's endDateTime must be later than its startDateTime.");
  return newPassword({ displayName: textOrNull(given.displayName), startsAt, endsAt });
}

/** "removePassword". */
export function removePassword(context: Context, principal: Principal): GraphResponse {
  const { keyId } = bodyOf(context.request);
  const left = principal.passwords.filter((password) => password.keyId !== keyId);
  if (left.length === principal.passwords.length)
    throw badRequest(`No password credential found with keyId '${String(keyId)}'.`);
  principal.passwords = left;
  return { status: 204 };
}

/** "addKey": rolls a certificate, proven by one that is there and still valid. */
export function addKey(context: Context, principal: Principal): GraphResponse {
  const body = bodyOf(context.request);
  checkProof(context, principal, body.proof);
  const key = keyFrom(objectOf(body.keyCredential ?? null));
  principal.keys = [...principal.keys, key];
  return {
    status: 200,
    json: {
      "@odata.context": `${context.base}/$metadata#microsoft.graph.keyCredential`,
      ...(renderKey(key, false) as object),
    },
  };
}

/** "removeKey". */
export function removeKey(context: Context, principal: Principal): GraphResponse {
  const { keyId, proof } = bodyOf(context.request);
  checkProof(context, principal, proof);
  const left = principal.keys.filter((key) => key.keyId !== keyId);
  if (left.length === principal.keys.length) throw badRequest(`No key credential found with keyId '${String(keyId)}'.`);
  principal.keys = left;
  return { status: 204 };
}

/** The certificates that a PATCH leaves: those named by keyId without a key stay as they are. */
export function keysFrom(principal: Principal, value: Json): readonly KeyCredential[] {
  if (!Array.isArray(value)) throw badRequest("Property keyCredentials must be a collection.");
  return value.map((given: Json) => {
    const body = objectOf(given);
    const known = principal.keys.find(({ keyId }) => keyId === body.keyId);
    return known !== undefined && (body.key === undefined || body.key === null) ? known : keyFrom(body);
  });
}

function keyFrom(given: Body): KeyCredential {
  const { type = "AsymmetricX509Cert", usage = "Verify", key } = given;
  if (type !== "AsymmetricX509Cert" || usage !== "Verify" || typeof key !== "string") {
    throw badRequest("Key credentials of type 'AsymmetricX509Cert' and usage 'Verify' with a key are supported here.");
  }
  const certificate = readCertificate(key);
  if (certificate === null) throw badRequest("Key credential value is invalid: it is not an X.509 certificate.");
  const { x509 } = certificate;
  const [from, to] = [Date.parse(x509.validFrom), Date.parse(x509.validTo)];
  const startsAt = timeOf(given.startDateTime, "startDateTime") ?? from;
  const endsAt = timeOf(given.endDateTime, "endDateTime") ?? to;
  if (endsAt > to || startsAt < from) {
    throw badRequest(
      "Key credential end date or start date is invalid: it lies outside of the certificate's validity.",
    );
  }
  return {
    keyId: typeof given.keyId === "string" ? given.keyId : randomUUID(),
    displayName: textOrNull(given.displayName) ?? x509.subject.replace("\n", ", "),
    type,
    usage,
    key: x509.raw.toString("base64"),
    startsAt,
    endsAt,
  };
}

/** "Generating proof of possession tokens for rolling keys". */
function checkProof({ now }: Context, principal: Principal, proof: Json | undefined): void {
  const jwt = readJwt(typeof proof === "string" ? proof : "");
  const { aud, iss, exp, nbf } = jwt?.claims ?? {};
  const seconds = now / 1000;
  const timely =
    typeof exp === "number" &&
    typeof nbf === "number" &&
    nbf <= seconds + 300 &&
    exp > seconds - 300 &&
    exp - nbf <= PROOF_LIFE_S;
  const addressed = aud === PROOF_AUDIENCE && (iss === principal.id || iss === principal.appId);
  const valid = principal.keys.filter(({ startsAt, endsAt }) => startsAt <= now && now < endsAt);
  const signed =
    jwt !== null &&
    valid.some(({ key }) => {
      const certificate = readCertificate(key);
      return certificate !== null && isSignedBy(jwt, certificate.x509.publicKey);
    });
  if (timely && addressed && signed) return;
  throw badRequest(
    "The proof of possession is not valid: it must be signed by a valid certificate of the application, with its audience, issuer and a life of at most ten minutes.",
  );
}

function timeOf(value: Json | undefined, name: string): number | null {
  if (value === undefined || value === null) return null;
  const time = typeof value === "string" ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time))
    throw badRequest(`Cannot convert the literal of '${name}' to the expected type 'Edm.DateTimeOffset'.`);
  return time;
}

function dateOf(time: number): string {
  return Number.isFinite(time) ? new Date(time).toISOString() : "2299-12-31T00:00:00Z";
}

function textOrNull(value: Json | undefined): string | null {
  return typeof value === "string" ? value : null;
}

function objectOf(value: Json): Body {
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw badRequest("An object was expected.");
  return value as Body;
}
