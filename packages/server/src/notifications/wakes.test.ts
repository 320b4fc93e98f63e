import assert from "node:assert/strict";
import { test } from "node:test";
import { Wakes } from "./wakes.ts";

test("reads shortly after a notification, and again after 5, 30 and 120 seconds", () => {
  const wakes = new Wakes();
  wakes.wake("c", 1_000);
  assert.equal(wakes.next(1_000), 200);
  const taken = [1_199, 1_200, 1_201, 6_000, 30_999, 31_000, 121_000].map((now) => wakes.take(now).length);
  assert.deepEqual(taken, [0, 1, 0, 1, 0, 1, 1]);
  assert.equal(wakes.next(121_000), null);
});

test("gathers a burst into one read, and reads a flood no more often than once a second", () => {
  const wakes = new Wakes();
  let reads = 0;
  for (let now = 0; now < 10_000; now += 1) {
    wakes.wake("c", now);
    reads += wakes.take(now).length;
  }
  assert.ok(reads <= 10, `${reads} reads`);
  assert.ok(reads >= 8, `${reads} reads`);
});

test("keeps connections apart, and tells the listener of each", () => {
  const wakes = new Wakes();
  let told = 0;
  wakes.onWake(() => {
    told += 1;
  });
  wakes.wake("a", 0);
  wakes.wake("b", 100);
  assert.deepEqual(wakes.take(200), ["a"]);
  assert.deepEqual(wakes.take(300), ["b"]);
  assert.equal(told, 2);
});
