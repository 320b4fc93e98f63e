import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { EVERY_ROLE } from "./permissions.ts";
import type { Json } from "./tenant/types.ts";
import { startClient, type TestClient } from "./testing/client.ts";
import { person, smallTenant, team } from "./testing/tenant.ts";
import { startWebhook } from "./testing/webhook.ts";

/** Microsoft's documented requests and answers; reference data that stands beside the clone, never in it. */
const CLONE = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const EXAMPLES = join(process.env.ENTRAIN_SHARED ?? join(CLONE, "..", "shared"), "graph", "examples");
const MISSING = existsSync(EXAMPLES)
  ? false
  : `The documented examples are not at ${EXAMPLES}; set ENTRAIN_SHARED to the folder that holds graph/examples.`;
const SKIP = { skip: process.env.CI === "true" ? false : MISSING };
if (MISSING !== false) console.log(`Skipped: ${MISSING}`);

type Body = Readonly<Record<string, Json>>;

interface Example {
  readonly request: { readonly method: string; readonly url: string; readonly body: Body };
  readonly response: { readonly status: number; readonly body: Body };
}

function example(name: string): Example {
  return JSON.parse(readFileSync(join(EXAMPLES, `${name}.json`), "utf8")) as Example;
}

/** Asserts that an answer holds every documented property, annotations apart. */
function assertShape(documented: Body, answered: unknown, path = ""): void {
  assert.ok(typeof answered === "object" && answered !== null, `${path} is missing`);
  for (const [name, value] of Object.entries(documented)) {
    if (name.startsWith("@")) continue;
    const at = `${path}/${name}`;
    assert.ok(name in answered, `${at} is missing`);
    const [twin] = [(answered as Body)[name]];
    if (Array.isArray(value)) assert.ok(Array.isArray(twin), `${at} is no list`);
    else if (value !== null && typeof value === "object" && twin !== null) assertShape(value as Body, twin, at);
  }
}

function firstOf({ body }: Example["response"]): Body {
  return Array.isArray(body.value) ? (body.value[0] as Body) : body;
}

const ROLES = [
  ...EVERY_ROLE,
  "AccessReview.ReadWrite.All",
  "AuditLog.Read.All",
  "Application.Read.All",
  "Policy.Read.All",
  "Policy.ReadWrite.ConditionalAccess",
];

async function reviewed(client: TestClient): Promise<{ readonly definition: string; readonly instance: string }> {
  const root = "/identityGovernance/accessReviews/definitions";
  const scope = { query: `/groups/${team(1)}/transitiveMembers`, queryType: "MicrosoftGraph" };
  const made = await client.send("POST", root, { displayName: "Review", scope });
  const definition = `${root}/${String(made.body.id)}`;
  const { body } = await client.get(`${definition}/instances`);
  return { definition, instance: `${definition}/instances/${String(body.value?.[0]?.id)}` };
}

for (const number of [1, 2, 3]) {
  test(`creates the documented conditional access policy ${number} with the documented answer`, SKIP, async (t) => {
    const { request, response } = example(`conditionalaccessroot-post-policies-${number}`);
    const client = await startClient(t, { tenant: smallTenant(1), roles: ROLES });
    const made = await client.send("POST", "/identity/conditionalAccess/policies", request.body);
    assert.equal(made.status, response.status, made.text);
    for (const [name, value] of Object.entries(response.body)) {
      if (name.startsWith("@") || ["id", "createdDateTime"].includes(name)) continue;
      assert.deepEqual(made.body[name], value, name);
    }
    const path = `/identity/conditionalAccess/policies/${String(made.body.id)}`;
    assertShape(response.body, (await client.get(path)).body);
    const gone = await client.send("DELETE", path);
    assert.equal(gone.status, example("conditionalaccesspolicy-delete-1").response.status);
  });

  test(`starts the documented access review ${number} with the documented answer`, SKIP, async (t) => {
    const { request, response } = example(`accessreviewscheduledefinition-post-${number}`);
    const client = await startClient(t, { tenant: smallTenant(1), roles: ROLES });
    const made = await client.send("POST", "/identityGovernance/accessReviews/definitions", request.body);
    assert.equal(made.status, response.status, made.text);
    for (const name of Object.keys(request.body)) assert.ok(name in made.body, name);
  });
}

