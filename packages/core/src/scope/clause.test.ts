import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DirectoryRecord } from "../model/record.ts";
import type { ScopeClause, ScopeOperator } from "../model/sync.ts";
import type { Attributes, Value } from "../model/value.ts";
import type { ScopeDecision } from "./decision.ts";
import { compileScope } from "./scope.ts";

const ANA = "11111111-1111-4111-8111-111111111111";
const BO = "22222222-2222-4222-8222-222222222222";

function person(attributes: Attributes): DirectoryRecord {
  return { kind: "user", id: "u1", attributes, manager: null, removed: null };
}

function ask(clause: ScopeClause, record: DirectoryRecord): ScopeDecision {
  const compiled = compileScope({ filters: [[clause]] });
  if ("findings" in compiled) assert.fail(JSON.stringify(compiled.findings));
  return compiled.scope.decide(record, () => false);
}

function decide(attribute: string, operator: ScopeOperator, value: string | null, attributes: Attributes) {
  return ask({ attribute, operator, ...(value === null ? {} : { value }) }, person(attributes));
}

function flaw(attribute: string, operator: ScopeOperator, value?: string): string {
  const compiled = compileScope({ filters: [[{ attribute, operator, ...(value === undefined ? {} : { value }) }]] });
  return "findings" in compiled ? compiled.findings.map(({ detail }) => detail).join() : "no flaw";
}

describe("a clause on a list", () => {
  const phones = { businessPhones: ["+49 30 1", "+49 40 2"] };
  const licensed = {
    assignedLicenses: [
      { skuId: "e3", disabledPlans: ["a", "b"] },
      { skuId: "e5", disabledPlans: [] },
    ],
  };

  it("holds when any value fits, and says by which list", () => {
    assert.deepEqual(decide("businessPhones", "ENDS_WITH", "40 2", phones), {
      in: true,
      reason: "a value of businessPhones ends with 40 2",
    });
    assert.deepEqual(decide("businessPhones", "EQUALS", "+49 50", phones), {
      in: false,
      reason: "businessPhones is +49 30 1, +49 40 2: no value is +49 50",
    });
  });

  it("wants no value that fits where its operator negates", () => {
    assert.deepEqual(decide("businessPhones", "NOT EQUALS", "+49 30 1", phones), {
      in: false,
      reason: "businessPhones is +49 30 1, +49 40 2: a value is +49 30 1",
    });
    assert.deepEqual(decide("businessPhones", "NOT REGEX MATCH", "^[+]1", phones), {
      in: true,
      reason: "no value of businessPhones matches ^[+]1",
    });
    assert.equal(decide("businessPhones", "!&", "+49 30 1; +1", phones).in, false);
  });

  it("is empty when it holds nothing, and then fails whatever its operator negates", () => {
    for (const empty of [[], [""], [null], null, undefined]) {
      const attributes: Attributes = empty === undefined ? {} : { businessPhones: empty };
      assert.equal(decide("businessPhones", "IS NULL", null, attributes).in, true, JSON.stringify(empty));
      assert.equal(decide("businessPhones", "NOT EQUALS", "1", attributes).in, false, JSON.stringify(empty));
    }
  });

  it("reaches into every object of a list, and into lists within them", () => {
    assert.equal(decide("assignedLicenses.skuId", "EQUALS", "e5", licensed).in, true);
    assert.equal(decide("assignedLicenses.skuId", "NOT EQUALS", "e3", licensed).in, false);
    assert.equal(decide("assignedLicenses.disabledPlans", "EQUALS", "b", licensed).in, true);
    assert.equal(decide("assignedLicenses.1.skuId", "EQUALS", "e3", licensed).in, false);
    assert.equal(decide("assignedLicenses.skuId", "IS NULL", null, { assignedLicenses: [] }).in, true);
    assert.equal(decide("assignedLicenses.constructor", "IS NULL", null, licensed).in, true);
  });

  it("compares no objects, and says what to write", () => {
    for (const operator of ["EQUALS", "NOT EQUALS"] as const) {
      assert.deepEqual(decide("assignedLicenses", operator, "e3", licensed), {
        in: false,
        reason: "assignedLicenses is an object or a list of such, not one value; name what lies inside",
      });
    }
    assert.equal(decide("assignedLicenses", "IS NOT NULL", null, licensed).in, true);
  });
});

