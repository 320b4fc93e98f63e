import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { GraphService } from "./graph/service.ts";
import { permits } from "./permissions.ts";
import { Directory } from "./state/directory.ts";
import type { GraphGroup, GraphUser, Json, TenantFile } from "./tenant/types.ts";
import { startClient } from "./testing/client.ts";
import { person, smallTenant, team } from "./testing/tenant.ts";

/** Microsoft's documented requests and answers; reference data that stands beside the clone, never in it. */
const CLONE = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const EXAMPLES = join(process.env.ENTRAIN_SHARED ?? join(CLONE, "..", "shared"), "graph", "examples");
const MISSING = existsSync(EXAMPLES)
  ? false
  : `The documented examples are not at ${EXAMPLES}; set ENTRAIN_SHARED to the folder that holds graph/examples.`;

if (MISSING !== false) {
  console.log(`Skipped: ${MISSING}`);
  test("the documented examples are there", { skip: process.env.CI === "true" ? false : MISSING }, () =>
    assert.fail(MISSING),
  );
}

interface Example {
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Json;
  };
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Readonly<Record<string, Json>>;
  };
}

function example(name: string): Example {
  return JSON.parse(readFileSync(join(EXAMPLES, `${name}.json`), "utf8")) as Example;
}

/** The request's path and query, with the ids that the documentation leaves open. */
function pathOf({ request }: Example, ids: Readonly<Record<string, string>> = {}): string {
  let path = request.url.replace("https://graph.microsoft.com/v1.0", "");
  for (const [placeholder, id] of Object.entries(ids)) path = path.replace(placeholder, id);
  return path;
}

function recordsIn(body: Readonly<Record<string, Json>>): readonly Readonly<Record<string, Json>>[] {
  return body.value === undefined ? [body] : (body.value as readonly Readonly<Record<string, Json>>[]);
}

/** The documented records as a tenant: whatever they leave out, the loader makes up. */
function tenantOf(users: readonly string[], groups: readonly string[]): TenantFile {
  const documents = (names: readonly string[]): readonly Readonly<Record<string, Json>>[] =>
    names.flatMap((name) => recordsIn(example(name).response.body));
  return {
    organization: {
      verifiedDomains: ["contoso.com", "contoso.onmicrosoft.com"].map((name) => ({
        name,
        isDefault: name === "contoso.com",
      })),
    },
    users: documents(users) as readonly GraphUser[],
    groups: documents(groups) as readonly GraphGroup[],
  };
}

/** Asserts that every documented property of every documented record is answered with the documented value. */
function assertAnswered(documented: Readonly<Record<string, Json>>, answered: Readonly<Record<string, unknown>>): void {
  const found = answered.value === undefined ? [answered] : (answered.value as readonly Record<string, unknown>[]);
  for (const record of recordsIn(documented)) {
    const twin = found.find(({ id, displayName }) =>
      record.id === undefined ? displayName === record.displayName : id === record.id,
    );
    assert.ok(twin, `${String(record.id ?? record.displayName)} is missing`);
    for (const [name, value] of Object.entries(record)) {
      if (!name.startsWith("@")) assert.deepEqual(twin[name], value, name);
    }
  }
}

/** Endpoints by the list's own spelling, with permissions on which the simulator differs and why. */
const OPEN_TO: ReadonlyMap<string, readonly string[]> = new Map([
  ["GET /users", []],
  ["GET /users/{id}", []],
  ["GET /users/delta", []],
  ["POST /users", []],
  ["PATCH /users/{id}", []],
  ["DELETE /users/{id}", []],
  ["GET /users/{id}/manager", []],
  ["GET /users/{id}/memberof", []],
  ["GET /users/{id}/transitivememberof", []],
  ["POST /users/{id}/revokesigninsessions", []],
  ["GET /organization", []],
  ["GET /groups", []],
  ["GET /groups/delta", []],
  ["GET /groups/{id}/members", []],
  ["GET /groups/{id}/transitivemembers", []],
  ["POST /groups", []],
  ["DELETE /groups/{id}", []],
  ["GET /auditlogs/signins", []],
  ["GET /identity/conditionalaccess/policies", []],
  ["GET /identitygovernance/accessreviews/definitions", []],
  ["POST /identitygovernance/accessreviews/definitions", []],
  ["GET /identitygovernance/accessreviews/definitions/{id}/instances/{id}/decisions", []],
  // "Add members" opens the same PATCH to those who may write members and nothing else.
  ["PATCH /groups/{id}", ["GroupMember.ReadWrite.All"]],
  // The list is that of users; agents are not simulated, and groups are restored by Group.ReadWrite.All.
  [
    "POST /directory/deleteditems/{id}/restore",
    [
      "AgentIdentity.DeleteRestore.All",
      "AgentIdentityBlueprint.DeleteRestore.All",
      "AgentIdentityBlueprintPrincipal.DeleteRestore.All",
      "Group.ReadWrite.All",
    ],
  ],
]);

