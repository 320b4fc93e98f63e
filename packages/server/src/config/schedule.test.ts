import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { plainSchedule, scheduleInWords } from "./schedule.ts";
import { flawWith, syncWith } from "./testing.ts";

const scheduleOf = (text: string) => syncWith(`schedule: ${text}`).schedule;
const flawOf = (text: string): string => flawWith(`schedule: ${text}`);

describe("a schedule", () => {
  it("is an interval, a cron pattern in a time zone, or manual", () => {
    assert.deepEqual(scheduleOf("{ every: 5m }"), { everyMs: 300_000 });
    assert.deepEqual(scheduleOf('{ cron: "0 6 * * 1-5", timezone: Europe/Rome }'), {
      cron: "0 6 * * 1-5",
      timezone: "Europe/Rome",
    });
    assert.deepEqual(scheduleOf('{ cron: "0 6 * * 1-5" }'), { cron: "0 6 * * 1-5", timezone: "UTC" });
    assert.deepEqual(scheduleOf("manual"), { manual: true });
    assert.deepEqual(scheduleOf("{ manual: true }"), { manual: true });
  });

  it("takes blackouts and jitter, and an export says what was left out of them", () => {
    const schedule = scheduleOf(
      '{ cron: "*/30 * * * *", timezone: Europe/Rome, jitter: 30s, blackout: [{ days: [fri, mon], from: "08:00", to: "18:00", stop: true }, { from: "23:00", to: "01:00", timezone: UTC, stop: false }] }',
    );
    const days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    const blackout = [
      { days: ["mon", "fri"], from: "08:00", to: "18:00", timezone: "Europe/Rome", stop: true },
      { days, from: "23:00", to: "01:00", timezone: "UTC" },
    ];
    assert.deepEqual(schedule, { cron: "*/30 * * * *", timezone: "Europe/Rome", blackout, jitterMs: 30_000 });
    assert.deepEqual(plainSchedule(schedule), {
      cron: "*/30 * * * *",
      timezone: "Europe/Rome",
      blackout,
      jitter: "30s",
    });
    assert.equal(scheduleInWords(schedule), "*/30 * * * * Europe/Rome");
  });

  for (const [what, text, expected] of [
    ["two ways", '{ every: 5m, cron: "0 6 * * *" }', /schedule: must be one of \{ every: 5m \}/],
    ["no way", "{ jitter: 30s }", /schedule: must be one of/],
    ["a word", "hourly", /schedule: must be manual, \{ every: 5m \} or/],
    ["a slip", "{ evry: 5m }", /schedule\.evry: there is no "evry" here; did you mean "every"\?/],
    ["four fields", '{ cron: "0 6 * *" }', /schedule\.cron: must be five fields .*: it has 4/],
    ["a day that never comes", '{ cron: "0 6 31 4 *" }', /schedule\.cron: .*that day never comes/],
    [
      "a zone",
      '{ cron: "0 6 * * *", timezone: Europe/Rom }',
      /schedule\.timezone: there is no time zone "Europe\/Rom"; did you mean "Europe\/Rome"\?/,
    ],
    ["a zone without cron", "{ every: 5m, timezone: Europe/Rome }", /schedule\.timezone: belongs to cron/],
    [
      "a time",
      '{ every: 5m, blackout: [{ from: "8", to: "9:00" }] }',
      /blackout\[0\]\.from: must be a time of the day/,
    ],
    ["an empty window", '{ every: 5m, blackout: [{ from: "08:00", to: "08:00" }] }', /blackout\[0\]\.to: is the same/],
    ["a day", '{ every: 5m, blackout: [{ days: [monday], from: "08:00", to: "09:00" }] }', /days\[0\]: must be one of/],
    ["no day", '{ every: 5m, blackout: [{ days: [], from: "08:00", to: "09:00" }] }', /days: must name a day/],
    ["a window's zone", '{ every: 5m, blackout: [{ from: "08:00", to: "09:00", timezone: X }] }', /no time zone "X"/],
    ["no time at all", '{ every: 5m, blackout: [{ from: "00:00", to: "24:00" }] }', /blackout: leaves no time at all/],
    ["much jitter", "{ every: 5m, jitter: 2h }", /schedule\.jitter: must be at most 1h/],
    ["jitter of nothing", "{ manual: true, jitter: 2m }", /schedule\.jitter: delays runs that begin by themselves/],
    ["not manual", "{ manual: false }", /schedule\.manual: must be true/],
  ] as const) {
    it(`refuses ${what}`, () => assert.match(flawOf(text), expected));
  }
});
