import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { runSync } from "./run.ts";
import { scimWrites } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { standingStill } from "./testing/standing-still.ts";
import { crowd } from "./testing/tenant.ts";
import { MINUTE, testClock } from "./testing/time.ts";

let scene: Scene;
afterEach(() => scene.close());

test("a process that stood still behind its intents sends nothing of what another one has done since", async () => {
  const clock = testClock();
  scene = await openScene({ clock, simulator: { tenant: { users: crowd(5), groups: [] } } });
  const sync = await scene.addSync("people", "scim", { records: "user" });
  let written = 0;
  const store = standingStill(scene.store, async () => {
    clock.advance(10 * MINUTE);
    assert.equal((await scene.run(sync)).result, "succeeded");
    written = scimWrites(scene.scim).length;
  });
  const { signal } = new AbortController();
  const options = { sync, actor: { kind: "system", id: "test" }, signal, onProgress: () => undefined } as const;
  await assert.rejects(runSync({ ...scene.engine, store }, options), { code: "lease_lost" });
  assert.equal(written, 5);
  assert.equal(scimWrites(scene.scim).length, written);
});
