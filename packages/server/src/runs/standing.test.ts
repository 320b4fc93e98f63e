import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { TenantFile } from "@entrain/simulator";
import { type Standing, standingsOf } from "./standing.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { group, person, reference } from "./testing/tenant.ts";
import { DAY, testClock } from "./testing/time.ts";

let scene: Scene;
afterEach(() => scene.close());

const wide = { percent: 100, count: 500, windowMs: DAY };
const guard = { removals: wide, members: wide };
const inSales = { filters: [[{ attribute: "department", operator: "EQUALS", value: "Sales" } as const]] };
const ana = person("Ana");

async function open(tenant: TenantFile): Promise<void> {
  scene = await openScene({ clock: testClock(), simulator: { tenant } });
}

async function of(id: string, sync: string): Promise<Standing> {
  const { store, engine } = scene;
  const before = await store.db.selectFrom("journal").select("sequence").execute();
  const found = (await standingsOf(engine, { connection: "c_test", id })).find((one) => one.sync === sync);
  assert.deepEqual(await store.db.selectFrom("journal").select("sequence").execute(), before);
  if (found === undefined) throw new Error(`no standing with ${sync}`);
  return found;
}

test("who is rightly not in the target is told why: out of scope, disabled, deleted", async () => {
  const legal = person("Lea", { department: "Legal" });
  const leaver = person("Dan", { accountEnabled: false });
  const gone = person("Gus");
  await open({ users: [ana, legal, leaver, gone], groups: [] });
  const sync = await scene.addSync("people", "scim", { records: "user", scope: inSales, guard });
  await scene.graph("DELETE", `/users/${gone.id}`);
  await scene.run(sync);
  const standing = async (id: string): Promise<readonly string[]> => {
    const { state, reason, record } = await of(id, "people");
    assert.equal(record, null);
    return [state, reason];
  };
  assert.deepEqual(await standing(legal.id), ["absent", "out of scope: department is Legal, not Sales"]);
  assert.deepEqual(await standing(leaver.id), ["absent", "disabled and without a record there, so none is made"]);
  await scene.graph("PATCH", `/users/${leaver.id}`, { department: "Legal" });
  await scene.run(sync);
  const both =
    "out of scope: department is Legal, not Sales; also disabled and without a record there, so none is made";
  assert.deepEqual(await standing(leaver.id), ["absent", both]);
});

test("who is in the target is told with the record, its owner and since when; and what the next run plans", async () => {
  await open({ users: [ana, person("Bo")], groups: [] });
  const sync = await scene.addSync("people", "scim", { records: "user", scope: inSales, guard });
  await scene.addSync("later", "portal", { records: "requester" });
  await scene.addSync("groups", "portal", { records: "group" });
  await scene.run(sync);
  const { state, reason, record } = await of(ana.id, "people");
  assert.deepEqual([state, reason], ["synced", "in step"]);
  const { id: _id, since, ...rest } = record ?? {};
  assert.deepEqual(rest, { kind: "user", origin: "created", active: true, sync: "people" });
  assert.ok(since !== undefined && since <= scene.store.clock.now());
  assert.deepEqual(
    [(await of(ana.id, "later")).state, (await of(ana.id, "later")).reason],
    ["waiting", "the sync has never run"],
  );
  const syncs = await standingsOf(scene.engine, { connection: "c_test", id: ana.id });
  assert.deepEqual(
    syncs.map((one) => one.sync),
    ["later", "people"],
    "a sync of groups says nothing of people",
  );
  await scene.graph("PATCH", `/users/${ana.id}`, { department: "Legal" });
  const later = await scene.addSync("reader", "portal", { records: "requester" });
  await scene.run(later);
  assert.match((await of(ana.id, "people")).reason, /^the next run plans to disable it: Left scope: dep/);
  await scene.run(sync);
  const disabled = await of(ana.id, "people");
  assert.deepEqual([disabled.state, disabled.reason], ["disabled", "left scope: department is Legal, not Sales"]);
});

test("who shares a matching value is told with whom, and what", async () => {
  const twin = person("Ana Two", { mail: ana.mail, userPrincipalName: "ana.two@contoso.com" } as object);
  await open({ users: [ana, twin], groups: [] });
  const sync = await scene.addSync("people", "portal", { records: "requester", matching: ["mail"], guard });
  await scene.run(sync);
  const { state, reason } = await of(ana.id, "people");
  assert.equal(state, "unsynced");
  assert.equal(reason, `ambiguous: mail "ana@contoso.com" is the same for Ana Two (${twin.id}), Ana (${ana.id})`);
});

test("what waits for approval names its plan", async () => {
  const users = Array.from({ length: 12 }, (_, at) => person(`P${at}`));
  await open({ users, groups: [] });
  const sync = await scene.addSync("people", "portal", { records: "requester" });
  await scene.run(sync);
  for (const { id } of users.slice(0, 6)) await scene.graph("PATCH", `/users/${id}`, { accountEnabled: false });
  const held = await scene.run(sync);
  const { state, reason, plan, record } = await of(users[0]?.id ?? "", "people");
  assert.equal(state, "held");
  assert.equal(plan?.digest, held.held?.digest);
  assert.equal(
    reason,
    `waits for approval in plan ${plan?.id}: disable, The account is disabled at the source; deactivated in the portal`,
  );
  assert.equal(record?.active, true);
});

test("what the target refused is told with its answer and the time of the next try", async () => {
  await open({ users: [ana, person("Bo")], groups: [] });
  const sync = await scene.addSync("people", "scim", { records: "user", guard });
  scene.disturb(({ method }) =>
    method === "POST" ? { status: 400, body: JSON.stringify({ detail: "no such licence" }) } : null,
  );
  await scene.run(sync);
  const { state, reason, retryAt } = await of(ana.id, "people");
  assert.equal(state, "unsynced");
  assert.match(reason, /^failed: .*no such licence/);
  assert.ok((retryAt ?? 0) > scene.store.clock.now());
});

test("a sync that cannot run says so of everyone, with what the target holds", async () => {
  const emea = group("EMEA");
  await open({ users: [ana], groups: [emea] });
  await scene.graph("POST", `/groups/${emea.id}/members/$ref`, reference(ana.id));
  const scope = { groups: { include: ["EMEA"], transitive: true } };
  const sync = await scene.addSync("people", "portal", { records: "requester", scope, guard });
  await scene.run(sync);
  assert.equal((await of(ana.id, "people")).state, "synced");
  await scene.redefine(sync, { scope: { groups: { include: ["Emea"], transitive: true } } });
  const { reason, record } = await of(ana.id, "people");
  assert.match(reason, /^the sync cannot run: The scope's group "Emea" is not in the directory/);
  assert.equal(record?.active, true);
});
