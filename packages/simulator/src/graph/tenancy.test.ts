import assert from "node:assert/strict";
import { test } from "node:test";
import { EVERY_ROLE } from "../permissions.ts";
import { startClient } from "../testing/client.ts";
import { person, smallTenant, team } from "../testing/tenant.ts";

const E5 = "06ebc4ee-1bb5-47dd-8120-11324bc54e06";
const AUDITED = [...EVERY_ROLE, "AuditLog.Read.All"];
const START = Date.UTC(2026, 5, 1, 9, 30);

test("the tenant's products count who holds them, and a person's licences tell their plans", async (t) => {
  const client = await startClient(t, { people: 200, groups: 5 });
  const { body } = await client.get("/subscribedSkus");
  assert.deepEqual(body.value?.map(({ skuPartNumber }) => skuPartNumber).toSorted(), ["SPE_E3", "SPE_E5", "SPE_F1"]);
  const consumed = body.value?.reduce((sum, sku) => sum + Number(sku.consumedUnits), 0);
  const { records } = await client.all("/users?$select=id,assignedLicenses,assignedPlans&$top=999");
  const licensed = records.filter(({ assignedLicenses }) => (assignedLicenses as readonly unknown[]).length > 0);
  assert.equal(consumed, licensed.length);
  assert.ok(licensed.every(({ assignedPlans }) => (assignedPlans as readonly unknown[]).length >= 4));
  const details = await client.get(`/users/${licensed[0]?.id}/licenseDetails`);
  assert.equal(details.body.value?.length, 1);
  const [detail = {}] = details.body.value ?? [];
  assert.ok((detail.servicePlans as readonly unknown[]).length >= 4);
  const filtered = await client.all(
    `/users?$filter=assignedLicenses/any(l:l/skuId eq ${E5})&$select=id,assignedLicenses`,
  );
  assert.ok(filtered.records.length > 0 && filtered.records.length < licensed.length);
  assert.equal((await client.get("/subscribedSkus?$filter=skuId eq 'x'")).status, 400);
});

test("a licence is given only where it may be used and to whom the tenant can give it", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(1) });
  const assign = (skuId: string): ReturnType<typeof client.send> =>
    client.send("POST", `/users/${person(1)}/assignLicense`, { addLicenses: [{ skuId }], removeLicenses: [] });
  assert.match((await assign(E5)).body.error?.message ?? "", /usage location/);
  await client.send("PATCH", `/users/${person(1)}`, { usageLocation: "DE" });
  assert.equal((await assign("00000000-0000-4000-8000-000000000000")).status, 400);
  const { last } = await client.all("/users/delta?$select=assignedLicenses");
  assert.equal((await assign(E5)).status, 200);
  const changed = await client.all(String(last["@odata.deltaLink"]));
  assert.deepEqual(changed.records[0]?.assignedLicenses, [{ skuId: E5, disabledPlans: [] }]);
});

