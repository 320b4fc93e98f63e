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

test("a refusal for now is waited out for longer than a minute, whatever the jitter, in waits of at most 30 s", () => {
  for (const random of [0, 0.5, 0.999]) {
    const patience = new Patience(() => random);
    const waits: number[] = [];
    for (let next = patience.after("throttled"); next.attempt <= next.of; next = patience.after("throttled"))
      waits.push(next.waitMs);
    const total = waits.reduce((sum, ms) => sum + ms, 0);
    assert.equal(waits.length, 10);
    assert.ok(total > 60_000 && total < 160_000, `${total} ms`);
    assert.ok(Math.max(...waits) <= 30_000);
  }
});

/** A gate on a clock that whoever waits moves, and `setBack` sets back. */
function gateOnClock(): {
  readonly gate: Gate;
  readonly setBack: (ms: number) => void;
  readonly waits: readonly number[];
} {
  let now = 10_000_000_000;
  const waits: number[] = [];
  const sleep = async (ms: number): Promise<void> => {
    waits.push(ms);
    now += ms;
  };
  const setBack = (ms: number): void => {
    now -= ms;
  };
  const gate = new Gate({ now: () => now, random: () => 0, sleep }, "example.org", () => undefined);
  return { gate, setBack, waits };
}

test("a gate that is held for half a minute opens then, though the clock was set back by an hour", async () => {
  const { gate, setBack, waits } = gateOnClock();
  gate.hold(30_000);
  setBack(3_600_000);
  await gate.pass(signal);
  assert.deepEqual(waits, [30_000]);
  await gate.pass(signal);
  assert.deepEqual(waits, [30_000], "it stays open for the next one");
});

test("a gate that is held once more behind a clock that was set back waits for the longer of the two", async () => {
  for (const [again, waited] of [
    [5_000, 30_000],
    [40_000, 40_000],
  ] as const) {
    const { gate, setBack, waits } = gateOnClock();
    gate.hold(30_000);
    setBack(3_600_000);
    gate.hold(again);
    await gate.pass(signal);
    assert.deepEqual(waits, [waited]);
  }
});

test("a gate that is held for less than before opens no earlier", async () => {
  const { gate, waits } = gateOnClock();
  gate.hold(20_000);
  gate.hold(1_000);
  await gate.pass(signal);
  assert.deepEqual(waits, [20_000]);
});
