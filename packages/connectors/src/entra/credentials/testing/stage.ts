import { createServer, type Server } from "node:http";
import type { Check } from "@entrain/core";
import { type AppView, type AppWish, type Simulator, startSimulator } from "@entrain/simulator";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { createEntraSource, type EntraOptions } from "../../index.ts";
import { readAll } from "../../testing.ts";
import type { Credential } from "../credential.ts";
import { makeCertificate, type TestCertificate } from "../testing.ts";

export const ROLES: readonly string[] = ["User.Read.All", "GroupMember.Read.All"];
export const SCOPES: readonly string[] = ["User.Read", "User.Read.All", "GroupMember.Read.All"];
const DAY_MS = 86_400_000;
/** "Continuous access evaluation": tokens of a client that understands challenges last up to 28 hours. */
const LONGEST_TOKEN_MS = 29 * 3_600_000;

/** A simulated tenant whose clock is this process's plus the time that a test let pass. */
export interface Stage {
  readonly simulator: Simulator;
  readonly certificate: TestCertificate;
  readonly issuer: Issuer;
  now(): number;
  /** Lets time pass for the tenant and for the connector alike. */
  pass(ms: number): void;
  app(wish?: AppWish): AppView;
  /** An app that a person signs in to, without a secret. */
  publicApp(wish?: AppWish): AppView;
  options(client: string, ...credentials: readonly Credential[]): EntraOptions;
  verify(options: EntraOptions): Promise<readonly Check[]>;
  /** Sends to Graph as an app that may change people. */
  graph(method: string, path: string, body?: object): Promise<void>;
  close(): Promise<void>;
}

/** Another identity provider on loopback, which publishes its keys and signs what it is asked to. */
export interface Issuer {
  readonly origin: string;
  assertion(claims: { readonly sub: string; readonly lifeS?: number }, now: number): Promise<string>;
  close(): Promise<void>;
}