test("sign-in activity needs AuditLog.Read.All, a premium licence and pages of at most 500", async (t) => {
  const client = await startClient(t, { people: 600, groups: 0, roles: AUDITED, clock: () => START });
  const path = "/users?$select=id,accountEnabled,signInActivity";
  assert.equal((await client.get(`${path}&$top=501`)).status, 400);
  const { records } = await client.all(`${path}&$top=500`);
  const active = records.filter(({ signInActivity }) => signInActivity !== null);
  assert.ok(active.length > 400 && active.length < 600, String(active.length));
  const old = "2026-05-10T00:00:00Z";
  const filtered = await client.all(`${path}&$filter=signInActivity/lastSignInDateTime le ${old}&$top=500`);
  const expected = active.filter(
    (user) => String((user.signInActivity as Record<string, string>).lastSignInDateTime) <= old,
  );
  assert.deepEqual(
    filtered.records.map(({ id }) => id),
    expected.map(({ id }) => id),
  );
  client.simulator.tenancy.setLicences(["ENTERPRISEPACK"]);
  const refused = await client.get(path);
  assert.deepEqual(
    [refused.status, refused.body.error?.code],
    [403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant"],
  );
  assert.equal((await client.get("/auditLogs/signIns")).status, 403);
  client.simulator.tenancy.setLicences(["AAD_PREMIUM"]);
  client.simulator.setRoles(["User.Read.All"]);
  await client.signIn();
  assert.equal((await client.get(path)).body.error?.code, "Authentication_MSGraphPermissionMissing");
  assert.equal((await client.get(`/users/${active[0]?.id}?$select=signInActivity`)).status, 403);
  assert.equal((await client.get("/users?$select=id&$top=999")).status, 200);
});

test("sign-ins are reported newest first, by pages, five requests in ten seconds", async (t) => {
  const client = await startClient(t, {
    people: 60,
    groups: 0,
    roles: AUDITED,
    throttle: "published",
    clock: () => START,
  });
  const first = await client.get("/auditLogs/signIns?$top=10");
  const times = first.body.value?.map(({ createdDateTime }) => String(createdDateTime)) ?? [];
  assert.deepEqual(times, times.toSorted().toReversed());
  assert.ok(first.body["@odata.nextLink"]?.includes("$skiptoken="));
  const since = times[4] ?? "";
  const recent = await client.get(`/auditLogs/signIns?$filter=createdDateTime ge ${since}`);
  assert.ok(recent.body.value?.every(({ createdDateTime }) => String(createdDateTime) >= since));
  for (let i = 0; i < 3; i++) assert.equal((await client.get("/auditLogs/signIns")).status, 200);
  const refused = await client.get("/auditLogs/signIns");
  assert.equal(refused.status, 429);
  client.simulator.advance(Number(refused.headers.get("retry-after")) * 1000);
  assert.equal((await client.get("/auditLogs/signIns")).status, 200);
});

test("photos are JPEG in every documented size, and 404 where there is none", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(2) });
  client.simulator.tenancy.setPhoto(person(1), true);
  client.simulator.tenancy.setPhoto(person(2), false);
  const { body } = await client.get(`/users/${person(1)}/photo`);
  assert.deepEqual([body.width, body["@odata.mediaContentType"]], [648, "image/jpeg"]);
  const image = await client.get(`/users/${person(1)}/photos/48x48/$value`);
  assert.equal(image.headers.get("content-type"), "image/jpeg");
  assert.equal((await client.get(`/users/${person(1)}/photos`)).body.value?.length, 9);
  assert.equal((await client.get(`/users/${person(1)}/photos/50x50`)).status, 400);
  const missing = await client.get(`/users/${person(2)}/photo/$value`);
  assert.deepEqual([missing.status, missing.body.error?.code], [404, "ImageNotFound"]);
  const etag = body["@odata.mediaEtag"];
  client.simulator.tenancy.setPhoto(person(1), true);
  assert.notEqual((await client.get(`/users/${person(1)}/photo`)).body["@odata.mediaEtag"], etag);
});

test("directory extensions are declared by an application, then written, selected, filtered and tracked", async (t) => {
  const roles = [...EVERY_ROLE, "Application.ReadWrite.All"];
  const client = await startClient(t, { tenant: smallTenant(2, { [team(1)]: { members: [] } }), roles });
  const app = `/applications(appId='${client.simulator.client}')`;
  const declared = await client.send("POST", `${app}/extensionProperties`, {
    name: "costCentre",
    dataType: "Integer",
    targetObjects: ["User"],
  });
  assert.equal(declared.status, 201, declared.text);
  const name = String(declared.body.name);
  assert.equal(name, `extension_${client.simulator.client.replaceAll("-", "")}_costCentre`);
  assert.equal((await client.send("PATCH", `/users/${person(1)}`, { [name]: "text" })).status, 400);
  assert.equal((await client.send("PATCH", `/groups/${team(1)}`, { [name]: 1 })).status, 400);
  assert.equal((await client.send("PATCH", `/users/${person(1)}`, { [`${name}2`]: "text" })).status, 400);
  const { last } = await client.all(`/users/delta?$select=${name}`);
  assert.equal((await client.send("PATCH", `/users/${person(1)}`, { [name]: 4711 })).status, 204);
  assert.deepEqual((await client.get(`/users?$select=${name}&$filter=${name} eq 4711`)).body.value, [{ [name]: 4711 }]);
  assert.deepEqual((await client.all(String(last["@odata.deltaLink"]))).records, [{ id: person(1), [name]: 4711 }]);
  const available = await client.send("POST", "/directoryObjects/getAvailableExtensionProperties", {});
  assert.deepEqual(
    available.body.value?.map((extension) => extension.name),
    [name],
  );
  assert.equal((await client.send("DELETE", `${app}/extensionProperties/${declared.body.id}`)).status, 204);
  assert.deepEqual((await client.get(`${app}/extensionProperties`)).body.value, []);
});

test("extensions that a loaded tenant holds are available, and on-premises attributes are selectable", async (t) => {
  const name = "extension_4d405aa8baa04fb494d3e0571fd9fd71_skypeId";
  const onPremisesExtensionAttributes = { extensionAttribute1: "A-17", extensionAttribute15: null };
  const [user] = smallTenant(1).users;
  const tenant = { ...smallTenant(0), users: [{ ...user, [name]: "adele", onPremisesExtensionAttributes }] };
  const client = await startClient(t, { tenant });
  const available = await client.send("POST", "/directoryObjects/getAvailableExtensionProperties", {
    isSyncedFromOnPremises: false,
  });
  assert.equal(available.body.value?.[0]?.name, name);
  const { body } = await client.get(`/users?$select=${name},onPremisesExtensionAttributes`);
  assert.deepEqual(body.value, [{ [name]: "adele", onPremisesExtensionAttributes }]);
  const filter = "onPremisesExtensionAttributes/extensionAttribute1 eq 'A-17'";
  const found = await client.get(`/users?$select=id&$count=true&$filter=${filter}`, { ConsistencyLevel: "eventual" });
  assert.equal(found.body.value?.length, 1);
});

