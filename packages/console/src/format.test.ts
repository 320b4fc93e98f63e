import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pathOf } from "./api.ts";
import { countsInWords, duration, relativeTime, totalOf, valueText } from "./format.ts";

const NONE = { create: 0, join: 0, update: 0, enable: 0, disable: 0, delete: 0, members: 0 };
const MINUTE = 60_000;

describe("what the console writes", () => {
  it("tells durations in their one or two largest units", () => {
    const told = [0, 340, 2140, 9960, 59_700, 200_000, 180_000, 3_900_000, 7_200_000].map(duration);
    assert.deepEqual(told, ["0 ms", "340 ms", "2.1 s", "10 s", "1 min", "3 min 20 s", "3 min", "1 h 5 min", "2 h"]);
  });

  it("never says that what was is still to come, nor that what is due has been", () => {
    const now = 1_700_000_000_000;
    assert.equal(relativeTime(now + 5000, now, false), relativeTime(now, now, false));
    assert.notEqual(relativeTime(now + 5000, now, true), relativeTime(now, now, false));
    assert.equal(relativeTime(now + 5000, now, true), relativeTime(now + MINUTE, now, true));
    assert.notEqual(relativeTime(now - 5 * MINUTE, now, false), relativeTime(now - 4 * MINUTE, now, false));
  });

  it("names only the kinds of change that happened", () => {
    assert.equal(countsInWords({ ...NONE, create: 12, disable: 1 }), "12 created, 1 disabled");
    assert.equal(countsInWords(NONE), null);
    assert.equal(totalOf({ ...NONE, create: 12, members: 3 }), 15);
  });

  it("writes values as people read them", () => {
    const values = [null, undefined, "", "李", true, 0, ["a", "b"], { $ref: "6590c48e" }, { city: "Oslo" }];
    const wanted = ["", "", "", "李", "true", "0", "a, b", "6590c48e", '{"city":"Oslo"}'];
    assert.deepEqual(values.map(valueText), wanted);
  });

  it("escapes what stands in an address", () => {
    assert.equal(
      pathOf(["syncs", "a/b c"], { after: null, limit: 5, search: "O'Brien & 李" }),
      "/syncs/a%2Fb%20c?limit=5&search=O%27Brien+%26+%E6%9D%8E",
    );
    assert.equal(pathOf(["runs"], { after: undefined }), "/runs");
  });
});
