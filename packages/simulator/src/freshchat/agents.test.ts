import assert from "node:assert/strict";
import { test } from "node:test";
import { type Opened, openAccount } from "./testing/account.ts";

// That an agent's deletion is only accepted, and AGENT_NOT_FOUND, are documented (Freshchat API v2, "Status codes"); that
// lists show is_deleted and is_deactivated is seen in Airbyte's schema; seats in "Full-time and occasional agents".

const statusOf = async ({ call }: Opened, method: string, path: string, body?: unknown): Promise<number> =>
  (await call(method, path, body)).status;

test("creates an agent with the account's defaults, its role's name and its groups", async (t) => {
  const { freshchat, call } = await openAccount(t);
  const [group] = freshchat.groups.list();
  const { status, body } = await call("POST", "/agents", { email: "a@x.org", first_name: "A", groups: [group?.id] });
  assert.equal(status, 201);
  const set = { email: "a@x.org", role_id: "AGENT", role_name: "Agent", groups: [group?.id], license_type: "fulltime" };
  assert.partialDeepStrictEqual(body, { ...set, is_deactivated: false, is_deleted: false });
  assert.deepEqual((await call("GET", `/agents/${String(body.id)}`)).body, body);
});

const WRONG: readonly Readonly<Record<string, unknown>>[] = [
  {},
  { email: "" },
  { email: "nobody" },
  { email: "a@x.org", role_id: "NO_SUCH_ROLE" },
  { email: "a@x.org", groups: ["00000000-0000-0000-0000-000000000000"] },
  { email: "a@x.org", groups: "Sales" },
  { email: "a@x.org", license_type: "sometimes" },
  { email: "a@x.org", is_deactivated: "true" },
];
for (const body of WRONG) {
  test(`refuses ${JSON.stringify(body)} with 400, when creating and when changing`, async (t) => {
    const account = await openAccount(t, { agents: 1 });
    const [agent] = account.freshchat.agents.list();
    assert.equal(await statusOf(account, "POST", "/agents", body), 400);
    assert.equal(await statusOf(account, "PUT", `/agents/${agent?.id}`, body), 400);
    assert.deepEqual(account.freshchat.agents.list(), [agent]);
  });
}

test("PUT that replaces puts left out fields back to their defaults, and refuses to lose the address", async (t) => {
  const { freshchat, call } = await openAccount(t, { agents: 1, roles: ["Night shift"] });
  const [agent] = freshchat.agents.list();
  const path = `/agents/${agent?.id}`;
  assert.equal((await call("PUT", path, { is_deactivated: true })).status, 400);
  const { body } = await call("PUT", path, { email: agent?.email, is_deactivated: true });
  assert.deepEqual([body.first_name, body.groups, body.role_id, body.is_deactivated], [null, [], "AGENT", true]);
  assert.equal((await call("PUT", path, { email: agent?.email })).body.is_deactivated, false);
});

test("PUT that merges keeps what is left out", async (t) => {
  const { freshchat, call } = await openAccount(t, { agents: 1, switches: { put: "merge" } });
  const [agent] = freshchat.agents.list();
  const role = freshchat.roles.list()[1];
  const { body } = await call("PUT", `/agents/${agent?.id}`, { is_deactivated: true, role_id: role?.id });
  assert.deepEqual(body, { ...agent, is_deactivated: true, role_id: role?.id, role_name: role?.name });
});

test("a deletion is accepted, shows nothing for a while, and comes through as marked or as gone", async (t) => {
  const account = await openAccount(t, { agents: 1 });
  const { freshchat, call } = account;
  const path = `/agents/${freshchat.agents.list()[0]?.id}`;
  const accepted = await call("DELETE", path);
  assert.deepEqual(
    [accepted.status, accepted.body],
    [202, { code: 202, status: "ACCEPTED", message: "Agent deletion request accepted" }],
  );
  const missing = { code: 404, status: "AGENT_NOT_FOUND", message: "agent not found" };
  assert.deepEqual((await call("DELETE", path)).body, missing);
  freshchat.advance(29_999);
  assert.deepEqual((await call("GET", path)).body.is_deleted, false);
  freshchat.advance(1);
  assert.equal((await call("GET", path)).body.is_deleted, true);
  assert.deepEqual(
    (await call("GET", "/agents")).rows.map(({ is_deleted }) => is_deleted),
    [true],
  );
  assert.deepEqual([await statusOf(account, "DELETE", path), await statusOf(account, "PUT", path, {})], [404, 404]);
  freshchat.setSwitches({ agentDeletion: "gone" });
  assert.deepEqual([(await call("GET", path)).body, (await call("GET", "/agents")).rows], [missing, []]);
});