describe("a clause with a pattern", () => {
  it("fails for a text that is too long to be searched, whatever its operator negates", () => {
    const pattern = "[ab]{1000}".repeat(9);
    for (const operator of ["REGEX MATCH", "NOT REGEX MATCH"] as const) {
      assert.equal(decide("jobTitle", operator, pattern, { jobTitle: "c".repeat(10_000) }).in, false, operator);
      assert.equal(decide("jobTitle", operator, pattern, { jobTitle: "c" }).in, operator === "NOT REGEX MATCH");
    }
  });
});

describe("a clause with a pattern that asks for word boundaries", () => {
  const titled = (jobTitle: string, pattern: string) => decide("jobTitle", "REGEX MATCH", pattern, { jobTitle }).in;

  it("finds them beside ASCII letters", () => {
    assert.equal(titled("Head of IT", "\\bIT\\b"), true);
    assert.equal(titled("Editor", "(?i)\\bIT\\b"), false);
  });

  it("is refused beside other letters, where RE2 finds none and nobody would be in", () => {
    for (const pattern of ["\\b(Ärztin|Arzt)\\b", "\\B\\u00e4"]) {
      assert.match(flaw("jobTitle", "REGEX MATCH", pattern), /word boundaries .* RE2 finds among ASCII letters alone/);
    }
    assert.equal(titled("Ärztin", "(?:^|\\W)(Ärztin|Arzt)(?:$|\\W)"), true);
  });
});

describe("a clause on a date", () => {
  const hired = (value: Value, operator: ScopeOperator, limit: string) =>
    decide("employeeHireDate", operator, limit, { employeeHireDate: value });

  it("compares dates and times of ISO 8601, whatever their zones", () => {
    assert.deepEqual(hired("2026-03-01T00:00:00Z", "Greater_Than", "2026-02-28"), {
      in: true,
      reason: "employeeHireDate is later than 2026-02-28",
    });
    assert.deepEqual(hired("2026-02-28T00:00:00Z", "Greater_Than", "2026-02-28"), {
      in: false,
      reason: "employeeHireDate is 2026-02-28T00:00:00Z, not a date later than 2026-02-28",
    });
    assert.equal(hired("2026-02-28T00:00:00Z", "Greater_Than_OR_EQUALS", "2026-02-28").in, true);
    assert.equal(hired("2026-02-28T01:00:00+01:00", "Greater_Than_OR_EQUALS", "2026-02-28T00:00Z").in, true);
    assert.equal(hired("2026-02-28T00:00:00", "Greater_Than_OR_EQUALS", "2026-02-28").in, true);
    assert.equal(hired("2026-02-28", "Greater_Than", "2026-02-27T23:59:59.9999999Z").in, true);
    assert.equal(hired("2028-02-29", "Greater_Than", "2028-02-28").in, true);
    assert.equal(hired("0001-01-01T00:00:00Z", "Greater_Than", "1601-01-01").in, false);
  });

  it("takes no other text for a date, and no number", () => {
    for (const value of [
      "28.02.2027",
      "2027-02-29",
      "2100-02-29",
      "2027-04-31",
      "2027-13-01",
      "2027-01-00",
      "soon",
      "2027-02-01T25:00:00Z",
      20270228,
      true,
    ]) {
      assert.equal(hired(value, "Greater_Than", "2026-02-28").in, false, String(value));
    }
    assert.equal(decide("employeeId", "Greater_Than", "7", { employeeId: "2026-02-28" }).in, false);
  });

  it("refuses a day that does not exist, and a moment that moves", () => {
    assert.match(flaw("employeeHireDate", "Greater_Than", "2026-02-30"), /needs a whole number .* or a date/);
    assert.match(flaw("employeeHireDate", "Greater_Than", "now-30d"), /: a moment that moves would let records/);
  });
});

