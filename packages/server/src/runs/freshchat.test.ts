import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { SyncDefinition } from "@entrain/core";
import { type Freshchat, type FreshchatOptions, freshchatCombinations } from "@entrain/simulator";
import { plannedIn, unsynced } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd } from "./testing/tenant.ts";
import { testClock } from "./testing/time.ts";

const users = crowd(12, (at) => ({ givenName: `Given ${at}`, surname: `Sur ${at}` }));
const REMOVING: Partial<SyncDefinition> = {
  deprovision: { outOfScope: "delete", disabled: "disable", softDeleted: "delete", deleted: "delete" },
  guard: { removals: { percent: 50, count: 500, windowMs: 1 }, members: { percent: 50, count: 500, windowMs: 1 } },
};

let scene: Scene;
afterEach(() => scene.close());

interface World {
  readonly account: Freshchat;
  readonly clock: ReturnType<typeof testClock>;
  readonly agents: string;
  readonly contacts: string;
}

async function open(freshchat: FreshchatOptions = {}): Promise<World> {
  const clock = testClock();
  scene = await openScene({ clock, simulator: { tenant: { users, groups: [] } }, freshchat });
  const account = scene.freshchat ?? assert.fail("the scene has an account");
  const agents = await scene.addSync("agents", "freshchat", { records: "agent", ...REMOVING });
  const contacts = await scene.addSync("contacts", "freshchat", { records: "contact", ...REMOVING });
  return { account, clock, agents, contacts };
}

const writes = (account: Freshchat): readonly string[] =>
  account.requests.list().flatMap(({ method, path }) => (method === "GET" ? [] : [`${method} ${path}`]));
const there = (account: Freshchat) => account.agents.list().filter((agent) => !agent.is_deleted);

async function succeeds(sync: string): Promise<Awaited<ReturnType<Scene["run"]>>> {
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.error], ["succeeded", null]);
  return run;
}

/** Running again plans nothing, and writes nothing. */
async function rests(account: Freshchat, ...syncs: readonly string[]): Promise<void> {
  const before = writes(account).length;
  for (const sync of syncs) assert.deepEqual(await plannedIn(scene.store, (await succeeds(sync)).run), []);
  assert.equal(writes(account).length, before);
}

for (const switches of freshchatCombinations({
  of: ["put", "userDeletion", "agentDeletion", "deletionDelayMs", "indexDelayMs", "emailMatch"],
})) {
  test(`people come, change, leave and are in step again where Freshchat is ${Object.values(switches).join(", ")}`, async () => {
    const world = await open({ switches });
    const { account, clock, agents, contacts } = world;
    assert.deepEqual([(await succeeds(agents)).counts.create, (await succeeds(contacts)).counts.create], [12, 12]);
    await rests(account, agents, contacts);
    assert.deepEqual(
      account.users
        .list()
        .map(({ reference_id }) => reference_id)
        .sort(),
      users.map(({ id }) => id).sort(),
    );

    const [renamed, disabled, left] = users;
    await scene.graph("PATCH", `/users/${renamed?.id}`, { surname: "Lovelace" });
    await scene.graph("PATCH", `/users/${disabled?.id}`, { accountEnabled: false });
    await scene.graph("DELETE", `/users/${left?.id}`);
    const counts = { ...(await succeeds(agents)).counts };
    assert.deepEqual([counts.update, counts.disable, counts.delete], [1, 1, 1]);
    const gone = { ...(await succeeds(contacts)).counts };
    // A contact cannot be disabled: it is deleted, as the plan says.
    assert.deepEqual([gone.update, gone.disable, gone.delete], [1, 0, 2]);
    await rests(account, agents, contacts);
    clock.advance(60_000);
    await rests(account, agents, contacts);
    assert.deepEqual([there(account).length, account.users.list().length], [11, 10]);
    const agentOf = (mail: unknown) => there(account).find(({ email }) => email === mail);
    assert.deepEqual([agentOf(renamed?.mail)?.last_name, agentOf(disabled?.mail)?.is_deactivated], ["Lovelace", true]);

    await scene.graph("PATCH", `/users/${disabled?.id}`, { accountEnabled: true });
    await scene.graph("POST", `/directory/deletedItems/${left?.id}/restore`);
    await succeeds(agents);
    await succeeds(contacts);
    clock.advance(60_000);
    await rests(account, agents, contacts);
    assert.deepEqual([there(account).length, account.users.list().length], [12, 12]);
    assert.equal(agentOf(disabled?.mail)?.is_deactivated, false);
  });
}

