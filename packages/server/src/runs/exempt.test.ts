import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { pinsPage } from "../store/pins.ts";
import { type Exempted, exemptSync } from "./exempt.ts";
import { showPerson } from "./people.ts";
import { heldPlans } from "./queries.ts";
import { heldChanges, inShort, plannedIn, scimMembers, scimUser } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, group } from "./testing/tenant.ts";
import { DAY, type TestClock, testClock } from "./testing/time.ts";
import { releaseUndone } from "./undo/undo.ts";

let scene: Scene;
let clock: TestClock;
let sync: string;
afterEach(() => scene.close());

const users = crowd(40);
const ids = users.map(({ id }) => id);
const staff = group("Staff");
const idAt = (at: number): string => ids[at] ?? "";
const of = (id: string) => ({
  sync: id,
  actor: { kind: "operator", id: "olga" } as const,
  signal: new AbortController().signal,
  onProgress: () => undefined,
});
const exempt = async (digest: string, records: readonly string[], id = sync): Promise<Exempted> =>
  await exemptSync(scene.engine, { ...of(id), digest, records });

async function holdTwelve(): Promise<string> {
  clock = testClock();
  scene = await openScene({ clock, simulator: { tenant: { users, groups: [] } } });
  sync = await scene.addSync("people", "scim", { records: "user" });
  await scene.run(sync);
  for (const id of ids.slice(0, 12)) await scene.graph("DELETE", `/users/${id}`);
  return (await scene.run(sync)).held?.digest ?? "";
}

const isActive = (at: number): boolean => scimUser(scene.scim, idAt(at))?.active === true;

test("records that are exempted leave the held plan, which gets a digest of its own", async () => {
  const old = await holdTwelve();
  const { digest, records } = await exempt(old, [idAt(2), idAt(3)]);
  assert.deepEqual(records, [idAt(2), idAt(3)]);
  assert.ok(digest !== null && digest !== old);
  await assert.rejects(scene.approve(sync, old), { code: "plan_stale" });
  const names = users.slice(0, 12).filter((_, at) => at !== 2 && at !== 3);
  assert.deepEqual(
    inShort(await heldChanges(scene.store, digest)),
    names.map(({ displayName }) => `disable ${displayName}`),
  );
  assert.equal((await scene.approve(sync, digest)).counts.disable, 10);
  assert.deepEqual([isActive(1), isActive(2), isActive(3), isActive(4)], [false, true, true, false]);
});

test("a user principal name names whoever of the plan has it, and nobody where several have it or none", async () => {
  const old = await holdTwelve();
  const nameAt = (at: number): string => users[at]?.userPrincipalName ?? "";
  const stranger = {
    code: "not_found",
    message: new RegExp(`has nothing of "${nameAt(30)}"; it takes object ids and user`),
  };
  await assert.rejects(exempt(old, [nameAt(30)]), stranger);
  const { records } = await exempt(old, [nameAt(2).toUpperCase(), idAt(2), idAt(3)]);
  assert.deepEqual(records, [idAt(2), idAt(3)]);
  const [held] = await heldPlans(scene.store, sync);
  const alike = JSON.stringify({ userPrincipalName: nameAt(4) });
  await scene.store.transaction((tx) =>
    tx.updateTable("records").set({ attributes: alike }).where("id", "=", idAt(5)).execute(),
  );
  await assert.rejects(exempt(held?.digest ?? "", [nameAt(4)]), {
    code: "not_found",
    message: new RegExp(`are called "${nameAt(4)}": .*${idAt(5)}.*Give the object id`),
  });
});

test("what is exempted is left alone by every later run, until it is released", async () => {
  const { digest } = await exempt(await holdTwelve(), [idAt(2)]);
  await scene.approve(sync, digest ?? "");
  for (let runs = 0; runs < 3; runs += 1) {
    clock.advance(DAY);
    if (runs === 1) scene.simulator.expireDeltaTokens();
    const run = await scene.run(sync);
    assert.deepEqual([run.held, inShort(await plannedIn(scene.store, run.run))], [null, []]);
  }
  const [shown] = await showPerson(scene.engine, idAt(2));
  const reason = shown?.syncs[0]?.reason ?? "";
  assert.ok(reason.startsWith("exempted from a held plan, and left alone; "), reason);
  assert.ok(reason.endsWith(`entrain sync release people --record ${idAt(2)}`), reason);
  const [pin, ...others] = await pinsPage(scene.store.db, sync, { after: "", limit: 10 });
  assert.deepEqual([pin?.id, pin?.run, pin?.actor.id, others], [idAt(2), null, "olga", []]);
  assert.equal(await releaseUndone(scene.engine, { ...of(sync), records: [idAt(2)] }), 1);
  assert.equal((await scene.run(sync)).counts.disable, 1);
});

test("when everybody of a held plan is exempted nothing waits any more", async () => {
  const { digest } = await exempt(await holdTwelve(), ids.slice(0, 12));
  assert.equal(digest, null);
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.held, run.counts.disable], ["succeeded", null, 0]);
});

test("somebody of whom the plan has nothing is refused, and the plan stays as it was", async () => {
  const old = await holdTwelve();
  await assert.rejects(exempt(old, [idAt(2), idAt(30)]), { code: "not_found" });
  await assert.rejects(exempt("0".repeat(64), [idAt(2)]), { code: "plan_stale" });
  assert.equal((await heldChanges(scene.store, old)).length, 12);
  assert.deepEqual(await pinsPage(scene.store.db, sync, { after: "", limit: 10 }), []);
});

test("a person who is exempted from held membership removals stays a member", async () => {
  clock = testClock();
  const memberships = { [staff.id]: ids };
  scene = await openScene({ clock, simulator: { tenant: { users, groups: [staff], memberships } } });
  sync = await scene.addSync("people", "scim", { records: "user" });
  await scene.run(sync);
  const groups = await scene.addSync("groups", "scim", { records: "group" });
  await scene.run(groups);
  for (const id of ids.slice(0, 12)) await scene.graph("DELETE", `/groups/${staff.id}/members/${id}/$ref`);
  const { held } = await scene.run(groups);
  const { digest } = await exempt(held?.digest ?? "", [idAt(3)], groups);
  assert.equal((await scene.approve(groups, digest ?? "")).counts.members, 11);
  await scene.run(groups);
  assert.deepEqual(scimMembers(scene.scim, staff.id), [idAt(3), ...ids.slice(12)].sort());
  await releaseUndone(scene.engine, { ...of(groups), records: null });
  await scene.run(groups);
  assert.deepEqual(scimMembers(scene.scim, staff.id), ids.slice(12).sort());
});

test("who exempted whom from which plan is journalled", async () => {
  const old = await holdTwelve();
  await exempt(old, [idAt(2)]);
  const rows = await scene.store.db
    .selectFrom("journal")
    .innerJoin("journal_values as said", (join) =>
      join.onRef("said.stream", "=", "journal.stream").onRef("said.sequence", "=", "journal.sequence"),
    )
    .select(["journal.type", "journal.object_id", "said.detail"])
    .where("journal.actor_id", "=", "olga")
    .orderBy("journal.sequence")
    .execute();
  assert.deepEqual(
    rows.map(({ type, object_id, detail }) => [type, object_id, detail]),
    [
      ["split", null, old],
      ["exempted", idAt(2), `from the held plan ${old}`],
    ],
  );
});
