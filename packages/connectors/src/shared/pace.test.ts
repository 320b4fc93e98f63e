import assert from "node:assert/strict";
import { test } from "node:test";
import { Gate, Patience } from "./pace.ts";

const { signal } = new AbortController();

test("whoever waits at the gate waits on when another is asked to wait meanwhile", async () => {
  let now = 0;
  const slept: number[] = [];
  const sleep = async (ms: number): Promise<void> => {
    slept.push(ms);
    now += ms;
    if (slept.length === 1) gate.hold(20_000);
  };
  const gate = new Gate({ now: () => now, random: () => 0, sleep }, "example.org", () => undefined);
  gate.hold(5_000);
  assert.equal(await gate.pass(signal), true);
  assert.deepEqual([slept, now], [[5_000, 20_000], 25_000]);
});

test("a refusal without a word is waited out for longer than a minute, whatever the jitter, in waits of at most 30 s", () => {
  for (const random of [0, 0.5, 0.999]) {
    const patience = new Patience(() => random);
    const waits: number[] = [];
    for (let next = patience.after("curt"); next.attempt <= next.of; next = patience.after("curt"))
      waits.push(next.waitMs);
    const total = waits.reduce((sum, ms) => sum + ms, 0);
    assert.equal(waits.length, 10);
    assert.ok(total > 60_000 && total < 160_000, `${total} ms`);
    assert.ok(Math.max(...waits) <= 30_000);
  }
});