for (const at of ["answer", "body"] as const) {
  test(`a creation whose answer is lost (${at}) makes no second record, whatever Freshchat shows by then`, async () => {
    const action = { type: "cut", at } as const;
    const world = await open({
      switches: { indexDelayMs: 3_000 },
      faults: [
        { method: "POST", skip: 3, times: 1, action },
        { method: "POST", skip: 8, times: 2, action },
      ],
    });
    const { account, clock, agents, contacts } = world;
    for (const sync of [agents, contacts]) await succeeds(sync);
    clock.advance(10_000);
    assert.deepEqual([there(account).length, account.users.list().length], [12, 12]);
    assert.equal(writes(account).length, 24);
    await rests(account, agents, contacts);
  });
}

test("an agent whose creation's answer is lost is created, not joined, and goes with an undo", async () => {
  const lost = { method: "POST", path: "/agents", skip: 2, times: 1, action: { type: "cut", at: "answer" } } as const;
  const { account, agents, clock } = await open({ agents: 0, faults: [lost] });
  const run = await succeeds(agents);
  assert.deepEqual([run.counts.create, run.counts.join, there(account).length], [12, 0, 12]);
  const origins = await scene.store.db.selectFrom("links").select("origin").execute();
  assert.deepEqual([...new Set(origins.map(({ origin }) => origin))], ["created"]);
  const undo = await scene.undo(agents, run.run);
  assert.ok(undo.held !== null);
  await scene.approve(agents, undo.held.digest);
  clock.advance(60_000);
  assert.deepEqual(there(account), []);
});

test("an agent whom somebody else makes while a creation fails is joined, and not taken for ours", async () => {
  const { account, agents, clock } = await open({ agents: 0 });
  account.faults.set([{ method: "POST", path: "/agents", times: 1, action: { type: "cut", at: "headers" } }]);
  const { sleep } = clock;
  let stranger = "";
  clock.sleep = async (ms, signal) => {
    await sleep(ms, signal);
    const [open] = await scene.store.db.selectFrom("open_intents").select(["plan", "ordinal"]).execute();
    if (stranger !== "" || open === undefined) return;
    const changes = scene.store.db.selectFrom("plan_changes").select("after").where("plan", "=", open.plan);
    const { after } = await changes.where("ordinal", "=", open.ordinal).executeTakeFirstOrThrow();
    const { email } = JSON.parse(after ?? "{}") as { readonly email: string };
    stranger = account.agents.create({ email }).id;
  };
  await scene.run(agents);
  const { origin } = await scene.store.db
    .selectFrom("links")
    .select("origin")
    .where("record_id", "=", stranger)
    .executeTakeFirstOrThrow();
  assert.equal(origin, "joined");
  const said = await scene.store.db
    .selectFrom("journal_values")
    .select("detail")
    .where("detail", "like", "The creation%")
    .execute();
  assert.match(
    String(said[0]?.detail),
    /^The creation was sent, and no answer was heard\. The record \S+ fits, and nothing proves/,
  );
});

test("an agent whose deletion's answer is lost, and who shows for another while, was deleted by the run, and comes back with an undo", async () => {
  const { account, agents } = await open({ switches: { agentDeletion: "gone", deletionDelayMs: 30_000 } });
  await succeeds(agents);
  const [left] = users;
  await scene.graph("DELETE", `/users/${left?.id}`);
  account.faults.set([{ method: "DELETE", action: { type: "cut", at: "answer" }, times: 5 }]);
  const run = await scene.run(agents);
  assert.equal(run.counts.delete, 1, JSON.stringify(run));
  account.advance(60_000);
  assert.equal(there(account).length, 11);
  const { digest } = (await scene.undo(agents, run.run)).held ?? assert.fail("there is something to undo");
  assert.equal((await scene.approve(agents, digest)).counts.create, 1);
  assert.equal(there(account).length, 12);
});

test("many agents whose deletions' answers are lost, and who show for another while, are deleted by the run, and nobody is taken for lost", async () => {
  const { account, agents } = await open({ switches: { agentDeletion: "gone", deletionDelayMs: 8_000 } });
  await scene.redefine(agents, {
    guard: { removals: { percent: 100, count: 500, windowMs: 1 }, members: { percent: 50, count: 500, windowMs: 1 } },
  });
  await succeeds(agents);
  const left = users.slice(0, 9);
  for (const { id } of left) await scene.graph("DELETE", `/users/${id}`);
  account.faults.set([{ method: "DELETE", action: { type: "cut", at: "answer" }, times: 5 * left.length }]);
  assert.equal((await succeeds(agents)).counts.delete, left.length);
  account.advance(60_000);
  assert.equal(there(account).length, users.length - left.length);
  await rests(account, agents);
});

