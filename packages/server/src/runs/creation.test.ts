import assert from "node:assert/strict";
import { it } from "node:test";
import { openKeyring } from "../store/secrets.ts";
import type { Store } from "../store/store.ts";
import { eachEngine } from "../store/testing.ts";
import { type Chance, loadChance } from "./creation.ts";

const KEY = Buffer.alloc(32, 7).toString("base64");

async function chanceOf(store: Store): Promise<Chance> {
  return await loadChance({ store, keyring: await openKeyring(store, { key: KEY, folder: "", environment: {} }) });
}

eachEngine((engine) => {
  it("chance is the same for one record of one sync, and another for every other", async () => {
    const store = await engine.open();
    const draw = async (sync: string, id: string): Promise<string> => {
      const { guid, random, now } = (await chanceOf(store)).creationOf(sync, 7)(id);
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
    const { random } = (await chanceOf(await engine.open())).creationOf("s", 0)("a");
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
    const { conceal } = await chanceOf(one);
    assert.equal(conceal("x"), (await chanceOf(one)).conceal("x"));
    assert.notEqual(conceal("x"), conceal("y"));
    assert.notEqual(conceal("x"), (await chanceOf(two)).conceal("x"));
  });

  it("the seed is kept sealed: a copy of the store tells no password that was drawn from it", async () => {
    const store = await engine.open();
    await chanceOf(store);
    const rows = await store.db.selectFrom("meta").selectAll().execute();
    const seed = rows.find(({ key }) => key === "mapping_seed")?.value ?? "";
    assert.match(seed, /^v1\./);
    const other = await openKeyring(await engine.open(), { key: KEY, folder: "", environment: {} });
    assert.throws(() => other.open({ sealed: `${seed.slice(0, -8)}AAAAAAAA` }, "meta/mapping_seed"), /key/i);
  });
});
