import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { acquireLease, processOwner } from "../store/leases.ts";
import { readAnew } from "./read-anew.ts";
import { inShort, plannedIn, portalContent } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, group } from "./testing/tenant.ts";
import { DAY, MINUTE, testClock } from "./testing/time.ts";

const users = crowd(20);
const secret = { ...group("Team A"), visibility: "HiddenMembership" };
const connection = { id: "c_test", name: "contoso" };
const by = { actor: { kind: "operator", id: "ada" }, signal: new AbortController().signal };

let scene: Scene;
afterEach(() => scene.close());

async function open(): Promise<readonly string[]> {
  const memberships = { [secret.id]: users.slice(0, 5).map(({ id }) => id) };
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users, groups: [secret], memberships } } });
  const wide = { percent: 100, count: 5000, windowMs: DAY };
  const guard = { removals: wide, members: wide };
  const syncs = [
    await scene.addSync("people", "portal", { records: "requester", guard }),
    await scene.addSync("groups", "portal", { records: "group", guard }),
  ];
  for (const sync of syncs) await scene.run(sync);
  return syncs;
}

test("goes on with the permissions that are left once an operator says so, and takes nothing back for want of the others", async () => {
  const [people = "", groups = ""] = await open();
  const before = await portalContent(scene.store);
  scene.simulator.setRoles(
    scene.simulator.roles.filter((role) => role !== "Member.Read.Hidden" && !role.startsWith("Directory")),
  );
  const { error } = await scene.run(groups);
  assert.equal(error?.code, "permission_lost");
  assert.match(error?.fix ?? "", /`entrain connection read-anew contoso`\.$/);
  assert.deepEqual(await readAnew(scene.store, connection, by), ["group", "user"]);
  await scene.graph("PATCH", `/users/${users[3]?.id}`, { accountEnabled: false });
  const ran = await scene.run(groups);
  assert.deepEqual([ran.result, inShort(await plannedIn(scene.store, ran.run))], ["succeeded", []]);
  assert.equal(await portalContent(scene.store), before);
  const run = await scene.run(people);
  assert.deepEqual(inShort(await plannedIn(scene.store, run.run)), [`disable ${users[3]?.displayName}`]);
  const rows = await scene.store.db
    .selectFrom("journal")
    .select(["type", "actor_id"])
    .where("stream", "=", "system")
    .execute();
  assert.deepEqual(rows[0], { type: "read_anew", actor_id: "ada" });
});

test("leaves a connection alone that is being read", async () => {
  await open();
  await acquireLease(scene.store, "read:c_test", processOwner(scene.store.clock), MINUTE);
  await assert.rejects(readAnew(scene.store, connection, by), { code: "lease_held" });
});
