import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { Target } from "@entrain/core";
import type { Engine } from "../context.ts";
import { approveSync, type RunOptions, type RunSummary } from "../run.ts";
import { targetContent } from "../testing/content.ts";
import { openScene, type Scene } from "../testing/scene.ts";
import { crowd } from "../testing/tenant.ts";
import { testClock } from "../testing/time.ts";
import { releaseUndone, undoRun } from "./undo.ts";

let scene: Scene;
let sync: string;
afterEach(async () => await scene.close());

function options(): RunOptions {
  const { signal } = new AbortController();
  return { sync, actor: { kind: "command", id: "olga" }, signal, onProgress: () => undefined };
}

/** A run that made six people, and the plan that undoes it. */
async function planned(): Promise<string> {
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users: crowd(6), groups: [] } } });
  sync = await scene.addSync("people", "scim", { records: "user" });
  assert.equal((await scene.run(sync)).counts.create, 6);
  const { held } = await undoRun(scene.engine, { ...options(), of: null, chosen: {} });
  return held?.digest ?? "";
}

async function assertBack(run: RunSummary): Promise<void> {
  assert.equal(run.result, "succeeded", JSON.stringify(run));
  assert.deepEqual(await targetContent(scene, "scim"), []);
}

test("an undoing that deletes what a run made goes on where somebody deleted one of them already", async () => {
  const digest = await planned();
  const { store } = scene.scim;
  store.delete(store.users, [...store.users.keys()][2] ?? "");
  await assertBack(await scene.approve(sync, digest));
});

/** The process dies when the target has done what it was asked. */
function dying(engine: Engine): Engine {
  const openTarget = async (...args: Parameters<Engine["openTarget"]>): Promise<Target> => {
    const target = await engine.openTarget(...args);
    return {
      ...target,
      apply: async (changes, signal) => {
        await target.apply(changes, signal);
        throw new Error("the process died");
      },
    };
  };
  return { ...engine, openTarget };
}

test("who is released before the undoing has come to its end is the sync's again when it has", async () => {
  const digest = await planned();
  await approveSync(dying(scene.engine), { ...options(), digest });
  assert.equal(await releaseUndone(scene.engine, { ...options(), records: null }), 6);
  const next = await scene.run(sync);
  assert.deepEqual([next.result, next.counts.delete, next.counts.create], ["succeeded", 6, 6]);
});
