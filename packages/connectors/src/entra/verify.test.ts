import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Check } from "@entrain/core";
import type { DelegatedCredential } from "./credentials/credential.ts";
import {
  type Answer,
  type Call,
  CLIENT,
  discovery,
  type FakeTenant,
  type Rig,
  readAll,
  rigFor,
  SECRET,
  startTenant,
  TENANT,
} from "./testing.ts";

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
    if (call.path.endsWith("/delta")) {
      return { body: { "@odata.deltaLink": `${origin}${call.path}?$deltatoken=t`, value: [] } };
    }
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
      "tenant",
      "sign-in",
      "credential expiry",
      "application",
      "consent",
      "permissions",
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
  assert.deepEqual(
    checks.map((check) => check.name),
    ["addresses", "credential", "tenant", "sign-in"],
  );
  assert.equal(named(checks, "sign-in").ok, false);
  assert.match(named(checks, "sign-in").detail, /expired/);
  assert.match(named(checks, "sign-in").fix ?? "", /Create a new client secret/);
});

test("notes permissions to change the tenant, which reading does not need", async () => {
  const tenant = await tenantOf();
  tenant.roles = ["User.ReadWrite.All", "Directory.ReadWrite.All", "Group.Read.All"];
  const excess = named(await verify(rigFor(tenant.origin)), "excess permissions");
  assert.equal(excess.ok, true);
  assert.match(excess.detail, /User\.ReadWrite\.All, Directory\.ReadWrite\.All\. Remove User\.ReadWrite\.All on /);
  assert.match(excess.detail, /Grant User\.Read\.All first, and only then remove Directory\.ReadWrite\.All, without/);
});

