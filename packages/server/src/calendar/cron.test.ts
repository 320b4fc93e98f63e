import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cronFlaw, nextCron } from "./cron.ts";

/** The moments that a pattern names between two moments. */
function between(cron: string, timezone: string, [from, to]: readonly [string, string]): readonly string[] {
  const found: string[] = [];
  for (let at: number | null = Date.parse(from); at !== null; ) {
    at = nextCron({ cron, timezone }, at);
    if (at === null || at > Date.parse(to)) break;
    found.push(new Date(at).toISOString().slice(0, 16));
  }
  return found;
}

describe("a cron pattern", () => {
  it("names times of the day by the clocks of its zone, in winter and in summer", () => {
    assert.deepEqual(between("0 6 * * 1-5", "Europe/Rome", ["2026-03-26T12:00Z", "2026-03-31T12:00Z"]), [
      "2026-03-27T05:00",
      "2026-03-30T04:00",
      "2026-03-31T04:00",
    ]);
    assert.deepEqual(between("0 6 1 * *", "America/New_York", ["2026-02-01T12:00Z", "2026-04-02T00:00Z"]), [
      "2026-03-01T11:00",
      "2026-04-01T10:00",
    ]);
  });

  for (const [zone, skipped, twice] of [
    ["Europe/Rome", "2026-03-29", "2026-10-25"],
    ["America/New_York", "2026-03-08", "2026-11-01"],
  ] as const) {
    // The hour that is skipped is the one from two to three; New York's clocks show the one from one to two twice.
    const again = zone === "Europe/Rome" ? 2 : 1;
    const day = (date: string): readonly [string, string] => [
      new Date(Date.parse(`${date}T12:00Z`) - 86_400_000).toISOString(),
      `${date}T12:00Z`,
    ];

    it(`runs once in an hour that does not exist in ${zone}, right after it`, () => {
      const after = zone === "Europe/Rome" ? `${skipped}T01:00` : `${skipped}T07:00`;
      assert.deepEqual(between("30 2 * * *", zone, day(skipped)), [after]);
      assert.deepEqual(between("*/15 2 * * *", zone, day(skipped)), [after]);
    });

    it(`runs once in an hour that exists twice in ${zone}, the first time`, () => {
      const first = zone === "Europe/Rome" ? `${twice}T00:30` : `${twice}T05:30`;
      assert.deepEqual(between(`30 ${again} * * *`, zone, day(twice)), [first]);
      assert.equal(between(`*/15 ${again} * * *`, zone, day(twice)).length, 4);
    });

    it(`runs once in every hour that passes in ${zone}, when it is for every hour`, () => {
      for (const date of [skipped, twice]) assert.equal(between("5 * * * *", zone, day(date)).length, 24);
    });
  }

  it("is refused with what is wrong with it", () => {
    assert.equal(cronFlaw("0 6 * * 1-5"), null);
    assert.equal(cronFlaw("*/10 8-18/2 * * MON-FRI"), null);
    assert.equal(cronFlaw("0 6 29 2 *"), null);
    assert.equal(cronFlaw("0 6 * *"), "it has 4");
    assert.equal(cronFlaw("0 0 6 * * 1"), "it has 6");
    assert.equal(cronFlaw("0 6 30 2 *"), "that day never comes");
    assert.equal(cronFlaw("61 6 * * *"), "Invalid value for minute: 61");
    assert.match(cronFlaw("5/10 6 * * *") ?? "", /\S/);
    assert.match(cronFlaw("@daily") ?? "", /five fields/);
  });
});