interface Reproduced {
  readonly name: string;
  readonly users?: readonly string[];
  readonly groups?: readonly string[];
  readonly ids?: Readonly<Record<string, string>>;
}

/** Examples whose answer holds whole records that a tenant can be made of. */
const REPRODUCED: readonly Reproduced[] = [
  { name: "user-get-1", users: ["user-get-1"], ids: { "{id | userPrincipalName}": "AdeleV@contoso.onmicrosoft.com" } },
  {
    name: "user-get-3",
    users: ["user-get-3"],
    ids: { "{id | userPrincipalName}": "AdeleVance@contoso.com" },
  },
  { name: "user-list-5", users: ["user-list-5"] },
  { name: "user-list-8", users: ["user-list-8"] },
  { name: "concept-aad-advanced-queries-2", users: [] },
  { name: "user-delta-1", users: ["user-delta-1"] },
  { name: "group-get-1", groups: ["group-get-1"] },
  { name: "group-list-2", groups: ["group-list-2"] },
  { name: "group-list-5", groups: ["group-list-5"] },
  { name: "directory-deleteditems-list-1" },
];

for (const { name, users = [], groups = [], ids } of MISSING === false ? REPRODUCED : []) {
  test(`answers the documented request ${name} as documented`, async (t) => {
    const { request, response } = example(name);
    const client = await startClient(t, { tenant: tenantOf(users, groups) });
    const answer = await client.get(pathOf(example(name), ids), request.headers);
    assert.equal(answer.status, response.status, answer.text);
    if (users.length + groups.length > 0) assertAnswered(response.body, answer.body);
    const context = response.body["@odata.context"];
    if (typeof context === "string") {
      assert.equal(
        String(answer.body["@odata.context"]).replace(client.simulator.graph, "https://graph.microsoft.com"),
        context,
      );
    }
    if (response.body["@odata.count"] !== undefined && users.length + groups.length > 0) {
      assert.equal(answer.body["@odata.count"], recordsIn(response.body).length);
    }
  });
}

/** Refusals whose code and message the documentation shows. */
const REFUSED = [
  "error-count-without-consistencylevel",
  "error-501-property-not-in-collection",
  "concept-delta-query-overview-1",
] as const;

for (const name of MISSING === false ? REFUSED : []) {
  test(`refuses the documented request ${name} as documented`, async (t) => {
    const { request, response } = example(name);
    const client = await startClient(t, { tenant: smallTenant(1) });
    const answer = await client.get(pathOf(example(name)), request.headers);
    const documented = response.body.error as Readonly<Record<string, Json>>;
    assert.equal(answer.status, response.status);
    assert.deepEqual([answer.body.error?.code, answer.body.error?.message], [documented.code, documented.message]);
  });
}