test("has the needed permissions granted before the broader one is removed that does their work", async () => {
  const tenant = await tenantOf();
  tenant.roles = ["Directory.Read.All", "Mail.Send"];
  const { detail } = named(await verify(rigFor(tenant.origin)), "excess permissions");
  assert.match(detail, /Remove Mail\.Send on its API permissions page in Entra where nothing else uses it\./);
  assert.match(
    detail,
    /Grant User\.Read\.All and GroupMember\.Read\.All first, and only then remove Directory\.Read\.All,/,
  );
  assert.doesNotMatch(detail, /emove [^.]*Mail\.Send[^.]*Directory|emove [^.]*Directory[^.]*Mail\.Send/);
  tenant.roles = ["Directory.Read.All"];
  const alone = named(await verify(rigFor(tenant.origin)), "excess permissions");
  assert.match(alone.detail, /reading needs: Directory\.Read\.All\. Grant User\.Read\.All and GroupMember/);
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

test("names ids that were swapped, a tenant of another cloud, and one domain's id", async () => {
  const swapped = await tenantOf();
  swapped.refuseTenant = (name) =>
    name === CLIENT ? null : { status: 400, body: { error: "invalid_tenant", error_codes: [90002] } };
  const mixed = named(await verify(rigFor(swapped.origin)), "tenant");
  assert.match(mixed.detail, new RegExp(`no tenant ${TENANT}, but the client ${CLIENT} is one`));
  assert.match(mixed.fix ?? "", /^Swap them/);
  const foreign = await tenantOf();
  foreign.discovery = { ...discovery(foreign.origin), msgraph_host: "graph.microsoft.us" };
  const cloud = named(await verify(rigFor(foreign.origin)), "tenant");
  assert.equal(cloud.fix, "Set the connection's cloud to usgov.");
  assert.equal(foreign.calls.filter((call) => call.path.endsWith("/token")).length, 0);
  const domain = named(await verify(rigFor((await tenantOf()).origin, { tenant: "contoso.com" })), "tenant");
  assert.deepEqual([domain.ok, domain.detail.includes(TENANT)], [true, true]);
});

test("names one id given twice, and spaces, before anything is sent", async () => {
  const tenant = await tenantOf();
  const twice = named(await verify(rigFor(tenant.origin, { tenant: CLIENT })), "addresses");
  assert.match(twice.detail, /same id/);
  const spaced = named(await verify(rigFor(tenant.origin, { client: ` ${CLIENT}` })), "addresses");
  assert.match(spaced.detail, /client has a space in it/);
  assert.equal(tenant.calls.length, 0);
});

test("tries every credential by itself, and says when each ends", async () => {
  const tenant = await tenantOf((call) =>
    call.path.includes("/applications(")
      ? {
          body: {
            id: "o",
            appId: CLIENT,
            displayName: "Entrain",
            passwordCredentials: [
              { hint: "CAN", endDateTime: "2026-03-20T12:00:00Z" },
              { hint: "CAN", endDateTime: "2025-01-01T00:00:00Z" },
            ],
          },
        }
      : null,
  );
  tenant.judge = (form) =>
    form.get("client_secret") === "wrong" ? { status: 401, body: { error: "x", error_codes: [7000215] } } : null;
  const checks = await verify(
    rigFor(tenant.origin, {
      credentials: [
        { kind: "secret", secret: () => "wrong" },
        { kind: "secret", secret: () => SECRET },
      ],
    }),
  );
  assert.equal(named(checks, "sign-in").ok, true);
  assert.match(named(checks, "credential 1: client secret").detail, /AADSTS7000215/);
  assert.match(named(checks, "credential 2: client secret").detail, /^Works\. .*ends on 2026-03-20, in 19 days/);
  const dated = { kind: "secret", secret: () => "other", expiresAt: Date.parse("2026-03-02T12:00:00Z") } as const;
  const alone = await verify(rigFor(tenant.origin, { credentials: [dated] }));
  assert.match(named(alone, "credential expiry").detail, /ends on 2026-03-02, in 1 day\. Replace it before/);
  assert.match(named(alone, "credential expiry").detail, /^Warning: the client secret ends/);
});

test("says that a feature's licence is missing, and which permission it needs", async () => {
  const refused = { status: 403, body: { error: { code: "Authentication_RequestFromNonPremiumTenantOrB2CTenant" } } };
  const tenant = await tenantOf((call) => (call.url.includes("signInActivity") ? refused : null));
  const checks = await verify(rigFor(tenant.origin, { attributes: ["displayName", "signInActivity"] }));
  assert.match(named(checks, "sign-in activity").fix ?? "", /Microsoft Entra ID P1/);
  assert.match(
    named(checks, "permissions").detail,
    /Missing: AuditLog\.Read\.All \(to read when people last signed in\)/,
  );
});

test("says that public client flows must be allowed where a credential needs them", async () => {
  const tenant = await tenantOf((call) =>
    call.path.includes("/applications(") ? { body: { id: "o", appId: CLIENT, isFallbackPublicClient: false } } : null,
  );
  const credential = { kind: "password", username: "sync@contoso.com", password: () => "p" } as const;
  const check = named(await verify(rigFor(tenant.origin, { credentials: [credential] })), "public client flows");
  assert.match(check.fix ?? "", /Allow public client flows/);
});

test("goes on checking when the registration could not be asked, and says so", async () => {
  const busy: Answer = { status: 503, body: { error: { code: "serviceNotAvailable", message: "CANARY" } } };
  const tenant = await tenantOf(({ path }) => (path.includes("/applications(appId=") ? busy : null));
  const checks = await verify(rigFor(tenant.origin));
  const application = named(checks, "application");
  assert.equal(application.ok, false);
  assert.match(application.detail, /registration could not be read.*503/);
  assert.match(application.fix ?? "", /Verify again/);
  assert.ok(named(checks, "group changes").ok);
  assert.match(named(checks, "credential expiry").detail, /could not be asked/);
  assert.doesNotMatch(named(checks, "credential expiry").detail, /grant Application\.Read\.All/);
});

test("counts a licence only while the tenant may use it", async () => {
  let licences: readonly object[] = [];
  const tenant = await tenantOf(({ path }) =>
    path.endsWith("/subscribedSkus") ? { body: { value: licences } } : null,
  );
  tenant.roles = ["User.Read.All", "Group.Read.All", "LicenseAssignment.Read.All"];
  const sku = (capabilityStatus: string | undefined, servicePlanName: string): object => ({
    id: servicePlanName,
    ...(capabilityStatus === undefined ? {} : { capabilityStatus }),
    servicePlans: [{ servicePlanName }],
  });
  const told = async (...value: readonly object[]): Promise<string> => {
    licences = value;
    return named(await verify(rigFor(tenant.origin)), "tenant licences").detail;
  };
  assert.match(await told(sku("Suspended", "AAD_PREMIUM_P2")), /^The tenant has neither .*Not usable .*P2/);
  assert.match(
    await told(sku("LockedOut", "AAD_PREMIUM_P2"), sku("Warning", "AAD_PREMIUM")),
    /^The tenant has Microsoft Entra ID P1 [^.]*\. Not usable [^.]*P2/,
  );
  const both = await told(sku("Deleted", "AAD_PREMIUM"), sku("Enabled", "AAD_PREMIUM"));
  assert.match(both, /^The tenant has Microsoft Entra ID P1/);
  assert.doesNotMatch(both, /Not usable/);
});

test("names the connection in the command that mends it, where its name is known", async () => {
  const tenant = await tenantOf();
  const dead: DelegatedCredential = {
    kind: "delegated",
    refreshToken: async () => null,
    replace: async () => undefined,
    refused: async () => undefined,
    died: async () => undefined,
  };
  const fix = async (options: Parameters<typeof rigFor>[1]): Promise<string> =>
    named(await verify(rigFor(tenant.origin, options)), "sign-in").fix ?? "";
  assert.match(await fix({ name: "contoso", credentials: [dead] }), /entrain connection authorize contoso\.$/);
  assert.match(await fix({ credentials: [dead] }), /entrain connection authorize NAME\.$/);
  tenant.refusal = { status: 400, body: { error: "invalid_grant", error_codes: [50173] } };
  const revoked = [{ ...dead, refreshToken: async () => "CANARYrefresh" }];
  assert.match(await fix({ name: "contoso", credentials: revoked }), /entrain connection authorize contoso\.$/);
});

test("leaves an administrator's sign-in as it is, whether it works, is refused or has ended", async () => {
  const tenant = await tenantOf(({ path }) => (path.endsWith("$count") ? { body: "1" } : null));
  const kept: string[] = [];
  const delegated: DelegatedCredential = {
    kind: "delegated",
    refreshToken: async () => "CANARYrefresh",
    replace: async () => void kept.push("replaced"),
    refused: async () => void kept.push("refused"),
    died: async () => void kept.push("died"),
  };
  const asked = (): number => tenant.calls.filter(({ path }) => path.endsWith("/token")).length;
  tenant.grantMore = { refresh_token: "CANARYnext" };
  for (const refusal of [null, 53003, 700082]) {
    tenant.refusal =
      refusal === null ? null : { status: 400, body: { error: "invalid_grant", error_codes: [refusal] } };
    for (const credentials of [[delegated], [delegated, delegated]]) {
      const before = asked();
      const checks = await verify(rigFor(tenant.origin, { credentials }));
      assert.ok(asked() > before);
      assert.equal(named(checks, "sign-in").ok, refusal === null);
    }
  }
  assert.deepEqual(kept, []);
  tenant.refusal = null;
  const { source } = rigFor(tenant.origin, { credentials: [delegated] });
  await source.verify(new AbortController().signal);
  await readAll(source, "user");
  await source.close();
  assert.deepEqual(kept, ["replaced"], "a read keeps what it was given");
});
