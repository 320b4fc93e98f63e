import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import tls from "node:tls";
import type { Credential } from "./credential.ts";
import {
  refreshTokenOf,
  type Stage,
  startAnswering,
  startIdentityEndpoint,
  startStage,
  syncAndRefresh,
} from "./testing/stage.ts";

let stage: Stage;
before(async () => {
  stage = await startStage();
});
after(() => stage.close());

const SUBJECT = "repo:contoso/sync:ref:refs/heads/main";

/** Connects (every check passes), reads everyone, and signs in again once the token has ended and the tenant refuses it. */
async function works(
  on: Stage,
  client: string,
  credential: Credential,
  renew?: () => Promise<void>,
  signIns = 2,
): Promise<void> {
  const options = on.options(client, credential);
  const failed = (await on.verify(options)).filter(({ ok }) => !ok);
  assert.deepEqual(failed, []);
  const synced = await syncAndRefresh(on, options, renew);
  assert.ok(synced.people >= 12, String(synced.people));
  assert.equal(synced.signIns, signIns);
}

test("a client secret connects, syncs and refreshes", async () => {
  const { client } = stage.app({ secret: "kept-by-the-test" });
  await works(stage, client, { kind: "secret", secret: () => "kept-by-the-test" });
});

test("a certificate connects, syncs and refreshes, from PEM and from PFX", async () => {
  const { certificate: pem, key } = stage.certificate;
  const { client } = stage.app({ certificate: pem });
  await works(stage, client, { kind: "certificate", certificate: () => ({ data: pem, key }) });
  const pfx = { data: stage.certificate.pfx("opensesame"), passphrase: "opensesame" };
  await works(stage, client, { kind: "certificate", certificate: () => pfx });
});

test("another provider's assertion connects, syncs and refreshes, given or fetched", async () => {
  const { client } = stage.app({ federated: { issuer: stage.issuer.origin, subject: SUBJECT } });
  let assertion = await stage.issuer.assertion({ sub: SUBJECT }, stage.now());
  const renew = async (): Promise<void> => {
    assertion = await stage.issuer.assertion({ sub: SUBJECT }, stage.now());
  };
  await works(stage, client, { kind: "federated", assertion: () => assertion }, renew);
  const runner = await startAnswering(() => ({ status: 200, body: JSON.stringify({ value: assertion }) }));
  try {
    await works(
      stage,
      client,
      { kind: "federated", assertion: { url: runner.url, token: () => "of-the-runner" } },
      renew,
    );
  } finally {
    await runner.close();
  }
});

test("a managed identity connects, syncs and refreshes", async () => {
  const app = { client: stage.app({ secret: "of-azure" }).client, secret: "of-azure" };
  const endpoint = await startIdentityEndpoint(stage, app);
  Object.assign(process.env, { IDENTITY_ENDPOINT: endpoint.url, IDENTITY_HEADER: "header" });
  try {
    // Microsoft's library asks the machine, not the sign-in service.
    await works(stage, app.client, { kind: "managed-identity" }, undefined, 0);
  } finally {
    await endpoint.close();
    delete process.env.IDENTITY_ENDPOINT;
    delete process.env.IDENTITY_HEADER;
  }
});

test("a workload identity connects, syncs and refreshes over TLS, by the token file that Kubernetes renews", async (t) => {
  const secure = await startStage({ tls: true });
  t.after(() => secure.close());
  tls.setDefaultCACertificates([...tls.getCACertificates("default"), secure.simulator.ca ?? ""]);
  const folder = await mkdtemp(join(tmpdir(), "entrain-workload-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "token");
  const subject = "system:serviceaccount:entrain:sync";
  const { client } = secure.app({ federated: { issuer: secure.issuer.origin, subject } });
  const renew = async (): Promise<void> =>
    writeFile(file, await secure.issuer.assertion({ sub: subject }, secure.now()));
  await renew();
  process.env.AZURE_FEDERATED_TOKEN_FILE = file;
  try {
    await works(secure, client, { kind: "workload-identity" }, renew, 0);
  } finally {
    delete process.env.AZURE_FEDERATED_TOKEN_FILE;
  }
});

test("a user name and a password connect, sync and sign in again", async () => {
  const { userPrincipalName: username } = stage.simulator.identity.administrator();
  const password = (): string => stage.simulator.identity.person(username)?.password ?? "";
  const { client } = stage.publicApp();
  await works(stage, client, { kind: "password", username, password });
});

test("an administrator's agreement connects, syncs and refreshes, and each new refresh token is kept", async () => {
  const { userPrincipalName: username } = stage.simulator.identity.administrator();
  const { client } = stage.publicApp();
  const kept = [await refreshTokenOf(stage, client, username)];
  await works(stage, client, {
    kind: "delegated",
    refreshToken: async () => kept.at(-1) ?? null,
    replace: async (token) => void kept.push(token),
    refused: async (reason) => assert.fail(reason),
    died: async () => assert.fail("the agreement died"),
  });
  assert.ok(new Set(kept).size >= 3);
});
