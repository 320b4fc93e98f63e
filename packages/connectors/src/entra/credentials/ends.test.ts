import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { after, before, test } from "node:test";
import type { Registration } from "../application.ts";
import { createEntraInspector, type EntraOptions } from "../index.ts";
import type { Credential } from "./credential.ts";
import { type CredentialEnd, credentialEnds } from "./ends.ts";
import { ROLES, type Stage, startStage } from "./testing/stage.ts";
import { makeCertificate } from "./testing.ts";

const DAY_MS = 86_400_000;
const SECRET = "CANARY~secret";
const READS = [...ROLES, "Application.Read.All"];

let stage: Stage;
before(async () => {
  stage = await startStage();
});
after(() => stage.close());

async function endsOf(options: EntraOptions): Promise<CredentialEnd | undefined> {
  const inspector = createEntraInspector(options);
  try {
    const [end] = await inspector.ends(new AbortController().signal);
    return end;
  } finally {
    await inspector.close();
  }
}

function whole(time: number): number {
  return Math.floor(time / 1000) * 1000;
}

test("tells that the registration could not be asked once the secret has ended, and not that nobody knows", async () => {
  const { client } = stage.app({ secret: SECRET, roles: READS });
  const endsAt = whole(stage.now()) + 3 * DAY_MS;
  stage.simulator.identity.endCredentials(client, endsAt);
  const options = stage.options(client, { kind: "secret", secret: () => SECRET });
  const known = await endsOf(options);
  assert.deepEqual([known?.endsAt, known?.toldBy, known?.unasked], [endsAt, "registration", undefined]);
  stage.simulator.identity.endCredentials(client, stage.now() - DAY_MS);
  const ended = await endsOf(options);
  assert.deepEqual([ended?.endsAt, ended?.toldBy, ended?.unasked], [null, null, true]);
});

test("has asked where the registration may not be read, and where the credential has no end", async () => {
  const { client } = stage.app({ secret: SECRET });
  const hidden = await endsOf(stage.options(client, { kind: "secret", secret: () => SECRET }));
  assert.deepEqual([hidden?.endsAt, hidden?.unasked], [null, undefined]);
  const assertion = await endsOf(stage.options(client, { kind: "federated", assertion: () => "none" }));
  assert.deepEqual([assertion?.ends, assertion?.unasked], [false, undefined]);
});

test("a certificate ends when its registration says so, where that comes before its own end", async () => {
  const made = makeCertificate(Date.now() - DAY_MS, Date.now() + 700 * DAY_MS);
  const { client } = stage.app({ certificate: made.certificate, roles: READS });
  const certificate = () => ({ data: made.certificate, key: made.key });
  const options = stage.options(client, { kind: "certificate", certificate });
  const own = await endsOf(options);
  assert.deepEqual(
    [own?.endsAt, own?.toldBy],
    [new X509Certificate(made.certificate).validToDate.getTime(), "certificate"],
  );
  const endsAt = whole(stage.now()) + 5 * DAY_MS;
  stage.simulator.identity.endCredentials(client, endsAt);
  const end = await endsOf(options);
  assert.deepEqual([end?.endsAt, end?.toldBy], [endsAt, "registration"]);
  const check = (await stage.verify(options)).find(({ name }) => name === "credential expiry");
  assert.match(check?.detail ?? "", /^Warning: the certificate ends on .*, in [45] days\. Replace it before/);
});

test("knows a certificate in its registration by its bytes, and by either thumbprint in each of its spellings", () => {
  const now = Date.now();
  const made = makeCertificate(now - DAY_MS, now + 700 * DAY_MS);
  const credential: Credential = {
    kind: "certificate",
    certificate: () => ({ data: made.certificate, key: made.key }),
  };
  const { raw } = new X509Certificate(made.certificate);
  const hash = (name: string): Buffer => createHash(name).update(raw).digest();
  const endsAt = now + 5 * DAY_MS;
  const told = (...certificates: Registration["certificates"]): string | null => {
    const registration: Registration = {
      objectId: "1",
      displayName: "Entrain",
      publicFlows: false,
      multiTenant: false,
      secrets: [],
      certificates,
    };
    const [end] = credentialEnds([credential], registration, now);
    return end?.endsAt === endsAt ? end.toldBy : null;
  };
  const other = { key: null, identifier: hash("md5").toString("base64"), endsAt: now + DAY_MS };
  assert.equal(told(other, { key: raw.toString("base64"), identifier: null, endsAt }), "registration");
  for (const name of ["sha1", "sha256"]) {
    for (const spelling of ["hex", "base64", "base64url"] as const) {
      const identifier = hash(name).toString(spelling);
      assert.equal(told(other, { key: null, identifier, endsAt }), "registration", `${name} ${spelling}`);
      assert.equal(
        told({ key: null, identifier: identifier.toUpperCase(), endsAt }),
        spelling === "hex" ? "registration" : null,
      );
    }
  }
  assert.equal(told(other), null);
});

test("of secrets that begin alike, goes by the configuration where those that are registered have ended", () => {
  const now = Date.UTC(2026, 10, 21);
  const told = (ends: readonly number[], expiresAt?: number): readonly unknown[] => {
    const registration: Registration = {
      objectId: "1",
      displayName: "Entrain",
      publicFlows: false,
      multiTenant: false,
      secrets: ends.map((days) => ({ hint: SECRET.slice(0, 3), endsAt: now + days * DAY_MS })),
      certificates: [],
    };
    const app = { kind: "secret", secret: () => SECRET, ...(expiresAt === undefined ? {} : { expiresAt }) } as const;
    const [end] = credentialEnds([app], registration, now);
    return [end?.endsAt === null ? null : ((end?.endsAt ?? 0) - now) / DAY_MS, end?.toldBy];
  };
  const inDays = (days: number): number => now + days * DAY_MS;
  // The one in use was deleted, and the other one that begins alike has ended: it is not the one in use.
  assert.deepEqual(told([-30], inDays(90)), [90, "configuration"]);
  assert.deepEqual(told([-30], inDays(-20)), [-30, "registration"]);
  assert.deepEqual(told([-30, -10]), [-10, "registration"]);
  // The day in the configuration tells which one it is; without, the first that ends.
  assert.deepEqual(told([10, 90.5], inDays(90)), [90.5, "registration"]);
  assert.deepEqual(told([10, 90.5]), [10, "registration"]);
  assert.deepEqual(told([10, 90.5], inDays(50)), [10, "registration"]);
  assert.deepEqual(told([-30, 90.5], inDays(-30)), [90.5, "registration"]);
});
