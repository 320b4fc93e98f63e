import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { Target } from "@entrain/core";
import type { GraphUser } from "@entrain/simulator";
import { loadBreaker } from "../../store/breakers.ts";
import { eachEngine } from "../../store/testing.ts";
import { scimUser, scimWrites, unsynced } from "../testing/observe.ts";
import { openScene, type Scene } from "../testing/scene.ts";
import { person } from "../testing/tenant.ts";
import { MINUTE, type TestClock, testClock } from "../testing/time.ts";

let scene: Scene;
let clock: TestClock;
let sync: string;
afterEach(() => scene?.close());

const users: readonly GraphUser[] = Array.from({ length: 40 }, (_, at) => person(`Person ${at + 10}`));
const down = { status: 500, body: "{}" };

/** Changes go to the target one by one, as they do where it has no batches. */
function oneByOne(target: Target): Target {
  return new Proxy(target, {
    get: (of, name) => {
      if (name === "batch") return 1;
      const value: unknown = Reflect.get(of, name);
      return typeof value === "function" ? value.bind(of) : value;
    },
  });
}

eachEngine((engine) => {
  async function open(): Promise<void> {
    clock = testClock();
    scene = await openScene({ clock, location: await engine.place(), simulator: { tenant: { users, groups: [] } } });
    const { openTarget } = scene.engine;
    Object.assign(scene.engine, {
      openTarget: async (...given: Parameters<typeof openTarget>) => oneByOne(await openTarget(...given)),
    });
    sync = await scene.addSync("people", "scim", { records: "user" });
  }

  /** From the fifth creation on nothing is answered any more. */
  function breakDown(which: (method: string) => boolean): void {
    let creations = 0;
    scene.disturb(({ method }) => {
      if (method === "POST") creations += 1;
      return creations > 4 && which(method) ? down : null;
    });
  }

  test("a target that answers nothing any more ends the run after a few changes with one clear fault", async () => {
    await open();
    breakDown(() => true);
    const run = await scene.run(sync);
    assert.deepEqual([run.result, run.counts.create], ["failed", 4]);
    assert.ok(scimWrites(scene.scim).filter((one) => one.startsWith("POST")).length < 20);
    assert.notEqual(await loadBreaker(scene.store.db, "t_scim"), null);
  });

  test("a target that takes no change ends the run although it answers questions, and no record is lost", async () => {
    await open();
    breakDown((method) => method === "POST");
    const run = await scene.run(sync);
    assert.deepEqual([run.result, run.error?.code, run.counts.create], ["failed", "target_unavailable", 4]);
    assert.match(run.error?.message ?? "", /^The target scim gave no proper answer to 25 changes in a row: /);
    const before = scene.scim.requests.length;
    const next = await scene.run(sync);
    assert.deepEqual([next.error?.code, next.counts.create], ["target_unavailable", 0]);
    // A single change shows that nothing is better, and those that were tried before are not the first again.
    assert.ok(scimWrites(scene.scim, before).length <= 8);
    scene.disturb(null);
    clock.advance(10 * MINUTE);
    const mended = await scene.run(sync);
    assert.deepEqual([mended.result, mended.counts.create], ["succeeded", 36]);
    assert.equal(await loadBreaker(scene.store.db, "t_scim"), null);
    assert.deepEqual([...(await unsynced(scene.store, sync))], []);
  });

  test("every sync of a target whose breaker is open asks it once, reads nothing, and goes on when it answers", async () => {
    await open();
    await scene.run(sync);
    const other = await scene.addSync("others", "scim", { records: "group" });
    const row = { target: "t_scim", failures: 9, since: clock.now(), last_at: clock.now(), opened_at: clock.now() };
    const values = { ...row, code: "timeout", detail: "no answer" };
    await scene.store.transaction((tx) => tx.insertInto("target_breakers").values(values).execute());
    scene.disturb(() => down);
    const [asked, read] = [scene.scim.requests.length, scene.simulator.requests.list("/").length];
    const run = await scene.run(other);
    assert.deepEqual([run.result, run.error?.code], ["failed", "target_unavailable"]);
    assert.match(run.error?.message ?? "", /^The target scim gives no answer since 2031-03-03 08:/);
    assert.ok(scene.scim.requests.length - asked <= 6, "one question, with what its client repeats of it");
    assert.equal(scene.simulator.requests.list("/").length, read);
    scene.disturb(null);
    assert.equal((await scene.run(sync)).result, "succeeded");
    assert.equal((await loadBreaker(scene.store.db, "t_scim"))?.opened_at, null);
  });

  test("records that are each answered with a fault do not stop the others, however many stand in a row", async () => {
    await open();
    await scene.run(sync);
    const poisoned = new Set(
      users.slice(3, 19).map(({ id = "" }) => `/Users/${String(scimUser(scene.scim, String(id))?.id)}`),
    );
    scene.disturb(({ method, path }) => (method === "PATCH" && poisoned.has(path) ? down : null));
    for (const { id } of users) await scene.graph("PATCH", `/users/${String(id)}`, { jobTitle: "Chief" });
    const run = await scene.run(sync);
    assert.deepEqual([run.result, run.counts.update, run.failed], ["partial", 24, 16]);
  });
});
