import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { DEFAULTS } from "@entrain/core";
import type { RunSummary } from "../run.ts";
import { standingsOf } from "../standing.ts";
import { targetContent } from "../testing/content.ts";
import { heldChanges, inShort, plannedIn } from "../testing/observe.ts";
import { OLGA, openScene, type Scene } from "../testing/scene.ts";
import { group, type Known, person } from "../testing/tenant.ts";
import { testClock } from "../testing/time.ts";
import { releaseUndone } from "./undo.ts";

let scene: Scene;
afterEach(async () => await scene.close());

async function undone(sync: string, of: string | null): Promise<RunSummary> {
  const planned = await scene.undo(sync, of);
  assert.equal(planned.result, "held", JSON.stringify(planned));
  return await scene.approve(sync, planned.held?.digest ?? "");
}

const people = ["Ana", "Bo", "Cy", "Di", "Ed"].map((name) => person(name, { jobTitle: `${name} old` }));
const [ana, bo, cy] = people as [Known<object>, Known<object>, Known<object>];

for (const target of ["portal", "scim"] as const) {
  test(`what a run changed in the ${target} goes back, by approval, and the next run does not do it again`, async () => {
    scene = await openScene({ clock: testClock(), simulator: { tenant: { users: people, groups: [] } } });
    const records = target === "portal" ? "requester" : "user";
    const deprovision = { ...DEFAULTS.deprovision, softDeleted: "delete" as const };
    const sync = await scene.addSync("people", target, { records, deprovision });
    await scene.run(sync);
    const before = await targetContent(scene, target);
    await scene.graph("PATCH", `/users/${ana.id}`, { jobTitle: "Ana new", displayName: "Ana New" });
    await scene.graph("PATCH", `/users/${bo.id}`, { accountEnabled: false });
    await scene.graph("DELETE", `/users/${cy.id}`);
    const run = await scene.run(sync);
    assert.deepEqual(inShort(await plannedIn(scene.store, run.run)).length, 3);
    const planned = await scene.undo(sync, run.run);
    assert.deepEqual(inShort(await heldChanges(scene.store, planned.held?.digest ?? "")), [
      "create Cy",
      "enable Bo",
      "update Ana New",
    ]);
    const back = await scene.approve(sync, planned.held?.digest ?? "");
    assert.equal(back.result, "succeeded", JSON.stringify(back));
    assert.deepEqual(await targetContent(scene, target), before);
    const next = await scene.run(sync);
    assert.deepEqual([next.result, await plannedIn(scene.store, next.run)], ["succeeded", []]);
    await scene.graph("PATCH", `/users/${ana.id}`, { jobTitle: "Ana newest" });
    assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
    const [standing] = await standingsOf(scene.engine, { connection: "c_test", id: ana.id });
    assert.match(standing?.reason ?? "", /^stays as undoing the run run_/);
    const { signal } = new AbortController();
    const released = await releaseUndone(scene.engine, {
      sync,
      actor: OLGA,
      signal,
      onProgress: () => undefined,
      records: null,
    });
    assert.equal(released, 3);
    const told = scene.store.db.selectFrom("journal").select("object_id").where("type", "=", "released");
    assert.ok((await told.execute()).some(({ object_id }) => object_id === ana.id));
    const again = await scene.run(sync);
    assert.equal(inShort(await plannedIn(scene.store, again.run)).length, 3);
  });
}

test("a run that made and joined records leaves none of them, and deletes only what it made", async () => {
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users: people, groups: [] } } });
  scene.scim.store.putUser(undefined, { userName: "ana@contoso.com", active: true, title: "By hand" });
  const before = await targetContent(scene, "scim");
  const sync = await scene.addSync("people", "scim", { records: "user" });
  const run = await scene.run(sync);
  assert.deepEqual([run.counts.create, run.counts.join], [4, 1]);
  assert.equal((await undone(sync, null)).result, "succeeded");
  assert.deepEqual(await targetContent(scene, "scim"), before);
  assert.deepEqual(await scene.store.db.selectFrom("links").selectAll().execute(), []);
  const next = await scene.run(sync);
  assert.deepEqual(await plannedIn(scene.store, next.run), []);
});

test("the undoing of a join cannot be undone in turn, and that is answered with what lets the sync decide again", async () => {
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users: [ana], groups: [] } } });
  scene.scim.store.putUser(undefined, { userName: "ana@contoso.com", active: true, title: "By hand" });
  const sync = await scene.addSync("people", "scim", { records: "user" });
  assert.equal((await scene.run(sync)).counts.join, 1);
  const undoing = await undone(sync, null);
  const refused = await scene.undo(sync, undoing.run);
  assert.deepEqual([refused.result, refused.error?.code], ["failed", "nothing_to_undo"]);
  assert.match(refused.error?.fix ?? "", /stays so until it is released.*: entrain sync release people --record ID/);
  assert.doesNotMatch(refused.error?.fix ?? "", /another run/);
});

test("memberships that a run moved move back, and stay", async () => {
  const team = group("Team");
  scene = await openScene({
    clock: testClock(),
    simulator: { tenant: { users: people, groups: [team], memberships: { [team.id]: [ana.id, bo.id] } } },
  });
  await scene.run(await scene.addSync("people", "scim", { records: "user" }));
  const sync = await scene.addSync("groups", "scim", { records: "group" });
  await scene.run(sync);
  const before = await targetContent(scene, "scim");
  await scene.graph("DELETE", `/groups/${team.id}/members/${ana.id}/$ref`);
  await scene.graph("POST", `/groups/${team.id}/members/$ref`, {
    "@odata.id": `https://graph.microsoft.com/v1.0/directoryObjects/${cy.id}`,
  });
  const run = await scene.run(sync);
  assert.equal(run.counts.members, 2);
  assert.equal((await undone(sync, run.run)).result, "succeeded");
  assert.deepEqual(await targetContent(scene, "scim"), before);
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
});