/** Starts a small tenant with what every kind of credential needs beside it. */
export async function startStage(options: { readonly tls?: boolean; readonly people?: number } = {}): Promise<Stage> {
  let passed = 0;
  const now = (): number => Date.now() + passed;
  const simulator = await startSimulator({
    people: 12,
    groups: 2,
    tenants: 2,
    throttle: "off",
    clock: now,
    ...options,
  });
  const issuer = await startIssuer();
  const certificate = makeCertificate(Date.now() - DAY_MS, Date.now() + 400 * DAY_MS);
  const writer = simulator.identity.addApp({ roles: ["User.ReadWrite.All"], secret: "of-the-stage" });
  return {
    simulator,
    certificate,
    issuer,
    now,
    pass: (ms) => {
      passed += ms;
    },
    app: (wish = {}) => simulator.identity.addApp({ roles: ROLES, ...wish }),
    publicApp: (wish = {}) => simulator.identity.addApp({ publicFlows: true, scopes: SCOPES, ...wish }),
    options: (client, ...credentials) => ({
      cloud: { login: simulator.login, graph: simulator.graph },
      tenant: simulator.tenant,
      client,
      credentials,
      clock: { now },
      random: () => 0.5,
      sleep: async (_ms, signal) => signal.throwIfAborted(),
      ...(simulator.ca === null ? {} : { ca: simulator.ca }),
    }),
    verify: async (given) => {
      const source = createEntraSource(given);
      try {
        return await source.verify(new AbortController().signal);
      } finally {
        await source.close();
      }
    },
    graph: async (method, path, body) => {
      const form = { grant_type: "client_credentials", client_id: writer.client, client_secret: "of-the-stage" };
      const token = await tokenOf(simulator, { ...form, scope: `${simulator.graph}/.default` });
      const response = await fetch(`${simulator.graph}/v1.0${path}`, {
        method,
        headers: { authorization: `Bearer ${token.access_token}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}`);
    },
    close: async () => {
      await simulator.close();
      await issuer.close();
    },
  };
}

/** Reads people, lets the token end, and reads what changed since: three sign-ins' worth of one credential. */
export async function syncAndRefresh(
  stage: Stage,
  options: EntraOptions,
  renew: () => Promise<void> = async () => undefined,
): Promise<{ readonly people: number; readonly signIns: number }> {
  let signIns = 0;
  const source = createEntraSource({
    ...options,
    onRequest: ({ path, status }) => {
      if (path.endsWith("/token") && status === 200) signIns++;
      options.onRequest?.({ method: "", host: "", path, status, ms: 0, retry: 0 });
    },
  });
  try {
    const pages = await readAll(source, "user");
    stage.pass(LONGEST_TOKEN_MS);
    await renew();
    await readAll(source, "user", pages.at(-1)?.watermark ?? null);
    return { people: pages.reduce((sum, page) => sum + page.records.length, 0), signIns };
  } finally {
    await source.close();
  }
}

/** A person's refresh token, as an administrator's sign-in leaves it. */
export async function refreshTokenOf({ simulator }: Stage, client: string, username: string): Promise<string> {
  const { password } = simulator.identity.person(username) ?? {};
  const scope = `openid offline_access ${SCOPES.map((name) => `${simulator.graph}/${name}`).join(" ")}`;
  const form = { grant_type: "password", client_id: client, username, password: password ?? "", scope };
  const { refresh_token } = await tokenOf(simulator, form);
  if (refresh_token === undefined) throw new Error("The tenant gave no refresh token.");
  return refresh_token;
}

async function tokenOf(
  { login, tenant }: Simulator,
  form: Readonly<Record<string, string>>,
): Promise<{ readonly access_token: string; readonly refresh_token?: string; readonly expires_in: number }> {
  const response = await fetch(`${login}/${tenant}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams(form),
  });
  if (!response.ok) throw new Error(`The sign-in answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as { access_token: string; expires_in: number };
}

/** An App Service's identity endpoint, which hands out the simulated tenant's tokens for an app ("Managed identities"). */
export async function startIdentityEndpoint(
  stage: Stage,
  app: { readonly client: string; readonly secret: string },
): Promise<{ readonly url: string; refuses: boolean; close(): Promise<void> }> {
  const endpoint = { url: "", refuses: false, close: () => closed(server) };
  const server = createServer((_request, response) => {
    void (async () => {
      const { client, secret } = app;
      const form = { grant_type: "client_credentials", client_id: client, client_secret: secret };
      const answer = endpoint.refuses
        ? { status: 400, body: { statusCode: 400, message: "No managed identity found" } }
        : {
            status: 200,
            body: {
              ...(await tokenOf(stage.simulator, { ...form, scope: `${stage.simulator.graph}/.default` })),
              // Near its end, so that the library asks anew at each sign-in.
              expires_on: Math.floor(Date.now() / 1000) + 60,
            },
          };
      response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
    })();
  });
  endpoint.url = `${await listen(server)}/msi/token`;
  return endpoint;
}

/** Answers every request the same way: where a runner would hand out its assertions. */
export async function startAnswering(
  answer: () => { readonly status: number; readonly body: string },
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer((_request, response) => {
    const { status, body } = answer();
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  });
  return { url: await listen(server), close: () => closed(server) };
}

async function startIssuer(): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair("RS256");
  const jwk = { ...(await exportJWK(publicKey)), kid: "one", alg: "RS256", use: "sig" };
  let origin = "";
  const server = createServer((request, response) => {
    const document = { issuer: origin, jwks_uri: `${origin}/keys` };
    const body = request.url === "/keys" ? { keys: [jwk] } : document;
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  origin = await listen(server);
  return {
    origin,
    assertion: ({ sub, lifeS = 600 }, now) => {
      const seconds = Math.floor(now / 1000);
      return new SignJWT({})
        .setProtectedHeader({ alg: "RS256", kid: "one", typ: "JWT" })
        .setIssuer(origin)
        .setSubject(sub)
        .setAudience("api://AzureADTokenExchange")
        .setIssuedAt(seconds - Math.max(0, -lifeS) - 60)
        .setExpirationTime(seconds + lifeS)
        .sign(privateKey);
    },
    close: () => closed(server),
  };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address !== "object") throw new Error("The server has no port.");
  return `http://127.0.0.1:${address.port}`;
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
