import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SCOPES, type Stage, startStage } from "../credentials/testing/stage.ts";
import { FEATURE_NAMES, leastPermissions } from "../features.ts";

let stage: Stage;
before(async () => {
  stage = await startStage();
});
after(() => stage.close());

const SECRET = "CANARY~secret";
const PROBED = [
  "sign-in activity",
  "contacts",
  "photos",
  "licences",
  "assigned applications",
  "conditional access",
  "access reviews",
];

test("every feature works with exactly the permissions that are named for it", async () => {
  const { client } = stage.app({ secret: SECRET, roles: leastPermissions(FEATURE_NAMES) });
  const options = { ...stage.options(client, { kind: "secret", secret: () => SECRET }), features: FEATURE_NAMES };
  const checks = await stage.verify(options);
  assert.deepEqual(
    checks.filter(({ ok }) => !ok),
    [],
  );
  assert.match(checks.find(({ name }) => name === "tenant licences")?.detail ?? "", /Microsoft Entra ID P2/);
  const names = checks.map(({ name }) => name);
  for (const name of PROBED) assert.ok(names.includes(name), name);
  assert.ok(!names.includes("excess permissions"));
});

test("each permission that is taken away is missed by name", async () => {
  for (const missing of ["AuditLog.Read.All", "OrgContact.Read.All", "Policy.Read.All", "AccessReview.Read.All"]) {
    const roles = leastPermissions(FEATURE_NAMES).filter((name) => name !== missing);
    const { client } = stage.app({ secret: SECRET, roles });
    const options = { ...stage.options(client, { kind: "secret", secret: () => SECRET }), features: FEATURE_NAMES };
    const failed = (await stage.verify(options)).filter(({ ok }) => !ok);
    assert.equal(failed.length, 2, JSON.stringify(failed));
    assert.equal(failed[0]?.name, "permissions");
    assert.ok(
      failed.every(({ detail, fix }) => `${detail} ${fix}`.includes(missing)),
      JSON.stringify(failed),
    );
  }
});

test("a tenant without the licence is told apart from a missing permission", async (t) => {
  stage.simulator.tenancy.setLicences([]);
  t.after(() => stage.simulator.tenancy.setLicences(["AAD_PREMIUM_P2"]));
  const { client } = stage.app({ secret: SECRET, roles: leastPermissions(FEATURE_NAMES) });
  const options = { ...stage.options(client, { kind: "secret", secret: () => SECRET }), features: FEATURE_NAMES };
  const failed = (await stage.verify(options)).filter(({ ok }) => !ok);
  assert.deepEqual(
    failed.map(({ name }) => name),
    ["sign-in activity", "conditional access", "access reviews"],
  );
  const told = (await stage.verify(options)).find(({ name }) => name === "tenant licences");
  assert.match(told?.detail ?? "", /neither Microsoft Entra ID P1/);
  for (const { detail, fix } of failed) {
    assert.match(detail, /lacks the licence/);
    assert.match(fix ?? "", /Microsoft Entra ID P[12]/);
  }
});

test("verifying sends nothing but reads", async () => {
  stage.simulator.requests.clear();
  const { client } = stage.app({ secret: SECRET, roles: leastPermissions(FEATURE_NAMES) });
  await stage.verify({ ...stage.options(client, { kind: "secret", secret: () => SECRET }), features: FEATURE_NAMES });
  const sent = stage.simulator.requests.list().filter(({ path }) => path.startsWith("/v1.0/"));
  assert.ok(sent.length > 12);
  assert.ok(sent.every(({ method }) => method === "GET"));
});

test("an account that signs in is told by name and kind, and its directory roles where they decide", async () => {
  const { identity } = stage.simulator;
  const { userPrincipalName: username } = identity.administrator();
  const password = (): string => identity.person(username)?.password ?? "";
  const { client } = stage.publicApp({ scopes: [...SCOPES, "Policy.Read.All", "AccessReview.Read.All"] });
  const options = { ...stage.options(client, { kind: "password", username, password }), features: [] };
  const plain = await stage.verify(options);
  const told = (name: string, checks: typeof plain) => checks.find((check) => check.name === name);
  assert.ok(plain.every(({ ok }) => ok));
  assert.equal(told("account", plain)?.detail, `The account ${username} is a member of this tenant.`);
  assert.match(told("public client flows", plain)?.detail ?? "", /allowed, as needed/);
  assert.equal(told("directory role", plain), undefined, "nothing that is read needs one");
  const asked = await stage.verify({ ...options, features: ["conditional-access", "access-reviews"] });
  assert.deepEqual([told("directory role", asked)?.ok, told("access reviews", asked)?.ok], [true, true]);
});
