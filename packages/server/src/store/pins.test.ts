import assert from "node:assert/strict";
import { test } from "node:test";
import { releasePins, unpin } from "./pins.ts";
import { eachEngine } from "./testing.ts";

eachEngine((engine) => {
  test("where nothing is let go of, nothing is asked for that an engine would refuse", async () => {
    const store = await engine.open();
    await store.transaction(async (tx) => {
      await unpin(tx, { sync: "s_1", plan: "plan_1" }, [{ id: "group", members: [] }]);
      assert.deepEqual(await releasePins(store, tx, "s_1", []), []);
    });
  });
});
