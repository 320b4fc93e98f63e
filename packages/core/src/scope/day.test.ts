import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DirectoryRecord } from "../model/record.ts";
import type { Scope, ScopeOperator } from "../model/sync.ts";
import type { Attributes } from "../model/value.ts";
import type { CompiledScope } from "./decision.ts";
import { compileScope } from "./scope.ts";

const DAY = 86_400_000;
/** An afternoon, so that the beginning of a day is not the time itself. */
const NOW = Date.UTC(2027, 1, 27, 15, 30);

function hired(
  value: string,
  operator: ScopeOperator = "Greater_Than_OR_EQUALS",
  attribute = "employeeHireDate",
): Scope {
  return { filters: [[{ attribute, operator, value }]] };
}

function compiled(scope: Scope, now?: number): CompiledScope {
  const result = compileScope(scope, now === undefined ? {} : { now });
  if ("findings" in result) assert.fail(JSON.stringify(result.findings));
  return result.scope;
}

function person(attributes: Attributes, more: Partial<DirectoryRecord> = {}): DirectoryRecord {
  return { kind: "user", id: "u1", attributes, manager: null, removed: null, ...more };
}

const decide = (scope: Scope, employeeHireDate: string, now = NOW) =>
  compiled(scope, now).decide(person({ employeeHireDate }), () => false);

describe("a clause that counts days from today", () => {
  it("begins at the day's beginning in UTC, whatever the time, and says which day it is", () => {
    for (const now of [Date.UTC(2027, 1, 27), NOW, Date.UTC(2027, 1, 28) - 1]) {
      assert.equal(decide(hired("today"), "2027-02-27", now).in, true);
      assert.equal(decide(hired("today", "Greater_Than"), "2027-02-27T00:00:00Z", now).in, false);
      assert.equal(decide(hired("today"), "2027-02-26T23:59:59Z", now).in, false);
    }
    assert.deepEqual(decide(hired("today-30"), "2027-01-28"), {
      in: true,
      reason: "employeeHireDate is today-30 (2027-01-28) or later",
    });
    assert.deepEqual(decide(hired("today+2", "Greater_Than"), "2027-03-01"), {
      in: false,
      reason: "employeeHireDate is 2027-03-01, not a date later than today+2 (2027-03-01)",
    });
  });

  it("crosses months, leap days and years", () => {
    const at = (year: number, month: number, day: number): number => Date.UTC(year, month - 1, day, 12);
    assert.equal(decide(hired("today+1"), "2028-02-29", at(2028, 2, 28)).in, true);
    assert.equal(decide(hired("today+1"), "2028-02-29", at(2028, 2, 29)).in, false);
    assert.equal(decide(hired("today+1"), "2029-01-01", at(2028, 12, 31)).in, true);
    assert.equal(decide(hired("today-366"), "2027-12-31", at(2028, 12, 31)).in, true);
  });

  it("can be checked without a time, and is not asked without one", () => {
    const scope = compiled(hired("today"));
    assert.deepEqual(scope.attributes, ["employeeHireDate"]);
    assert.throws(() => scope.decide(person({ employeeHireDate: "2027-01-01" }), () => false), /which day/);
  });

  it("is of whole days alone, and of dates alone", () => {
    for (const value of ["today - 30", "today+", "today+7d", "Today", "today-123456", "now", "tomorrow"]) {
      const result = compileScope(hired(value));
      assert.ok("findings" in result, value);
      assert.match(result.findings[0]?.detail ?? "", /^scope\.filters\[0\]\[0\]: .* or a date \(.*today-30\)/);
    }
    const text = compiled(hired("today", "EQUALS", "jobTitle")).decide(person({ jobTitle: "today" }), () => false);
    assert.equal(text.in, true, "to other operators it is a text as any other");
  });
});

describe("who a new day lets in or out", () => {
  const moved = (scope: Scope, from: number, to: number) => compiled(scope).movedBetween?.(from, to) ?? null;

  it("is nobody on one day, and nobody of a scope that does not count days", () => {
    assert.equal(compiled(hired("2027-02-27")).movedBetween, null);
    assert.equal(compiled(hired("today", "EQUALS", "jobTitle")).movedBetween, null);
    assert.equal(moved(hired("today"), NOW, NOW + 8 * 3_600_000), null);
  });

  it("is whose date lies between the two days, forwards and back", () => {
    const days = ["2027-01-27", "2027-01-28", "2027-01-29", "2027-01-30"];
    const among = (from: number, to: number): readonly string[] =>
      days.filter((employeeHireDate) => moved(hired("today-30"), from, to)?.(person({ employeeHireDate })) === true);
    assert.deepEqual(among(NOW, NOW + DAY), ["2027-01-28"]);
    assert.deepEqual(among(NOW, NOW + 2 * DAY), ["2027-01-28", "2027-01-29"]);
    assert.deepEqual(among(NOW + 2 * DAY, NOW), ["2027-01-28", "2027-01-29"]);
    assert.equal(moved(hired("today-30"), NOW, NOW + DAY)?.(person({ employeeHireDate: null })), false);
  });

  it("holds of lists and of managers, too", () => {
    const list = moved(hired("today", "Greater_Than", "x"), NOW, NOW + DAY);
    assert.equal(list?.(person({ x: ["2020-01-01", "2027-02-27T09:00:00Z"] })), true);
    assert.equal(list?.(person({ x: ["2020-01-01", "2027-03-27"] })), false);
    const managers = moved(hired("today", "Greater_Than_OR_EQUALS", "manager.employeeHireDate"), NOW, NOW + DAY);
    const report = person({}, { manager: "m1", managerAttributes: { employeeHireDate: "2027-02-27" } });
    assert.equal(managers?.(report), true);
  });
});
