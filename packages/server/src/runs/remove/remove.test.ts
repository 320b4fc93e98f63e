import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { exemptSync } from "../exempt.ts";
import { syncStatus } from "../queries.ts";
import { approveSync } from "../run.ts";
import { targetContent } from "../testing/content.ts";
import { heldChanges, inShort, plannedIn } from "../testing/observe.ts";
import { openScene, type Scene } from "../testing/scene.ts";
import { type Known, person } from "../testing/tenant.ts";
import { testClock } from "../testing/time.ts";
import { releaseUndone } from "../undo/undo.ts";
import { isReadyToGo, ownedBy, planRemoval } from "./remove.ts";

let scene: Scene;
afterEach(async () => await scene.close());

const actor = { kind: "command", id: "olga" } as const;
const { signal } = new AbortController();
const people = ["Ana", "Bo", "Cy", "Di"].map((name) => person(name, { jobTitle: "Buyer" }));
const [ana, bo] = people as [Known<object>, Known<object>];

const plan = async (sync: string, owned: "disable" | "delete") =>
  await planRemoval(scene.engine, { sync, actor, signal, onProgress: () => undefined, owned });

/** What removing an entry does with its links, as the configuration does it. */
async function forget(sync: string): Promise<void> {
  const { removeEntry } = await import("../../config/remove.ts");
  await scene.store.transaction((tx) =>
    removeEntry(tx, scene.store, "syncs", sync, { actor: { kind: "command", id: "olga" }, force: false }),
  );
}

for (const target of ["portal", "scim"] as const) {
  test(`a sync of the ${target} that is removed with all it owns disabled joins the same records again, enabled`, async () => {
    scene = await openScene({ clock: testClock(), simulator: { tenant: { users: people, groups: [] } } });
    const records = target === "portal" ? "requester" : "user";
    const sync = await scene.addSync("people", target, { records });
    await scene.run(sync);
    const before = await targetContent(scene, target);
    assert.deepEqual(await ownedBy(scene.store, sync), { records: 4, active: 4 });
    const planned = await plan(sync, "disable");
    assert.equal(planned.result, "held", JSON.stringify(planned));
    const digest = planned.held?.digest ?? "";
    assert.deepEqual(await targetContent(scene, target), before, "nothing happens before approval");
    const changes = await heldChanges(scene.store, digest);
    assert.deepEqual(inShort(changes), ["disable Ana", "disable Bo", "disable Cy", "disable Di"]);
    const verb = target === "portal" ? "deactivated in the portal" : "set to active: false";
    assert.deepEqual([changes[0]?.cause, changes[0]?.reason], ["syncRemoved", `The sync people is removed; ${verb}`]);
    assert.equal(await isReadyToGo(scene.store, { sync, digest }), false);
    // The source is not asked: what a sync leaves behind goes whatever it says.
    const approved = await scene.approve(sync, digest);
    assert.deepEqual([approved.result, approved.counts.disable], ["succeeded", 4]);
    assert.equal(await isReadyToGo(scene.store, { sync, digest }), true);
    await forget(sync);
    const again = await scene.addSync("people again", target, { records });
    const run = await scene.run(again);
    assert.deepEqual([run.result, run.counts.enable, run.counts.create], ["succeeded", 4, 0], JSON.stringify(run));
    assert.deepEqual(await targetContent(scene, target), before, "the same records, enabled");
    assert.deepEqual(await plannedIn(scene.store, (await scene.run(again)).run), []);
  });
}

test("deleting deletes what the sync made; what it joined is disabled, and protected people stay as they are", async () => {
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users: people, groups: [] } } });
  scene.scim.store.putUser(undefined, { userName: "ana@contoso.com", active: true, title: "By hand" });
  const sync = await scene.addSync("people", "scim", { records: "user", protect: { people: [bo.id] } });
  await scene.run(sync);
  const planned = await plan(sync, "delete");
  const changes = await heldChanges(scene.store, planned.held?.digest ?? "");
  assert.deepEqual(inShort(changes), ["delete Cy", "delete Di", "disable Ana"]);
  const issues = await scene.store.db.selectFrom("plan_issues").select(["name", "code"]).execute();
  assert.deepEqual(
    issues.filter(({ code }) => code === "protected").map(({ name }) => name),
    ["Bo"],
  );
  await scene.approve(sync, planned.held?.digest ?? "");
  assert.deepEqual([...scene.scim.store.users.values()].map(({ userName, active }) => [userName, active]).sort(), [
    ["ana@contoso.com", false],
    ["bo@contoso.com", true],
  ]);
  assert.equal((await plan(sync, "delete")).held, null, "nothing is left to be done");
  void ana;
});

test("whoever was exempted stays, and is listed, until they are released", async () => {
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users: people, groups: [] } } });
  const sync = await scene.addSync("people", "scim", { records: "user" });
  await scene.run(sync);
  const first = await plan(sync, "delete");
  const options = { sync, actor, signal, onProgress: () => undefined };
  const digest = first.held?.digest ?? "";
  await exemptSync(scene.engine, { ...options, digest, records: [ana.id] });
  const planned = await plan(sync, "delete");
  assert.deepEqual(inShort(await heldChanges(scene.store, planned.held?.digest ?? "")), [
    "delete Bo",
    "delete Cy",
    "delete Di",
  ]);
  const issues = await scene.store.db.selectFrom("plan_issues").select(["name", "code", "detail"]).execute();
  assert.deepEqual(issues, [
    {
      ...{ name: "Ana", code: "pinned" },
      detail: `would be deleted, but was exempted from a held plan; let it go with the rest: entrain sync release people --record ${ana.id}`,
    },
  ]);
  await releaseUndone(scene.engine, { ...options, records: [ana.id] });
  const all = await plan(sync, "delete");
  assert.equal((await heldChanges(scene.store, all.held?.digest ?? "")).length, 4);
});

test("a kind that the target cannot disable is refused, another choice replaces the first, and a rejected one lets the sync go on", async () => {
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users: people, groups: [] } } });
  const groups = await scene.addSync("groups", "scim", { records: "group" });
  const refused = await plan(groups, "disable");
  assert.deepEqual([refused.result, refused.error?.code], ["failed", "config_invalid"]);
  assert.match(refused.error?.fix ?? "", /--owned release/);
  const sync = await scene.addSync("people", "scim", { records: "user" });
  await scene.run(sync);
  const first = await plan(sync, "disable");
  const second = await plan(sync, "delete");
  await assert.rejects(
    approveSync(scene.engine, {
      sync,
      actor,
      signal,
      onProgress: () => undefined,
      digest: first.held?.digest ?? "",
    }).then((run) => {
      if (run.error !== null) throw new Error(run.error.code);
    }),
  );
  const paused = () => scene.store.db.selectFrom("sync_pauses").select("note").where("sync", "=", sync).execute();
  assert.deepEqual(await paused(), [{ note: "it is being removed" }]);
  await scene.reject(sync, second.held?.digest ?? "");
  assert.deepEqual(await paused(), []);
  assert.equal((await syncStatus(scene.store, sync))?.unsynced, 0, "the sync goes on, and nothing of it failed");
  await scene.graph("PATCH", `/users/${bo.id}`, { jobTitle: "Seller" });
  assert.deepEqual(inShort(await plannedIn(scene.store, (await scene.run(sync)).run)), ["update Bo"]);
});
