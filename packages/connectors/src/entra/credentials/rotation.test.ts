import assert from "node:assert/strict";
import { test } from "node:test";
import { createEntraSource, type EntraOptions } from "../index.ts";
import { readAll } from "../testing.ts";
import type { Credential } from "./credential.ts";
import { type Stage, startStage } from "./testing/stage.ts";
import { makeCertificate, type TestCertificate } from "./testing.ts";

const DAY_MS = 86_400_000;

/** What a sync did while its credential was replaced: how often it signed in, and what was refused. */
interface Rotated {
  readonly signIns: number;
  readonly refused: readonly string[];
}

/**
 * A sync that reads again and again while the credential is replaced. The credentials are those that stand in the
 * configuration at each run; `meanwhile` is the step that an administrator takes meanwhile.
 */
async function rotate(
  stage: Stage,
  client: string,
  steps: readonly { readonly credentials: readonly Credential[]; readonly meanwhile: () => void }[],
): Promise<Rotated> {
  const refused: string[] = [];
  let signIns = 0;
  for (const { credentials, meanwhile } of steps) {
    let isDue = true;
    const watch: EntraOptions["onRequest"] = ({ method, path, status }) => {
      if (path.endsWith("/token")) signIns++;
      if (status === null || status >= 400) refused.push(`${method} ${path}: ${status}`);
      if (!isDue || !path.includes("/users")) return;
      // In the middle of a read, between two of its requests: the token ends there too, and the read goes on.
      isDue = false;
      stage.pass(29 * 3_600_000);
      meanwhile();
    };
    const source = createEntraSource({ ...stage.options(client, ...credentials), onRequest: watch });
    try {
      await readAll(source, "user");
    } finally {
      await source.close();
    }
  }
  return { signIns, refused };
}

function failedIn({ simulator }: Stage): readonly string[] {
  return simulator.requests.list().flatMap(({ path, status }) => (status >= 400 ? [`${status} ${path}`] : []));
}

const secret = (value: string): Credential => ({ kind: "secret", secret: () => value });
const certificate = ({ certificate: data, key }: TestCertificate): Credential => ({
  kind: "certificate",
  certificate: () => ({ data, key }),
});

test("a secret is rotated during a running sync, without a failed request", async (t) => {
  const stage = await startStage();
  t.after(() => stage.close());
  const { client } = stage.app({ secret: "first" });
  const { identity } = stage.simulator;
  const keyOf = (at: number): string => identity.apps().find((app) => app.client === client)?.secrets[at]?.keyId ?? "";
  const old = keyOf(0);
  const { signIns, refused } = await rotate(stage, client, [
    { credentials: [secret("first")], meanwhile: () => identity.addSecret(client, { value: "second" }) },
    { credentials: [secret("first"), secret("second")], meanwhile: () => undefined },
    { credentials: [secret("second")], meanwhile: () => identity.endCredentials(client, null, old) },
    { credentials: [secret("second")], meanwhile: () => undefined },
  ]);
  assert.deepEqual(refused, []);
  assert.deepEqual(failedIn(stage), []);
  assert.equal(signIns, 8, "each of the four reads signs in once more in its middle");
});

test("a certificate is rotated during a running sync, without a failed request", async (t) => {
  const stage = await startStage();
  t.after(() => stage.close());
  const [first, second] = [0, 1].map(() => makeCertificate(Date.now() - DAY_MS, Date.now() + 400 * DAY_MS));
  assert.ok(first !== undefined && second !== undefined);
  const { client } = stage.app({ certificate: first.certificate });
  const { identity } = stage.simulator;
  const old = identity.apps().find((app) => app.client === client)?.certificates[0]?.keyId ?? "";
  const { signIns, refused } = await rotate(stage, client, [
    { credentials: [certificate(first)], meanwhile: () => identity.addCertificate(client, second.certificate) },
    { credentials: [certificate(first), certificate(second)], meanwhile: () => undefined },
    { credentials: [certificate(second)], meanwhile: () => identity.endCredentials(client, null, old) },
    { credentials: [certificate(second)], meanwhile: () => undefined },
  ]);
  assert.deepEqual(refused, []);
  assert.deepEqual(failedIn(stage), []);
  assert.equal(signIns, 8, "each of the four reads signs in once more in its middle");
});

test("one that is taken away too early costs a refused sign-in, and no request to Graph", async (t) => {
  const stage = await startStage();
  t.after(() => stage.close());
  const { client } = stage.app({ secret: "first" });
  const { identity } = stage.simulator;
  identity.addSecret(client, { value: "second" });
  const [old] = identity.apps().find((app) => app.client === client)?.secrets ?? [];
  const { refused } = await rotate(stage, client, [
    {
      credentials: [secret("first"), secret("second")],
      meanwhile: () => identity.endCredentials(client, null, old?.keyId ?? ""),
    },
  ]);
  assert.equal(refused.length, 1);
  assert.match(refused[0] ?? "", /\/token: 401$/);
  assert.deepEqual(
    failedIn(stage).filter((request) => request.includes("/v1.0/")),
    [],
  );
});
