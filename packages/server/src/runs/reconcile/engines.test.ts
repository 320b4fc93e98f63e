import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { DEFAULTS } from "@entrain/core";
import { eachEngine } from "../../store/testing.ts";
import { planRemoval } from "../remove/remove.ts";
import { inShort, plannedIn } from "../testing/observe.ts";
import { openScene, type Scene } from "../testing/scene.ts";
import { group, type Known, person } from "../testing/tenant.ts";
import { DAY, testClock } from "../testing/time.ts";
import { reconcileSync } from "./reconcile.ts";

const people = ["Ana", "Bo", "Cy", "Di", "Ed"].map((name) => person(name, { jobTitle: "Buyer" }));
const [ana, bo, cy, di] = people as [Known<object>, Known<object>, Known<object>, Known<object>];
const { signal } = new AbortController();
const of = { actor: { kind: "command", id: "olga" }, signal, onProgress: () => undefined } as const;

eachEngine((engine) => {
  let scene: Scene;
  afterEach(async () => await scene.close());

  test("drift is found and repaired, leavers wait their days, and a sync leaves nothing behind", async () => {
    const clock = testClock();
    const team = group("Team");
    scene = await openScene({
      clock,
      location: await engine.place(),
      simulator: { tenant: { users: people, groups: [team], memberships: { [team.id]: [ana.id, bo.id] } } },
    });
    const { store } = scene;
    const guard = { ...DEFAULTS.guard, removals: { percent: 50, count: 500, windowMs: DAY } };
    const later = { deleteAfterMs: 30 * DAY, disable: true };
    const deprovision = { ...DEFAULTS.deprovision, disabled: later };
    const sync = await scene.addSync("people", "portal", { records: "requester", guard, deprovision });
    await scene.run(sync);
    const groups = await scene.addSync("groups", "portal", { records: "group", guard });
    await scene.run(groups);
    const recordOf = async (id: string): Promise<string> =>
      (await store.db.selectFrom("links").select("record_id").where("object_id", "=", id).executeTakeFirstOrThrow())
        .record_id;
    const [a, c] = [await recordOf(ana.id), await recordOf(cy.id)];
    await store.transaction(async (tx) => {
      await tx.updateTable("portal_requesters").set({ active: 0 }).where("id", "=", a).execute();
      await tx.deleteFrom("portal_requesters").where("id", "=", c).execute();
      await tx.deleteFrom("portal_members").where("member_id", "=", a).execute();
    });
    const inGroup = await reconcileSync(scene.engine, { ...of, sync: groups, repair: true, samples: 5 });
    assert.deepEqual([inGroup.report?.members.removed.count, inGroup.run.counts.members], [1, 1]);
    const { report, run } = await reconcileSync(scene.engine, { ...of, sync, repair: true, samples: 5 });
    assert.deepEqual([report?.missing.count, report?.changed.count, run.result], [1, 1, "succeeded"]);
    assert.deepEqual(inShort(await plannedIn(store, run.run)), ["create Cy", "enable Ana"]);
    for (const one of [sync, groups]) {
      const again = await reconcileSync(scene.engine, { ...of, sync: one, repair: false, samples: 5 });
      assert.equal(again.report?.inStep, true);
    }
    await scene.graph("PATCH", `/users/${di.id}`, { accountEnabled: false });
    assert.deepEqual(inShort(await plannedIn(store, (await scene.run(sync)).run)), ["disable Di"]);
    clock.advance(31 * DAY);
    assert.deepEqual(inShort(await plannedIn(store, (await scene.run(sync)).run)), ["delete Di"]);
    const removal = await planRemoval(scene.engine, { ...of, sync, owned: "delete" });
    const approved = await scene.approve(sync, removal.held?.digest ?? "");
    assert.deepEqual([approved.result, approved.counts.delete], ["succeeded", 4]);
    assert.deepEqual(await store.db.selectFrom("portal_requesters").select("id").execute(), []);
  });
});
