import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Blackout, WEEKDAYS } from "@entrain/core";
import { freeFrom, minutesOf, windowsAt } from "./blackout.ts";

const WORK: Blackout = {
  days: ["mon", "tue", "wed", "thu", "fri"],
  from: "08:00",
  to: "18:00",
  timezone: "Europe/Rome",
};
const NIGHT: Blackout = { days: ["fri"], from: "22:00", to: "06:00", timezone: "Europe/Rome" };

const free = (blackouts: readonly Blackout[], at: string): string | null => {
  const found = freeFrom(blackouts, Date.parse(at));
  return found === null ? null : new Date(found).toISOString().slice(0, 16);
};

describe("a blackout", () => {
  it("lasts from its first minute to the one before its last, by the clocks of its zone", () => {
    assert.equal(free([WORK], "2026-01-05T06:59:59Z"), "2026-01-05T06:59");
    assert.equal(free([WORK], "2026-01-05T07:00Z"), "2026-01-05T17:00");
    assert.equal(free([WORK], "2026-01-05T16:59:59Z"), "2026-01-05T17:00");
    assert.equal(free([WORK], "2026-01-05T17:00Z"), "2026-01-05T17:00");
    assert.equal(free([WORK], "2026-07-06T06:00Z"), "2026-07-06T16:00");
  });

  it("leaves out the days that it does not name", () => {
    assert.equal(free([WORK], "2026-01-10T12:00Z"), "2026-01-10T12:00");
  });

  it("goes on over midnight, and belongs to the day on which it begins", () => {
    assert.equal(free([NIGHT], "2026-01-09T22:30Z"), "2026-01-10T05:00"); // Friday to Saturday.
    assert.equal(free([NIGHT], "2026-01-10T04:59Z"), "2026-01-10T05:00");
    assert.equal(free([NIGHT], "2026-01-10T22:30Z"), "2026-01-10T22:30");
    assert.equal(free([NIGHT], "2026-01-09T04:30Z"), "2026-01-09T04:30");
  });

  it("is followed by the next one without a gap", () => {
    const whole = { days: ["sat"], from: "06:00", to: "24:00", timezone: "Europe/Rome" } as const;
    assert.equal(free([NIGHT, whole], "2026-01-09T21:00Z"), "2026-01-10T23:00");
  });

  it("is as long as it can be where the clocks are set back or forward", () => {
    const early = { days: WEEKDAYS, from: "02:30", to: "02:45", timezone: "Europe/Rome" } as const;
    assert.equal(free([early], "2026-10-25T00:30Z"), "2026-10-25T01:45");
    assert.equal(free([early], "2026-10-25T01:46Z"), "2026-10-25T01:46");
    assert.equal(free([early], "2026-03-29T01:30Z"), "2026-03-29T01:45"); // 02:30 does not exist.
    const yorkers = { days: ["sun"], from: "00:00", to: "01:30", timezone: "America/New_York" } as const;
    assert.equal(free([yorkers], "2026-11-01T04:00Z"), "2026-11-01T06:30");
  });

  it("says whether a run that began before is stopped", () => {
    const [window] = windowsAt([{ ...WORK, stop: true }], Date.parse("2026-01-05T12:00Z"));
    assert.deepEqual(window, {
      from: Date.parse("2026-01-05T07:00Z"),
      to: Date.parse("2026-01-05T17:00Z"),
      stop: true,
    });
  });

  it("that never ends leaves no free moment", () => {
    assert.equal(free([{ days: WEEKDAYS, from: "00:00", to: "24:00", timezone: "UTC" }], "2026-01-05T12:00Z"), null);
  });
});

it("times of the day are two digits, a colon and two digits", () => {
  assert.deepEqual(["00:00", "08:30", "23:59", "24:00"].map(minutesOf), [0, 510, 1439, 1440]);
  for (const wrong of ["8:00", "24:01", "12:60", "noon", "", "08:00:00"]) assert.equal(minutesOf(wrong), null, wrong);
});