test("instances and decisions of a review have the documented shape", SKIP, async (t) => {
  const tenant = smallTenant(2, { [team(1)]: { members: [person(1)] } });
  const client = await startClient(t, { tenant, roles: ROLES });
  const { definition, instance } = await reviewed(client);
  const decisions = await client.get(`${instance}/decisions`);
  assertShape(firstOf(example("accessreviewinstance-list-decisions-1").response), decisions.body.value?.[0]);
  const instances = await client.get(`${definition}/instances`);
  assertShape(firstOf(example("accessreviewinstance-list-1").response), instances.body.value?.[0], "instance");
  for (const action of ["resetDecisions", "stop"]) {
    const { response } = example(`accessreviewinstance-${action.toLowerCase()}-1`);
    assert.equal((await client.send("POST", `${instance}/${action}`)).status, response.status);
  }
  const deleted = await client.send("DELETE", definition);
  assert.equal(deleted.status, example("accessreviewscheduledefinition-delete-1").response.status);
});

test("a subscription has the documented shape and is deleted as documented", SKIP, async (t) => {
  const webhook = await startWebhook(t);
  const client = await startClient(t, { tenant: smallTenant(1), roles: ROLES });
  const made = await client.send("POST", "/subscriptions", {
    changeType: "updated,deleted",
    notificationUrl: webhook.url,
    resource: "Users",
    expirationDateTime: new Date(Date.now() + 3_600_000).toISOString(),
  });
  const { notificationContentType: _, ...documented } = firstOf(example("subscription-list-1").response);
  assertShape(documented, (await client.get("/subscriptions")).body.value?.[0]);
  const deleted = await client.send("DELETE", `/subscriptions/${String(made.body.id)}`);
  assert.equal(deleted.status, example("subscription-delete-1").response.status);
});

test("a change notification has the documented shape", SKIP, async (t) => {
  const webhook = await startWebhook(t);
  const client = await startClient(t, { tenant: smallTenant(1), roles: ROLES });
  await client.send("POST", "/subscriptions", {
    changeType: "updated",
    notificationUrl: webhook.url,
    resource: "users",
    expirationDateTime: new Date(Date.now() + 3_600_000).toISOString(),
    clientState: "secretClientValue",
  });
  await client.send("PATCH", `/users/${person(1)}`, { city: "Oslo" });
  await client.simulator.notifications.idle();
  const documented = example("notification-change").request.body.value as readonly Body[];
  assertShape(documented[0] ?? {}, webhook.received.at(-1)?.value[0]);
});

test("photos, licences, sign-ins and available extensions have the documented shape", SKIP, async (t) => {
  const name = "extension_4d405aa8baa04fb494d3e0571fd9fd71_skypeId";
  const [user] = smallTenant(1).users;
  const assignedLicenses = [{ skuId: "05e9a617-0261-4cee-bb44-138d3ef5d965", disabledPlans: [] }];
  const users = [{ ...user, [name]: "adele", assignedLicenses, signInActivity: ACTIVITY }];
  const client = await startClient(t, { tenant: { users, groups: [] }, roles: ROLES });
  client.simulator.tenancy.setPhoto(person(1), true);
  const read = async (path: string): Promise<unknown> => (await client.get(path)).body;
  assertShape(example("profilephoto-get-3").response.body, await read(`/users/${person(1)}/photo`));
  for (const [documented, path] of [
    ["user-list-licensedetails-1", `/users/${person(1)}/licenseDetails`],
    ["signin-list-1", "/auditLogs/signIns"],
  ] as const) {
    const { value } = (await read(path)) as { readonly value: readonly unknown[] };
    const shape = firstOf(example(documented).response);
    assertShape({ ...shape, ...(documented === "signin-list-1" ? { location: {} } : {}) }, value[0], path);
  }
  const { response } = example("directoryobject-getavailableextensionproperties-1");
  const available = await client.send("POST", "/directoryObjects/getAvailableExtensionProperties", {});
  assertShape(firstOf(response), available.body.value?.[0]);
  assert.equal(available.body.value?.[0]?.name, firstOf(response).name);
});

const ACTIVITY = {
  lastSignInDateTime: "2026-05-01T08:00:00Z",
  lastSignInRequestId: "66ea54eb-6301-4ee5-be62-ff5a759b0100",
};