test("open extensions show when they are expanded", async (t) => {
  const client = await startClient(t, { tenant: smallTenant(1) });
  const extension = {
    "@odata.type": "#microsoft.graph.openTypeExtension",
    extensionName: "com.contoso.desk",
    floor: 4,
  };
  assert.equal((await client.send("POST", `/users/${person(1)}/extensions`, extension)).status, 201);
  const { body } = await client.get(`/users/${person(1)}?$select=id&$expand=extensions`);
  assert.equal((body.extensions as readonly Record<string, unknown>[])[0]?.floor, 4);
  assert.equal((await client.get(`/users/${person(1)}/extensions/com.contoso.desk`)).body.floor, 4);
  assert.equal((await client.send("DELETE", `/users/${person(1)}/extensions/com.contoso.desk`)).status, 204);
  assert.deepEqual((await client.get(`/users/${person(1)}/extensions`)).body.value, []);
});

test("policies are written with all three permissions and a licence, one request a second", async (t) => {
  const roles = ["Policy.Read.All", "Policy.ReadWrite.ConditionalAccess", "Application.Read.All"];
  const client = await startClient(t, { tenant: smallTenant(1), roles, throttle: "published", clock: () => START });
  const path = "/identity/conditionalAccess/policies";
  const policy = {
    displayName: "MFA",
    state: "enabled",
    conditions: { applications: { includeApplications: ["All"] }, users: { includeUsers: ["All"] } },
    grantControls: { operator: "OR", builtInControls: ["mfa"] },
  };
  const next = (): void => client.simulator.advance(1000);
  const made = await client.send("POST", path, policy);
  assert.equal(made.status, 201, made.text);
  const refused = await client.get(path);
  assert.deepEqual([refused.status, refused.headers.get("retry-after")], [429, null]);
  next();
  assert.equal((await client.send("PATCH", `${path}/${made.body.id}`, { state: "enforced" })).status, 400);
  next();
  assert.equal((await client.send("PATCH", `${path}/${made.body.id}`, { state: "disabled" })).status, 204);
  next();
  assert.equal((await client.get(path)).body.value?.[0]?.state, "disabled");
  next();
  client.simulator.tenancy.setLicences([]);
  assert.equal((await client.get(path)).status, 403);
  client.simulator.tenancy.setLicences(["SPE_E3"]);
  client.simulator.setRoles(["Policy.Read.All"]);
  await client.signIn();
  next();
  assert.equal((await client.send("POST", path, policy)).status, 403);
});

test("access reviews are started, read to their decisions, and decided by people alone", async (t) => {
  const roles = ["AccessReview.ReadWrite.All"];
  const tenant = smallTenant(3, { [team(1)]: { members: [person(1), person(2)] } });
  const client = await startClient(t, { tenant, roles });
  const root = "/identityGovernance/accessReviews/definitions";
  const scope = {
    "@odata.type": "#microsoft.graph.accessReviewQueryScope",
    query: `/groups/${team(1)}/transitiveMembers`,
    queryType: "MicrosoftGraph",
  };
  const ids: unknown[] = [];
  for (const displayName of ["First", "Second", "Third"]) {
    const made = await client.send("POST", root, { displayName, scope });
    assert.equal(made.status, 201, made.text);
    ids.push(made.body.id);
  }
  const listed = await client.all(`${root}?$top=2&$select=id`);
  assert.deepEqual([listed.pages, listed.records.map(({ id }) => id)], [2, ids]);
  assert.equal((await client.get("/users?$skip=1")).status, 403);
  const instances = `${root}/${ids[0]}/instances`;
  const [instance] = (await client.get(instances)).body.value ?? [];
  const decisions = `${instances}/${instance?.id}/decisions`;
  const { value } = (await client.get(decisions)).body;
  assert.deepEqual(
    value?.map(({ principal, decision }) => [(principal as Record<string, unknown>).id, decision]),
    [
      [person(1), "NotReviewed"],
      [person(2), "NotReviewed"],
    ],
  );
  assert.equal((await client.send("PATCH", `${decisions}/${value?.[0]?.id}`, { decision: "Approve" })).status, 403);
  assert.equal((await client.send("POST", `${instances}/${instance?.id}/stop`)).status, 204);
  assert.equal((await client.get(`${instances}/${instance?.id}`)).body.status, "Completed");
  client.simulator.tenancy.setLicences(["SPE_E3"]);
  assert.equal((await client.get(root)).status, 403);
});
