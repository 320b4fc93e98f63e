import assert from "node:assert/strict";
import { test } from "node:test";
import { unsyncedRecords } from "./queries.ts";
import { runSync } from "./run.ts";
import { openScene } from "./testing/scene.ts";

test("a run that is stopped while it writes fails nobody, and the next one writes what is left, each once", async (context) => {
  const stop = new AbortController();
  const scene = await openScene({ simulator: { people: 40, groups: 3 } });
  context.after(() => scene.close());
  let creates = 0;
  scene.disturb(({ method }) => {
    if (method !== "POST") return null;
    creates += 1;
    if (creates === 5) stop.abort(new DOMException("The run was stopped by an operator.", "AbortError"));
    return null;
  });
  const sync = await scene.addSync("people", "scim", { records: "user" });
  const actor = { kind: "operator", id: "olga" } as const;
  const stopped = await runSync(scene.engine, { sync, actor, signal: stop.signal, onProgress: () => undefined });
  assert.deepEqual([stopped.result, stopped.failed, stopped.error?.code], ["cancelled", 0, "cancelled"]);
  assert.deepEqual(await unsyncedRecords(scene.store, { sync, limit: 10 }), []);
  scene.disturb(null);
  const next = await scene.run(sync);
  assert.deepEqual([next.result, next.failed], ["succeeded", 0]);
  assert.ok(stopped.counts.create + next.counts.create + next.unchanged >= 30);
  assert.equal((await scene.plan(sync)).changes, 0);
  const names = [...scene.scim.store.users.values()].map(({ userName }) => userName);
  assert.equal(new Set(names).size, names.length);
});
