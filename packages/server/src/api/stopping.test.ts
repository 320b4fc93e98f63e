import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { RunOptions, RunSummary } from "../runs/run.ts";
import { OLGA, openScene, type Scene } from "../runs/testing/scene.ts";
import { activities } from "./activity.ts";
import { Background } from "./background.ts";

let scene: Scene;
afterEach(async () => await scene.close());

test("who is asked to stop stops between two batches, and ends the one that it writes", async () => {
  scene = await openScene();
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const background = new Background(scene.engine, log);
  const { promise, resolve } = Promise.withResolvers<RunOptions>();
  const ended = Promise.withResolvers<RunSummary>();
  const begun = await background.run({ id: "sync_1", name: "people" }, OLGA, async (_engine, options) => {
    options.onBegin?.("run_1");
    resolve(options);
    return await ended.promise;
  });
  assert.equal(begun, "run_1");
  const options = await promise;
  const stopping = async (): Promise<unknown> => (await activities(scene.store, background)).map((one) => one.stopping);
  assert.deepEqual(await stopping(), [false]);
  background.cancel("sync_1", OLGA);
  assert.deepEqual(await stopping(), [true]);
  assert.deepEqual([options.signal.aborted, options.now?.aborted], [true, false]);
  const closed = background.close();
  assert.equal(options.now?.aborted, true, "a server that ends waits for no batch");
  ended.reject(options.signal.reason);
  await closed;
});
