import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { membersOf, type StoredResource } from "@entrain/connectors/scim/testing";
import { plannedIn, scimGroup, scimMembers, scimUser, scimWrites } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, group, reference } from "./testing/tenant.ts";
import { testClock } from "./testing/time.ts";

let scene: Scene;
let people: string;
let groups: string;
afterEach(() => scene.close());

const users = crowd(90);
const [staff, board, all] = [group("Staff"), group("Board"), group("All")];
const board3 = users.slice(0, 3).map(({ id }) => id);
const everybody = users.map(({ id }) => id).sort();

async function open(): Promise<void> {
  scene = await openScene({
    clock: testClock(),
    simulator: {
      tenant: {
        users,
        groups: [staff, board, all],
        memberships: { [staff.id]: everybody, [board.id]: board3, [all.id]: [staff.id] },
      },
    },
  });
  people = await scene.addSync("people", "scim", { records: "user" });
  groups = await scene.addSync("groups", "scim", { records: "group" });
  for (const sync of [people, groups]) assert.equal((await scene.run(sync)).result, "succeeded");
}

/** The server loses records. Its groups keep the names of the lost: it does not look. */
function lose(lost: readonly StoredResource[]): void {
  const { store } = scene.scim;
  const kept = new Map([...store.groups].filter(([id]) => !lost.some((one) => one.id === id)));
  for (const { id } of lost) store.delete(store.users.has(id) ? store.users : store.groups, id);
  for (const [id, one] of kept) store.groups.set(id, one);
}

/** Each group names its members' records, each once, and nothing else. */
function assertExact(expected: Readonly<Record<string, readonly string[]>>): void {
  for (const [id, members] of Object.entries(expected)) {
    assert.deepEqual(scimMembers(scene.scim, id), [...members].sort());
    const { store } = scene.scim;
    const named = membersOf(scimGroup(scene.scim, id) ?? { id: "" });
    assert.ok(named.every(({ value }) => store.users.has(value) || store.groups.has(value)));
  }
}

async function leftOver(): Promise<number> {
  return (await scene.store.db.selectFrom("gone_members").select("record_id").execute()).length;
}

async function assertInStep(): Promise<void> {
  for (const sync of [people, groups]) {
    const run = await scene.run(sync);
    assert.deepEqual([run.result, await plannedIn(scene.store, run.run)], ["succeeded", []]);
  }
  assert.equal(await leftOver(), 0);
}

test("groups that stayed while their members were lost name the new records alone, whatever they named before", async () => {
  await open();
  lose([...scene.scim.store.users.values()]);
  assert.equal((await scene.run(people, { recreate: true })).counts.create, users.length);
  const run = await scene.run(groups, { recreate: true });
  assert.deepEqual([run.result, run.counts.members], ["succeeded", users.length + board3.length]);
  assertExact({ [staff.id]: everybody, [board.id]: board3, [all.id]: [staff.id] });
  await assertInStep();
});

test("groups that were made anew before their members name the new records alone", async () => {
  await open();
  const old = [...scene.scim.store.users];
  lose([...scene.scim.store.groups.values()]);
  assert.equal((await scene.run(groups, { recreate: true })).counts.create, 3);
  lose(old.map(([, one]) => one));
  await scene.run(people, { recreate: true });
  const run = await scene.run(groups);
  assert.equal(run.result, "succeeded", JSON.stringify(run.error));
  assertExact({ [staff.id]: everybody, [board.id]: board3, [all.id]: [staff.id] });
  await assertInStep();
});

test("a group that was lost is named by its new record in the groups that it belongs to", async () => {
  await open();
  lose([scimGroup(scene.scim, staff.id) as StoredResource]);
  const run = await scene.run(groups, { recreate: true });
  assert.equal(run.result, "succeeded", JSON.stringify(run.error));
  assertExact({ [staff.id]: everybody, [all.id]: [staff.id] });
  await assertInStep();
});

test("one lost record that an update finds out is taken out of its groups, and told in the journal", async () => {
  await open();
  const [ana = ""] = board3;
  const before = String(scimUser(scene.scim, ana)?.id);
  lose([scimUser(scene.scim, ana) as StoredResource]);
  await scene.graph("PATCH", `/users/${ana}`, { jobTitle: "Chief" });
  await scene.run(people);
  const run = await scene.run(groups);
  assert.deepEqual([run.result, run.counts.members], ["succeeded", 2]);
  assertExact({ [staff.id]: everybody, [board.id]: board3 });
  const rows = await scene.store.db
    .selectFrom("journal")
    .innerJoin("journal_values", (join) =>
      join
        .onRef("journal_values.stream", "=", "journal.stream")
        .onRef("journal_values.sequence", "=", "journal.sequence"),
    )
    .select("journal_values.after")
    .where("journal.run", "=", run.run)
    .where("journal.type", "=", "intent")
    .execute();
  const told = rows.map(({ after }) => (JSON.parse(after ?? "{}") as { readonly gone?: readonly string[] }).gone);
  assert.deepEqual(told, [[before], [before]]);
  await assertInStep();
});

test("what a server has taken out of its groups itself is not removed once more", async () => {
  await open();
  const [ana = ""] = board3;
  const record = scimUser(scene.scim, ana) as StoredResource;
  scene.scim.store.delete(scene.scim.store.users, record.id);
  await scene.graph("PATCH", `/users/${ana}`, { jobTitle: "Chief" });
  await scene.run(people);
  const before = scene.scim.requests.length;
  await scene.run(groups);
  assert.equal(scimWrites(scene.scim, before).length, 2);
  assertExact({ [staff.id]: everybody, [board.id]: board3 });
  await assertInStep();
});

test("somebody whom another hand put into a group stays there", async () => {
  await open();
  const { store } = scene.scim;
  const stranger = store.putUser(undefined, { userName: "by.hand@contoso.com", active: true });
  const of = scimGroup(scene.scim, board.id) as StoredResource;
  store.putGroup(of.id, { ...of, members: [...membersOf(of), { value: stranger.id }] });
  lose([...store.users.values()].filter(({ id }) => id !== stranger.id));
  await scene.run(people, { recreate: true });
  await scene.run(groups);
  assert.deepEqual(scimMembers(scene.scim, board.id), [...board3, stranger.id].sort());
  await scene.graph(
    "POST",
    `/groups/${board.id}/members/$ref`,
    reference(everybody.find((id) => !board3.includes(id)) ?? ""),
  );
  assert.equal((await scene.run(groups)).counts.members, 1);
  await assertInStep();
});