describe("the operators & and !&", () => {
  const has = (value: Value, operator: ScopeOperator, wanted: string) =>
    decide("userAccountControl", operator, wanted, { userAccountControl: value });

  it("test bits of whole numbers, texts of digits too: every one of them", () => {
    assert.deepEqual(has(514, "&", "2"), { in: true, reason: "userAccountControl has every bit of 2" });
    assert.deepEqual(has("512", "&", "2"), {
      in: false,
      reason: "userAccountControl is 512, which does not have every bit of 2",
    });
    assert.deepEqual(has(512, "!&", "2"), { in: true, reason: "userAccountControl does not have every bit of 2" });
    assert.deepEqual(has("514", "!&", "2"), {
      in: false,
      reason: "userAccountControl is 514, which has every bit of 2",
    });
    assert.equal(has(512, "&", "514").in, false);
    assert.equal(has(-2147483646, "&", "2147483648").in, true);
    assert.equal(has("9007199254740993", "&", "1").in, true);
  });

  it("otherwise ask whether the attribute stands in the value", () => {
    assert.deepEqual(has("Sales", "&", "Legal, Sales"), {
      in: true,
      reason: "userAccountControl stands in Legal, Sales",
    });
    assert.equal(has("sales", "&", "Legal, Sales").in, false);
    assert.equal(has("Buying", "!&", "Legal, Sales").in, true);
    assert.equal(has("12", "&", "11, 12, 13").in, true);
    assert.equal(has("", "!&", "Legal, Sales").in, false);
  });

  it("refuse a value without a bit", () => {
    assert.match(flaw("userAccountControl", "&", "0"), /0 has no bit/);
    assert.match(flaw("userAccountControl", "&", "-00"), /0 has no bit/);
  });
});

describe("a clause on the manager", () => {
  const managerAttributes = { userPrincipalName: "Ana@contoso.com", department: "Sales" };
  const report: DirectoryRecord = { ...person({}), manager: ANA, managerAttributes };

  it("asks who it is, by object id or user principal name, in either case", () => {
    const is = (value: string, operator: ScopeOperator = "EQUALS") =>
      ask({ attribute: "manager", operator, value }, report);
    assert.deepEqual(is(ANA.toUpperCase()), { in: true, reason: `manager is ${ANA.toUpperCase()}` });
    assert.equal(is("ana@CONTOSO.com").in, true);
    assert.deepEqual(is("bo@contoso.com"), { in: false, reason: "manager is Ana@contoso.com, not bo@contoso.com" });
    assert.equal(is(BO, "NOT EQUALS").in, true);
    assert.equal(is(ANA, "NOT EQUALS").in, false);
    const unknown: DirectoryRecord = { ...person({}), manager: ANA };
    assert.equal(ask({ attribute: "manager", operator: "NOT EQUALS", value: "bo@contoso.com" }, unknown).in, false);
    assert.deepEqual(ask({ attribute: "manager", operator: "NOT EQUALS", value: BO }, person({})), {
      in: false,
      reason: "manager is empty, who is excluded",
    });
  });

  it("asks whether there is one", () => {
    assert.equal(ask({ attribute: "manager", operator: "IS NULL" }, report).in, false);
    assert.equal(ask({ attribute: "manager", operator: "IS NOT NULL" }, report).in, true);
    assert.deepEqual(ask({ attribute: "manager", operator: "IS NOT NULL" }, person({})), {
      in: false,
      reason: "manager is empty",
    });
  });

  it("asks for the manager's own attributes, empty where there is none", () => {
    const inSales: ScopeClause = { attribute: "manager.department", operator: "EQUALS", value: "Sales" };
    assert.deepEqual(ask(inSales, report), { in: true, reason: "manager.department is Sales" });
    assert.equal(ask(inSales, person({ department: "Sales" })).in, false);
    assert.equal(ask({ attribute: "manager.department", operator: "IS NULL" }, person({})).in, true);
  });

  it("says which attributes it reads, and whether it reads managers", () => {
    const reads = (attribute: string, operator: ScopeOperator, value?: string) => {
      const clause = { attribute, operator, ...(value === undefined ? {} : { value }) };
      const compiled = compileScope({ filters: [[clause]] });
      if ("findings" in compiled) assert.fail(JSON.stringify(compiled.findings));
      return [compiled.scope.attributes, compiled.scope.readsManagers];
    };
    assert.deepEqual(reads("manager", "IS NULL"), [[], false]);
    assert.deepEqual(reads("manager", "EQUALS", ANA), [[], false]);
    assert.deepEqual(reads("manager", "EQUALS", "ana@contoso.com"), [["userPrincipalName"], true]);
    assert.deepEqual(reads("manager.employeeOrgData.division", "IS NULL"), [["employeeOrgData"], true]);
    assert.deepEqual(reads("assignedLicenses.skuId", "IS NULL"), [["assignedLicenses"], false]);
  });

  it("refuses what cannot be told of a manager", () => {
    assert.match(flaw("manager", "EQUALS", "Ana"), /by object id or user principal name/);
    assert.match(flaw("manager", "REGEX MATCH", "x"), /such as manager\.userPrincipalName/);
    assert.match(flaw("manager.manager", "IS NULL"), /and not beyond/);
    assert.match(flaw("manager.manager.department", "IS NULL"), /and not beyond/);
  });
});