test("an agent whose deletion came through can be created again, under another id", async (t) => {
  const account = await openAccount(t, { switches: { duplicates: "refused" } });
  const { freshchat, call } = account;
  const first = (await call("POST", "/agents", { email: "a@x.org" })).body;
  await call("DELETE", `/agents/${String(first.id)}`);
  assert.equal(await statusOf(account, "POST", "/agents", { email: "A@x.org" }), 400);
  freshchat.advance(30_000);
  const again = await call("POST", "/agents", { email: "a@x.org" });
  assert.deepEqual([again.status, again.body.id === first.id], [201, false]);
});

test("without a seat left refuses full-time agents, new or reactivated, and takes occasional ones", async (t) => {
  const account = await openAccount(t, { agents: 2, seats: 2, switches: { put: "merge" } });
  const { freshchat } = account;
  const [one, two] = freshchat.agents.list().map(({ id }) => `/agents/${id}`);
  const create = (more: object = {}): Promise<number> =>
    statusOf(account, "POST", "/agents", { email: "n@x.org", ...more });
  assert.deepEqual([await create(), await create({ license_type: "occasional" })], [403, 201]);
  freshchat.setSwitches({ seatRefusal: 400 });
  assert.equal(await create(), 400);
  assert.equal(await statusOf(account, "PUT", one ?? "", { is_deactivated: true }), 200);
  assert.deepEqual([await create(), await statusOf(account, "PUT", one ?? "", { is_deactivated: false })], [201, 400]);
  await statusOf(account, "DELETE", two ?? "");
  assert.equal(await create(), 400);
  freshchat.advance(30_000);
  assert.equal(await create(), 201);
  freshchat.setSeats(null);
  assert.equal(await create(), 201);
});

test("filters agents by group, deactivation and availability", async (t) => {
  const { freshchat, call } = await openAccount(t);
  const [sales, support] = freshchat.groups.list().map(({ id }) => id);
  freshchat.agents.create({ email: "a@x.org", groups: [sales ?? ""], availability_status: "AVAILABLE" });
  freshchat.agents.create({ email: "b@x.org", groups: [support ?? ""], is_deactivated: true });
  const found = async (query: string): Promise<unknown> =>
    (await call("GET", `/agents?${query}`)).rows.map(({ email }) => email);
  assert.deepEqual(await found(`group=${sales}`), ["a@x.org"]);
  assert.deepEqual(await found("is_deactivated=true"), ["b@x.org"]);
  assert.deepEqual(await found("availability_status=AVAILABLE&is_deactivated=false"), ["a@x.org"]);
  assert.equal((await call("GET", "/agents?is_deactivated=maybe")).status, 400);
});

test("another administrator edits and deletes agents, and takes a group from under them", async (t) => {
  const { freshchat, call } = await openAccount(t, { agents: 2 });
  const [one, two] = freshchat.agents.list();
  freshchat.agents.update(one?.id ?? "", { role_id: "SUPERVISOR", last_name: "Edited" });
  freshchat.agents.remove(two?.id ?? "");
  for (const { id } of freshchat.groups.list()) freshchat.groups.remove(id);
  const { rows } = await call("GET", "/agents");
  const edited = { role_id: "SUPERVISOR", role_name: "Supervisor", last_name: "Edited", groups: [] };
  assert.deepEqual(rows, [{ ...one, ...edited }]);
  assert.deepEqual((await call("GET", `/agents/${two?.id}`)).body.status, "AGENT_NOT_FOUND");
});