if (MISSING === false) {
  test("refuses $search without the header in the documented words, on /users as on /applications", async (t) => {
    const { response } = example("error-search-without-consistencylevel");
    const client = await startClient(t, { tenant: smallTenant(1) });
    const answer = await client.get('/users?$search="displayName:Browser"');
    const documented = response.body.error as Readonly<Record<string, Json>>;
    assert.equal(answer.status, response.status);
    assert.deepEqual([answer.body.error?.code, answer.body.error?.message], [documented.code, documented.message]);
  });

  test("creates the documented users", async (t) => {
    for (const name of ["user-post-users-1", "user-post-users-2"]) {
      const { request, response } = example(name);
      const client = await startClient(t, { tenant: tenantOf([], []) });
      const body = request.body as { readonly passwordProfile: object };
      // The second example leaves the password to the reader.
      const passwordProfile = { ...body.passwordProfile, password: "xWwvJ]6NMw+bWH-d" };
      const answer = await client.send("POST", "/users", { ...body, passwordProfile });
      assert.equal(answer.status, response.status, answer.text);
      assert.equal(answer.body.displayName, response.body.displayName);
      const { body: stored } = await client.get(`/users/${String(answer.body.id)}?$select=identities`);
      assert.deepEqual(stored.identities, response.body.identities ?? []);
    }
  });

  test("creates the documented groups", async (t) => {
    for (const name of ["group-post-groups-1", "group-post-groups-2"]) {
      const { request, response } = example(name);
      const client = await startClient(t, { tenant: smallTenant(4) });
      const { "owners@odata.bind": _, "members@odata.bind": members, ...body } = request.body as Record<string, Json>;
      const bind = (Array.isArray(members) ? members : []).map(
        (_, i) => `https://graph.microsoft.com/v1.0/users/${person(i + 1)}`,
      );
      const answer = await client.send("POST", "/groups", {
        ...body,
        ...(bind.length > 0 ? { "members@odata.bind": bind } : {}),
      });
      assert.equal(answer.status, response.status, answer.text);
      // The second example's answer contradicts its own request, so the request decides.
      for (const [property, value] of Object.entries(body)) assert.deepEqual(answer.body[property], value, property);
      const read = await client.get(`/groups/${String(answer.body.id)}/members`);
      assert.equal(read.body.value?.length, bind.length);
    }
  });

  test("changes a user as documented, by 204 and what a read then shows", async (t) => {
    const { request, response } = example("user-update-2");
    const client = await startClient(t, { tenant: smallTenant(1) });
    const answer = await client.send("PATCH", pathOf(example("user-update-2"), { "{id}": person(1) }), request.body);
    assert.equal(answer.status, response.status);
    const { body } = await client.get(`/users/${person(1)}`);
    for (const [name, value] of Object.entries(request.body as Record<string, Json>))
      assert.deepEqual(body[name], value);
  });

  test("answers a batch in the documented envelope", async (t) => {
    const { response } = example("json-batch-2025");
    const client = await startClient(t, { tenant: smallTenant(1) });
    const { status, body } = await client.send("POST", "/$batch", {
      requests: [{ id: "1", method: "GET", url: "/users" }],
    });
    assert.equal(status, response.status);
    const [documented] = response.body.responses as readonly Record<string, unknown>[];
    const [answered] = body.responses as readonly Record<string, unknown>[];
    for (const name of ["id", "status", "body"])
      assert.equal(name in (answered ?? {}), name in (documented ?? {}), name);
  });

  test("tells group changes in the documented shape of members@delta", async (t) => {
    const { request, response } = example("concept-delta-query-groups-1");
    const records = recordsIn(response.body);
    const members = records.flatMap((record) => (record["members@delta"] ?? []) as readonly { readonly id: string }[]);
    const client = await startClient(t, {
      tenant: {
        users: members.map(({ id }) => ({ id })),
        groups: records as readonly GraphGroup[],
        memberships: Object.fromEntries(
          records.map((record) => [
            String(record.id),
            ((record["members@delta"] ?? []) as readonly { readonly id: string }[]).map(({ id }) => id),
          ]),
        ),
      },
    });
    const { records: answered } = await client.all(request.url.replace("https://graph.microsoft.com/v1.0", ""));
    assert.deepEqual(answered, records);
  });

  test("removes a member and deletes a group as documented", async (t) => {
    const client = await startClient(t, { tenant: smallTenant(1, { [team(1)]: { members: [person(1)] } }) });
    const ids = { "{group-id}": team(1), "{directory-object-id}": person(1), "{id}": team(1) };
    for (const name of ["group-delete-members-1", "group-delete-1"]) {
      const answer = await client.send("DELETE", pathOf(example(name), ids));
      assert.equal(answer.status, example(name).response.status);
    }
  });

  const permissions = JSON.parse(
    readFileSync(join(dirname(EXAMPLES), "permissions-by-endpoint.json"), "utf8"),
  ) as Readonly<Record<string, { readonly Application?: readonly string[] }>>;
  const applicationRoles = (endpoint: string): readonly string[] =>
    (permissions[endpoint]?.Application ?? []).map((role) => role.replace(/\*?( \(.*)?$/, ""));
  const everyRole = [...new Set(Object.keys(permissions).flatMap(applicationRoles))];
  const service = new GraphService({
    directory: new Directory({ instance: "test", ids: "test", clock: () => 0 }),
    tenant: { id: "t", organization: {}, defaultDomain: "contoso.com", domains: [] },
    clock: () => 0,
    deltaPaging: { objects: 1, members: 1 },
  });

  for (const endpoint of OPEN_TO.keys()) {
    test(`${endpoint} is open to exactly the application permissions that Microsoft lists`, () => {
      const [method = "", path = ""] = endpoint.split(" ");
      const request = { method, segments: path.split("/").slice(1), search: "", headers: {}, body: undefined };
      const { rule } = service.route(request).endpoint;
      const listed = applicationRoles(endpoint);
      const more = OPEN_TO.get(endpoint) ?? [];
      assert.ok(listed.length > 0);
      for (const role of everyRole.filter((name) => !more.includes(name))) {
        assert.equal(permits(rule, new Set([role])), listed.includes(role), role);
      }
    });
  }
}
