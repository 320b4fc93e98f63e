import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { plansIn } from "../store/plans.ts";
import { loadRun } from "../store/runs.ts";
import type { Progress, TargetRow } from "./context.ts";
import { unsyncedRecords } from "./failures/unsynced.ts";
import { runSync } from "./run.ts";
import { stopSync } from "./stop.ts";
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

/** A sync to SCIM whose target notes what it is sent, and which is asked to stop through the store at the `at`-th creation. */
async function stoppedAt(context: TestContext, at: number) {
  const scene = await openScene({ simulator: { people: 160, groups: 3 } });
  context.after(() => scene.close());
  const sync = await scene.addSync("people", "scim", { records: "user" });
  let sent = 0;
  let asked: Promise<unknown> = Promise.resolve();
  scene.disturb(({ method }) => {
    if (method !== "POST") return null;
    sent += 1;
    if (sent === at) {
      asked = stopSync(scene.store, sync, { actor: { kind: "operator", id: "olga" }, cause: "asked" });
    }
    return null;
  });
  const stopped = await scene.run(sync);
  await asked;
  return { scene, sync, sent: () => sent, stopped };
}

test("a run stopped through the store ends within one batch, and the next one sends nothing a second time", async (context) => {
  const { scene, sync, sent, stopped } = await stoppedAt(context, 3);
  assert.equal(stopped.result, "cancelled");
  assert.deepEqual(stopped.error?.message, "The run was stopped by olga.");
  const { batch } = await scene.engine.openTarget({ type: "scim" } as TargetRow);
  assert.ok(sent() >= 3 && sent() <= 3 + batch, `${sent()} sent`);
  assert.equal(stopped.counts.create, sent());
  const row = await loadRun(scene.store.db, stopped.run);
  assert.deepEqual(JSON.parse(row?.stopped_by ?? ""), { kind: "operator", id: "olga" });
  const left = await plansIn(scene.store.db, sync, ["applying"]);
  assert.equal(left.length, 1);

  const told: Progress[] = [];
  const actor = { kind: "operator", id: "olga" } as const;
  const options = { sync, actor, signal: new AbortController().signal, onProgress: (one: Progress) => told.push(one) };
  const next = await runSync(scene.engine, options);
  assert.equal(next.result, "succeeded");
  const total = stopped.counts.create + next.counts.create;
  const applying = told.filter(({ phase }) => phase === "applying");
  assert.deepEqual(applying.at(0), { phase: "applying", detail: "changes", done: stopped.counts.create, total });
  assert.ok(applying.some(({ done }) => done === total));
  // Each creation was sent once: the target refuses a second one of the same name, and would have been asked more often.
  assert.equal(sent(), scene.scim.store.users.size);
  assert.equal(stopped.counts.create + next.counts.create, sent());
  // What was planned is carried on with; the plan after it finds nothing that is left.
  const plans = await scene.store.db.selectFrom("plans").select(["id", "state", "counts"]).execute();
  assert.equal(plans.find(({ id }) => id === left[0]?.id)?.state, "applied");
  const more = plans.filter(({ id }) => id !== left[0]?.id).map(({ counts }) => JSON.parse(counts).create);
  assert.ok(
    more.every((create) => create === 0),
    JSON.stringify(more),
  );
  assert.equal((await scene.plan(sync)).changes, 0);
});
