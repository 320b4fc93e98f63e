import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { DEFAULTS, type Protect } from "@entrain/core";
import { planRemoval } from "./remove/remove.ts";
import { heldChanges, inShort, scimGroup, scimMembers, unsynced } from "./testing/observe.ts";
import { OLGA, openScene, type Scene } from "./testing/scene.ts";
import { group, person } from "./testing/tenant.ts";
import { testClock } from "./testing/time.ts";

let scene: Scene;
afterEach(() => scene.close());

const users = ["Ana", "Bo", "Cy"].map((name) => person(name));
const [ana, bo] = users.map(({ id }) => id) as [string, string];
const [team, other] = [group("Team"), group("Other")];
const memberships = { [team.id]: [ana, bo], [other.id]: [bo] };
const deprovision = {
  ...DEFAULTS.deprovision,
  outOfScope: "delete",
  softDeleted: "delete",
  deleted: "delete",
} as const;
const PROTECT: Protect = { people: ["ana@contoso.com"] };
const { signal } = new AbortController();

/** A sync of groups, of which Ana, whom a list protects or not, is in one. */
async function open(protect: Protect): Promise<{ readonly sync: string; readonly made: string }> {
  scene = await openScene({
    clock: testClock(),
    simulator: { tenant: { users, groups: [team, other], memberships } },
  });
  await scene.run(await scene.addSync("people", "scim", { records: "user" }));
  const sync = await scene.addSync("groups", "scim", { records: "group", deprovision, protect });
  const { run, result } = await scene.run(sync);
  assert.equal(result, "succeeded");
  return { sync, made: run };
}

const teamIsThere = (): void => assert.deepEqual(scimMembers(scene.scim, team.id).includes(ana), true);
const saidOf = async (code: string): Promise<readonly string[]> =>
  (await scene.store.db.selectFrom("plan_issues").select(["detail"]).where("code", "=", code).execute()).map(
    ({ detail }) => detail,
  );

test("a group that is deleted at the source stays while a protected person is a member of it, and says so", async () => {
  const { sync } = await open(PROTECT);
  for (const { id } of [team, other]) await scene.graph("DELETE", `/groups/${id}`);
  for (let runs = 0; runs < 2; runs += 1) {
    await scene.run(sync);
    assert.deepEqual(await unsynced(scene.store, sync), new Map([[team.id, "protected"]]));
    assert.deepEqual(scimMembers(scene.scim, team.id), [ana, bo].sort());
  }
  assert.match(
    (await saidOf("protected"))[0] ?? "",
    /^would be deleted: .+, but is protected by its member Ana \(the sync's list\)$/,
  );
  assert.equal(scimGroup(scene.scim, other.id), undefined, "nobody of it is protected");
  await scene.redefine(sync, { protect: {} });
  await scene.run(sync);
  assert.equal(scimGroup(scene.scim, team.id), undefined, "out of the list, it goes its way");
});

test("undoing the creation of a group leaves it where a protected person is a member, and says so", async () => {
  const { sync, made } = await open(PROTECT);
  const undo = await scene.undo(sync, made);
  const digest = undo.held?.digest ?? "";
  assert.deepEqual(
    inShort(await heldChanges(scene.store, digest)).filter((said) => said.startsWith("delete")),
    ["delete Other"],
  );
  assert.ok(
    (await saidOf("protected")).includes(
      "it would be deleted again, but is protected by its member Ana (the sync's list)",
    ),
  );
  await scene.approve(sync, digest);
  teamIsThere();
  assert.equal(scimGroup(scene.scim, other.id), undefined);
});

test("a removal of the sync leaves the group of a protected person, and so does a list that is written while it waits", async () => {
  const { sync } = await open(PROTECT);
  const remove = async () =>
    await planRemoval(scene.engine, { sync, actor: OLGA, signal, onProgress: () => undefined, owned: "delete" });
  const first = (await remove()).held?.digest ?? "";
  assert.deepEqual(inShort(await heldChanges(scene.store, first)), ["delete Other"]);
  assert.deepEqual(await saidOf("protected"), [
    "would be deleted, but is protected by its member Ana (the sync's list)",
  ]);
  await scene.redefine(sync, { protect: {} });
  const second = (await remove()).held?.digest ?? "";
  assert.deepEqual(inShort(await heldChanges(scene.store, second)), ["delete Other", "delete Team"]);
  await scene.redefine(sync, { protect: PROTECT });
  const approved = await scene.approve(sync, second);
  teamIsThere();
  assert.match(
    approved.error?.message ?? "",
    /^1 of the plan's changes was not made, for its record is protected by its member Ana \(the sync's list\): Team\.$/,
  );
});
