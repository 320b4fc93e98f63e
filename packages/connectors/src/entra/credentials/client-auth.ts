import type { KeyObject } from "node:crypto";
import { type ClientAuth, ClientSecretPost, modifyAssertion, None, PrivateKeyJwt } from "openid-client";
import { readCertificate } from "./certificate.ts";
import type { AppCredential } from "./credential.ts";

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ASSERTION_LIFE_S = 600;

/** How the application proves itself at the token endpoint; without a credential it is a public client. */
export async function clientAuth(
  app: AppCredential | undefined,
  tokenEndpoint: string,
  now: number,
): Promise<ClientAuth> {
  if (app === undefined) return None();
  if (app.kind === "secret") return ClientSecretPost(app.secret());
  const { key, thumbprint } = readCertificate(app.certificate());
  const seconds = Math.floor(now / 1000);
  return PrivateKeyJwt(await signingKey(key), {
    // "Microsoft identity platform application authentication certificate credentials": the assertion's format.
    [modifyAssertion]: (header, payload) => {
      delete header.kid;
      Object.assign(header, { typ: "JWT", "x5t#S256": thumbprint });
      Object.assign(payload, { aud: tokenEndpoint, iat: seconds, nbf: seconds, exp: seconds + ASSERTION_LIFE_S });
    },
  });
}

/** Sends an assertion that somebody else signed ("Workload identity federation"). */
export function assertionAuth(assertion: string): ClientAuth {
  return (_server, client, body) => {
    body.set("client_id", client.client_id);
    body.set("client_assertion_type", ASSERTION_TYPE);
    body.set("client_assertion", assertion);
  };
}

function signingKey(key: KeyObject): Promise<CryptoKey> {
  const der = key.export({ type: "pkcs8", format: "der" });
  return crypto.subtle.importKey("pkcs8", der, { name: "RSA-PSS", hash: "SHA-256" }, false, ["sign"]);
}
