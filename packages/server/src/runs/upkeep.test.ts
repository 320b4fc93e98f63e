import assert from "node:assert/strict";
import { test } from "node:test";
import { Upkeep } from "./upkeep.ts";

const rows = ["slow", "one", "two", "three"].map((id) => ({ id }));

test("one that is slow keeps neither the others waiting nor their next turn, and has its own right behind, once", async () => {
  const upkeep = new Upkeep(2);
  const slow = Promise.withResolvers<void>();
  const seen: string[] = [];
  const work = async ({ id }: { readonly id: string }): Promise<void> => {
    seen.push(id);
    if (id === "slow") await slow.promise;
  };
  const fast = rows.filter(({ id }) => id !== "slow");
  const first = upkeep.turn([{ id: "slow" }], work);
  await upkeep.turn(rows, work);
  await upkeep.turn(rows, work);
  assert.deepEqual(seen, ["slow", ...[...fast, ...fast].map(({ id }) => id)]);
  slow.resolve();
  await first;
  assert.deepEqual(seen.slice(7), ["slow"]);
  await upkeep.turn([{ id: "slow" }], work);
  assert.equal(seen.length, 9);
});

test("no more are looked after at once than there are places, and what one throws is thrown when all have ended", async () => {
  const upkeep = new Upkeep(2);
  let [now, most] = [0, 0];
  const done: string[] = [];
  const turn = upkeep.turn(rows, async ({ id }) => {
    now += 1;
    most = Math.max(most, now);
    await new Promise((resolve) => setImmediate(resolve));
    now -= 1;
    if (id === "one") throw new Error("no answer");
    done.push(id);
  });
  await assert.rejects(turn, /no answer/);
  assert.deepEqual([most, done], [2, ["slow", "two", "three"]]);
});

test("a look is begun while an earlier one goes on, but no fifth before one of four has ended", async () => {
  const upkeep = new Upkeep();
  const ends: (() => void)[] = [];
  const look = (): Promise<void> => new Promise((resolve) => ends.push(resolve));
  for (let at = 0; at < 3; at += 1) await upkeep.begin(look);
  let begun = false;
  const fourth = upkeep.begin(look).then(() => {
    begun = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([ends.length, begun], [4, false]);
  ends[2]?.();
  await fourth;
  const ended = upkeep.ended();
  for (const end of ends) end();
  await ended;
});