for (const { action, change, late, before } of [
  { action: "update", change: { surname: "Lovelace" }, late: { last_name: "Lovelace" }, before: {} },
  { action: "disable", change: { accountEnabled: false }, late: { is_deactivated: true }, before: {} },
  {
    action: "enable",
    change: { accountEnabled: true },
    late: { is_deactivated: false },
    before: { accountEnabled: false },
  },
] as const) {
  test(`a change (${action}) without an answer that shows before it is sent once more was done by the run, and goes with an undo`, async () => {
    const { account, agents, clock } = await open();
    await succeeds(agents);
    const two = users.slice(0, 2);
    for (const { id } of two) await scene.graph("PATCH", `/users/${id}`, before);
    await succeeds(agents);
    const stood = there(account);
    for (const { id } of two) await scene.graph("PATCH", `/users/${id}`, change);
    account.faults.set([{ method: "PUT", action: { type: "cut", at: "headers" }, times: 5 * two.length }]);
    const { sleep } = clock;
    const shown = new Set<string>();
    clock.sleep = async (ms, signal) => {
      await sleep(ms, signal);
      const again = scene.store.db.selectFrom("plan_changes").select("record_id").where("state", "=", "again");
      for (const { record_id: id } of await again.execute()) shown.add(account.agents.update(id ?? "", late).id);
    };
    const run = await succeeds(agents);
    clock.sleep = sleep;
    assert.equal(shown.size, 1, "the first shows while the second is tried");
    assert.deepEqual([run.counts[action], run.unchanged], [2, 0]);
    await rests(account, agents);
    const undo = await scene.undo(agents, run.run);
    await scene.approve(agents, undo.held?.digest ?? assert.fail("there is something to undo"));
    assert.deepEqual(there(account), stood);
  });
}

for (const what of ["agents", "contacts"] as const) {
  test(`${what}: who comes back while their deletion is under way gets a record of their own once it is over`, async () => {
    const switches = { agentDeletion: "gone", userDeletion: 202, deletionDelayMs: 60_000, indexDelayMs: 0 } as const;
    const world = await open({ switches });
    const { account, clock } = world;
    const sync = world[what];
    await succeeds(sync);
    const [left] = users;
    await scene.graph("DELETE", `/users/${left?.id}`);
    assert.equal((await scene.run(sync)).counts.delete, 1);
    await scene.graph("POST", `/directory/deletedItems/${left?.id}/restore`);
    const early = await scene.run(sync);
    assert.deepEqual([early.result, early.counts.join, early.counts.create], ["partial", 0, 0]);
    assert.deepEqual([...(await unsynced(scene.store, sync)).values()], ["being_deleted"]);
    clock.advance(120_000);
    const late = await succeeds(sync);
    assert.deepEqual([late.counts.join, late.counts.create], [0, 1]);
    clock.advance(120_000);
    assert.equal(what === "agents" ? there(account).length : account.users.list().length, 12);
    await rests(account, sync);
  });
}

test("an outage in the middle of a run ends it, and the next run does the rest, each once", async () => {
  const world = await open({
    faults: [{ skip: 6, times: 14, action: { type: "status", status: 500, body: "html" } }],
  });
  const { account, clock, agents } = world;
  for (let tries = 0; tries < 6; tries += 1) {
    await scene.run(agents);
    clock.advance(24 * 3_600_000);
  }
  assert.equal(there(account).length, 12);
  await rests(account, agents);
});

test("what others made in Freshchat is joined and never deleted, and what they deleted is made anew", async () => {
  const world = await open({ contacts: 40 });
  const { account, clock, contacts } = world;
  const own = account.users.create({ email: String(users[0]?.mail).toUpperCase(), first_name: "By hand" });
  clock.advance(10_000);
  const first = await succeeds(contacts);
  assert.deepEqual([first.counts.create, first.counts.join], [11, 1]);
  assert.equal(account.users.get(own.id)?.reference_id, users[0]?.id);
  await scene.graph("DELETE", `/users/${users[0]?.id}`);
  await succeeds(contacts);
  assert.ok(account.users.get(own.id), "joined, so never deleted");
  const lost = account.users.list().find(({ reference_id }) => reference_id === users[5]?.id);
  account.users.remove(lost?.id ?? "");
  await scene.graph("PATCH", `/users/${users[5]?.id}`, { surname: "Back" });
  await succeeds(contacts);
  clock.advance(10_000);
  await rests(account, contacts);
  assert.equal(account.users.list().filter(({ reference_id }) => reference_id === users[5]?.id).length, 1);
  assert.equal(account.users.list().length, 40 + 12);
});

