import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { createServer, type Server } from "node:http";
import { after, before, suite, test } from "node:test";
import { ConnectorError } from "@entrain/core";
import Provider from "oidc-provider";
import type { Credential } from "../../packages/connectors/src/entra/credentials/credential.ts";
import { makeCertificate } from "../../packages/connectors/src/entra/credentials/testing.ts";
import { CLIENT, TENANT } from "../../packages/connectors/src/entra/testing.ts";
import { ourClient } from "./client.ts";
import { tell } from "./recording.ts";
import { readFloor } from "./shared.ts";

const SECRET = "a-secret-of-the-second-service";
const PATH = `/${TENANT}/v2.0`;
const SIGNAL = new AbortController().signal;
const DAY_MS = 86_400_000;

/** A certified OpenID provider in Microsoft's place: what we send is no agreement between our client and our simulator. */
suite("a second sign-in service, oidc-provider", () => {
  const made = makeCertificate(Date.now() - DAY_MS, Date.now() + DAY_MS);
  const done: string[] = [];
  const servers: Server[] = [];
  let bySecret: string;
  let byCertificate: string;

  before(async () => {
    bySecret = await serve((origin) =>
      providerFor(origin, { client_secret: SECRET, token_endpoint_auth_method: "client_secret_post" }),
    );
    const key = new X509Certificate(made.certificate).publicKey.export({ format: "jwk" });
    byCertificate = await serve((origin) =>
      providerFor(origin, {
        token_endpoint_auth_method: "private_key_jwt",
        token_endpoint_auth_signing_alg: "PS256",
        jwks: { keys: [{ ...key, kty: "RSA", use: "sig", alg: "PS256" }] },
      }),
    );
  });

  after(() => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
  });

  /** Mounts the provider where a tenant's sign-in stands. */
  const serve = async (make: (origin: string) => Provider): Promise<string> => {
    const server = createServer();
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    assert.ok(address !== null && typeof address === "object");
    const origin = `http://127.0.0.1:${address.port}`;
    const answer = make(origin).callback();
    server.on("request", (request, response) => {
      Object.assign(request, { originalUrl: request.url });
      request.url = request.url?.replace(PATH, "") ?? "/";
      void answer(request, response);
    });
    return origin;
  };

  const signIn = async (origin: string, credential: Credential): Promise<void> => {
    const { client, close } = ourClient(origin, [credential], { now: Date.now });
    try {
      await client.roles(SIGNAL);
    } finally {
      await close();
    }
  };

  test("accepts our client secret", async () => {
    await signIn(bySecret, { kind: "secret", secret: () => SECRET });
    done.push("client credentials by secret");
  });

  test("refuses another secret, and we say so", async () => {
    const refused = signIn(bySecret, { kind: "secret", secret: () => "another-secret" });
    await assert.rejects(
      refused,
      (error: unknown) => error instanceof ConnectorError && error.code === "sign_in_refused",
    );
    done.push("refusal of a secret");
  });

  test("accepts our assertion, signed with the certificate's key by PS256", async () => {
    const data = `${made.key}${made.certificate}`;
    await signIn(byCertificate, { kind: "certificate", certificate: () => ({ data }) });
    done.push("client credentials by certificate");
  });

  test("refuses an assertion of another key, and we say so", async () => {
    const other = makeCertificate(Date.now() - DAY_MS, Date.now() + DAY_MS);
    const data = `${other.key}${other.certificate}`;
    const refused = signIn(byCertificate, { kind: "certificate", certificate: () => ({ data }) });
    await assert.rejects(
      refused,
      (error: unknown) => error instanceof ConnectorError && error.code === "sign_in_refused",
    );
    done.push("refusal of a certificate");
  });

  test("all of them work", () => {
    tell("sign-in services", done);
    assert.ok(done.length >= (readFloor()["exchanges with another sign-in service"] ?? 0), done.join(", "));
  });
});

/** Knows one application; everything that is no concern of client credentials is off. */
function providerFor(origin: string, client: object): Provider {
  const scope = `${origin}/.default`;
  return new Provider(`${origin}${PATH}`, {
    clients: [
      {
        client_id: CLIENT,
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
        scope,
        ...client,
      },
    ],
    scopes: [scope],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    enabledJWA: { clientAuthSigningAlgValues: ["PS256", "RS256"] },
  });
}
