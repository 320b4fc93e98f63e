import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Check } from "@entrain/core";
import { type Answer, type Call, type FakeTenant, type Rig, rigFor, startTenant } from "./testing.ts";

const tenants: FakeTenant[] = [];
after(() => Promise.all(tenants.map((tenant) => tenant.close())));

const DENIED: Answer = {
  status: 403,
  body: { error: { code: "Authorization_RequestDenied", message: "Insufficient" } },
};

async function tenantOf(override: (call: Call) => Answer | null = () => null): Promise<FakeTenant> {
  const tenant = await startTenant((call, origin) => {
    const special = override(call);
    if (special !== null) return special;
    if (call.path.endsWith("/delta")) return { body: { "@odata.deltaLink": `${origin}/v1.0/x?t`, value: [] } };
    if (call.path.endsWith("/organization")) return { body: { value: [{ id: "t", displayName: "Contoso" }] } };
    return { body: { value: [{ id: "a", displayName: "Adele Vance", accountEnabled: true }] } };
  });
  tenants.push(tenant);
  return tenant;
}

async function verify(rig: Rig): Promise<readonly Check[]> {
  try {
    return await rig.source.verify(new AbortController().signal);
  } finally {
    await rig.source.close();
  }
}

function named(checks: readonly Check[], name: string): Check {
  const check = checks.find((candidate) => candidate.name === name);
  assert.ok(check !== undefined, `no check ${name}`);
  return check;
}

test("says check by check what was found when all is well, and writes nothing", async () => {
  const tenant = await tenantOf();
  tenant.roles = ["User.Read.All", "Group.Read.All", "Member.Read.Hidden"];
  const checks = await verify(rigFor(tenant.origin));
  assert.deepEqual(
    checks.map((check) => check.name),
    [
      "addresses",
      "credential",
      "sign-in",
      "organization",
      "users",
      "user details",
      "groups",
      "group members",
      "user changes",
      "group changes",
    ],
  );
  assert.ok(checks.every((check) => check.ok && check.fix === null));
  assert.match(named(checks, "sign-in").detail, /Group\.Read\.All/);
  assert.match(named(checks, "organization").detail, /Contoso/);
  assert.match(named(checks, "users").detail, /Adele Vance/);
  assert.match(named(checks, "group members").detail, /hidden membership too/);
  assert.ok(tenant.calls.every((call) => call.method === "GET" || call.path.endsWith("/token")));
});

test("says what is wrong with the settings before anything is sent", async () => {
  const tenant = await tenantOf();
  const rig = rigFor(tenant.origin, {
    tenant: "contoso",
    credentials: [{ kind: "secret", secret: () => "3b1f7e2c-1111-4222-8333-444455556666" }],
  });
  const checks = await verify(rig);
  assert.deepEqual(
    checks.map(({ name, ok }) => ({ name, ok })),
    [
      { name: "addresses", ok: false },
      { name: "credential", ok: false },
    ],
  );
  assert.match(named(checks, "credential").detail, /looks like the secret's id, not its value/);
  assert.match(named(checks, "credential").fix ?? "", /column Value, not Secret ID/);
  assert.equal(tenant.calls.length, 0);
});

test("stops at a refused sign-in with the mend for just that refusal", async () => {
  const tenant = await tenantOf();
  tenant.refusal = { status: 401, body: { error: "invalid_client", error_codes: [7000222] } };
  const checks = await verify(rigFor(tenant.origin));
  assert.equal(checks.length, 3);
  assert.equal(named(checks, "sign-in").ok, false);
  assert.match(named(checks, "sign-in").detail, /expired/);
  assert.match(named(checks, "sign-in").fix ?? "", /Create a new client secret/);
});

test("notes permissions to change the tenant, which reading does not need", async () => {
  const tenant = await tenantOf();
  tenant.roles = ["User.ReadWrite.All", "Directory.ReadWrite.All", "Group.Read.All"];
  const excess = named(await verify(rigFor(tenant.origin)), "excess permissions");
  assert.equal(excess.ok, true);
  assert.match(excess.detail, /User\.ReadWrite\.All, Directory\.ReadWrite\.All\. Remove/);
});

test("says which permission is missing, and goes on with the other checks", async () => {
  const tenant = await tenantOf((call) => (/groups|organization/.test(call.path) ? DENIED : null));
  const checks = await verify(rigFor(tenant.origin));
  const failed = checks.filter((check) => !check.ok).map((check) => check.name);
  assert.deepEqual(failed, ["groups", "group members", "group changes"]);
  assert.match(named(checks, "groups").detail, /Group\.Read\.All/);
  assert.match(named(checks, "organization").detail, /^Skipped/);
});

test("notices account states that Graph hides", async () => {
  const hidden = { body: { value: [{ id: "a", displayName: "A", accountEnabled: null }] } };
  const tenant = await tenantOf((call) => (call.path === "/v1.0/users" ? hidden : null));
  const check = named(await verify(rigFor(tenant.origin)), "user details");
  assert.equal(check.ok, false);
  assert.match(check.fix ?? "", /User\.Read\.All/);
});

test("notices a token without permissions", async () => {
  const tenant = await tenantOf();
  tenant.roles = [];
  const checks = await verify(rigFor(tenant.origin));
  assert.match(named(checks, "sign-in").fix ?? "", /grant admin consent/);
});

test("does not keep someone waiting for a host that is not there", async () => {
  const closed = await startTenant(() => ({}));
  await closed.close();
  const rig = rigFor(closed.origin);
  const check = named(await verify(rig), "sign-in");
  assert.match(check.detail, /nothing listens there/);
  assert.equal(rig.time.waits.length, 1);
});
