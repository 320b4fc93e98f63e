import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { dueAt, nextRunAt, type Past } from "./due.ts";

const MINUTE = 60_000;
const NOW = Date.parse("2026-01-05T12:00Z"); // A Monday.
const past = (more: Partial<Past>): Past => ({
  sync: "s_one",
  lastRunAt: null,
  cutOff: false,
  since: NOW - MINUTE,
  ...more,
});
const DAILY = { cron: "0 6 * * *", timezone: "Europe/Rome" } as const;
const at = (text: string): number => Date.parse(text);

describe("the next run of a sync", () => {
  it("never comes by itself when it runs only when asked to", () => {
    assert.equal(nextRunAt({ manual: true }, past({}), NOW), null);
  });

  it("with an interval comes so long after the last one began, and at once when there was none", () => {
    assert.equal(dueAt({ everyMs: 5 * MINUTE }, past({ lastRunAt: NOW - MINUTE }), NOW), NOW + 4 * MINUTE);
    assert.equal(dueAt({ everyMs: 5 * MINUTE }, past({}), NOW), NOW - MINUTE);
  });

  it("with a cron pattern comes at the first time after the last run and after the pattern was set", () => {
    assert.equal(dueAt(DAILY, past({}), NOW), at("2026-01-06T05:00Z"));
    assert.equal(dueAt(DAILY, past({ lastRunAt: at("2026-01-05T05:00:01Z") }), NOW), at("2026-01-06T05:00Z"));
    const set = past({ lastRunAt: at("2025-12-01T00:00Z"), since: NOW - MINUTE });
    assert.equal(dueAt(DAILY, set, NOW), at("2026-01-06T05:00Z"));
  });

  it("that was missed many times is due once", () => {
    const down = past({ lastRunAt: at("2026-01-01T05:00Z"), since: 0 });
    const missed = dueAt(DAILY, down, NOW);
    assert.equal(missed, at("2026-01-02T05:00Z"));
    assert.equal(dueAt(DAILY, { ...down, lastRunAt: NOW }, NOW + MINUTE), at("2026-01-06T05:00Z"));
  });

  it("comes at once when the last one was cut off", () => {
    assert.equal(dueAt(DAILY, past({ lastRunAt: NOW - MINUTE, cutOff: true }), NOW), NOW);
    assert.equal(dueAt({ manual: true }, past({ cutOff: true }), NOW), null);
  });

  it("outlives a clock that is set back", () => {
    assert.equal(dueAt({ everyMs: MINUTE }, past({ lastRunAt: NOW + 99 * MINUTE, since: NOW + MINUTE }), NOW), NOW);
    assert.equal(
      dueAt(DAILY, past({ lastRunAt: NOW + 9_999 * MINUTE, since: NOW + MINUTE }), NOW),
      at("2026-01-06T05:00Z"),
    );
  });

  it("is put off by jitter: less than that, the same for whoever asks, another for another sync", () => {
    const jittered = { ...DAILY, jitterMs: 10 * MINUTE };
    const plain = dueAt(DAILY, past({}), NOW) ?? 0;
    const times = Array.from({ length: 50 }, (_, index) => dueAt(jittered, past({ sync: `s_${index}` }), NOW) ?? 0);
    assert.ok(times.every((time) => time >= plain && time < plain + 10 * MINUTE));
    assert.ok(new Set(times).size > 40);
    assert.deepEqual(dueAt(jittered, past({ sync: "s_7" }), NOW + MINUTE), times[7]);
  });

  it("waits for the end of a blackout", () => {
    const work = { days: ["mon"], from: "08:00", to: "18:00", timezone: "Europe/Rome" } as const;
    const often = { everyMs: 5 * MINUTE, blackout: [work] } as const;
    assert.equal(nextRunAt(often, past({ lastRunAt: NOW - 9 * MINUTE }), NOW), at("2026-01-05T17:00Z"));
    const before = at("2026-01-05T06:58Z");
    assert.equal(nextRunAt(often, past({ lastRunAt: before }), before), at("2026-01-05T17:00Z"));
    assert.equal(nextRunAt(often, past({ lastRunAt: before - 4 * MINUTE }), before), before + MINUTE);
    assert.equal(nextRunAt({ ...DAILY, blackout: [work] }, past({ cutOff: true }), NOW), at("2026-01-05T17:00Z"));
  });
});
