import assert from "node:assert/strict";
import { it } from "node:test";
import { eachEngine } from "../store/testing.ts";
import { loadChance } from "./creation.ts";

eachEngine((engine) => {
  it("chance is the same for one record of one sync, and another for every other", async () => {
    const store = await engine.open();
    const draw = async (sync: string, id: string): Promise<string> => {
      const { guid, random, now } = (await loadChance(store)).creationOf(sync, 7)(id);
      assert.equal(now, 7);
      return JSON.stringify([guid(), random(10), guid(), random(1_000_000), random(1)]);
    };
    const first = await draw("s1", "a");
    assert.equal(await draw("s1", "a"), first);
    for (const [sync, id] of [
      ["s1", "b"],
      ["s2", "a"],
    ] as const)
      assert.notEqual(await draw(sync, id), first);
    assert.match(first, /^\["[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",\d,/);
    const [one, , two, , last] = JSON.parse(first) as readonly unknown[];
    assert.notEqual(one, two);
    assert.equal(last, 0);
  });

  it("every number below the limit comes, none beyond it", async () => {
    const { random } = (await loadChance(await engine.open())).creationOf("s", 0)("a");
    const counts = new Map<number, number>();
    for (let at = 0; at < 2_000; at += 1) {
      const drawn = random(8);
      counts.set(drawn, (counts.get(drawn) ?? 0) + 1);
    }
    assert.deepEqual([...counts.keys()].sort(), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert.ok(Math.min(...counts.values()) > 150, JSON.stringify([...counts]));
  });

  it("stores conceal the same value in ways of their own, and one store in one way", async () => {
    const [one, two] = [await engine.open(), await engine.open()];
    const { conceal } = await loadChance(one);
    assert.equal(conceal("x"), (await loadChance(one)).conceal("x"));
    assert.notEqual(conceal("x"), conceal("y"));
    assert.notEqual(conceal("x"), (await loadChance(two)).conceal("x"));
  });
});