test("no seat left fails those who need one alone; with seats they come by themselves", async () => {
  const world = await open({ seats: 5 });
  const { account, clock, agents } = world;
  const run = await scene.run(agents);
  assert.deepEqual([run.counts.create, run.failed], [5, 7]);
  const rows = await scene.store.db.selectFrom("pending").select("code").where("sync", "=", agents).execute();
  assert.deepEqual([...new Set(rows.map(({ code }) => code))], ["no_seat"]);
  account.setSeats(null);
  clock.advance(24 * 3_600_000);
  assert.equal((await succeeds(agents)).counts.create, 7);
  await rests(account, agents);
});

test("roles and groups are written by name, and a name that Freshchat lacks is told once and never made", async () => {
  const clock = testClock();
  const people = crowd(6, (at) => ({ department: ["sales", "Support", "Legal"][at % 3] ?? null }));
  scene = await openScene({
    clock,
    simulator: { tenant: { users: people, groups: [] } },
    freshchat: { groups: ["Sales", "Support"], roles: ["Trainee"] },
  });
  const account = scene.freshchat ?? assert.fail("the scene has an account");
  const mapping: SyncDefinition["mapping"] = {
    email: { direct: "mail" },
    role: { constant: "trainee" },
    group: { direct: "department" },
  };
  const agents = await scene.addSync("agents", "freshchat", { records: "agent", mapping });
  const run = await scene.run(agents);
  assert.equal(run.counts.create, 6);
  const groupNames = new Map(account.groups.list().map(({ id, name }) => [id, name]));
  const held = there(account).map(({ role_name, groups }) => `${role_name}: ${groups.map((id) => groupNames.get(id))}`);
  assert.deepEqual(held.sort(), [
    "Trainee: ",
    "Trainee: ",
    "Trainee: Sales",
    "Trainee: Sales",
    "Trainee: Support",
    "Trainee: Support",
  ]);
  assert.deepEqual([...groupNames.values()], ["Sales", "Support"]);
  const again = await scene.run(agents);
  assert.deepEqual([again.result, await plannedIn(scene.store, again.run)], ["partial", []]);
  account.groups.create({ name: "Legal" });
  clock.advance(24 * 3_600_000);
  await scene.run(agents);
  const legal = account.groups.list().find(({ name }) => name === "Legal")?.id ?? "";
  assert.equal(there(account).filter(({ groups }) => groups.includes(legal)).length, 2);
  await rests(account, agents);
});

for (const isLost of [false, true]) {
  test(`an agent who leaves the department${isLost ? ", with the answer lost," : ""} stays in the groups that others gave`, async () => {
    const clock = testClock();
    const people = crowd(3, () => ({ department: "Ours" }));
    scene = await openScene({
      clock,
      simulator: { tenant: { users: people, groups: [] } },
      freshchat: { groups: ["Ours", "Theirs"] },
    });
    const account = scene.freshchat ?? assert.fail("the scene has an account");
    const mapping: SyncDefinition["mapping"] = {
      email: { direct: "mail" },
      group: { direct: "department", whenEmpty: "clear" },
    };
    const agents = await scene.addSync("agents", "freshchat", { records: "agent", mapping });
    await succeeds(agents);
    const [ours = "", theirs = ""] = ["Ours", "Theirs"].map(
      (name) => account.groups.list().find((group) => group.name === name)?.id,
    );
    const who = there(account).find(({ email }) => email === people[0]?.mail) ?? assert.fail("the agent is there");
    assert.deepEqual(who.groups, [ours]);
    account.agents.update(who.id, { groups: [ours, theirs] });
    await scene.graph("PATCH", `/users/${people[0]?.id}`, { department: null });
    if (isLost) account.faults.set([{ method: "PUT", action: { type: "cut", at: "answer" }, times: 5 }]);
    assert.equal((await succeeds(agents)).counts.update, 1);
    assert.deepEqual(account.agents.get(who.id)?.groups, [theirs]);
    await rests(account, agents);
  });
}
