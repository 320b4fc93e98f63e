import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { DirectoryRecord } from "../model/record.ts";
import type { Scope, ScopeClause, ScopeOperator } from "../model/sync.ts";
import type { Attributes, Value } from "../model/value.ts";
import type { CompiledScope, ScopeDecision } from "./decision.ts";
import { compileScope } from "./scope.ts";

const inNoGroup = (): boolean => false;

function person(attributes: Attributes): DirectoryRecord {
  return { kind: "user", id: "u1", attributes, manager: null, removed: null };
}

function compiled(scope: Scope): CompiledScope {
  const result = compileScope(scope);
  if ("findings" in result) assert.fail(JSON.stringify(result.findings));
  return result.scope;
}

function decide(clauses: readonly (readonly ScopeClause[])[], attributes: Attributes): ScopeDecision {
  return compiled({ filters: clauses }).decide(person(attributes), inNoGroup);
}

function flaws(scope: Scope): readonly string[] {
  const result = compileScope(scope);
  return "findings" in result ? result.findings.map(({ detail }) => detail) : [];
}

const clause = (attribute: string, operator: ScopeOperator, value?: string): ScopeClause =>
  value === undefined ? { attribute, operator } : { attribute, operator, value };

describe("scope", () => {
  it("lets everyone in when there is none, guests included", () => {
    const guest = person({ userType: "Guest", userPrincipalName: "a_b.com#EXT#@contoso.com" });
    for (const scope of [{}, { filters: [] }]) {
      assert.deepEqual(compiled(scope).decide(guest, inNoGroup), { in: true, reason: "everyone is in scope" });
    }
  });

  it("wants every clause of a filter and any one filter, and says what failed", () => {
    const filters = [
      [clause("department", "EQUALS", "Sales"), clause("country", "EQUALS", "DE")],
      [clause("jobTitle", "IS NOT NULL")],
    ];
    assert.deepEqual(decide(filters, { department: "Sales", country: "DE" }), {
      in: true,
      reason: "department is Sales and country is DE",
    });
    assert.deepEqual(decide(filters, { jobTitle: "Buyer" }), { in: true, reason: "jobTitle is not empty" });
    assert.deepEqual(decide(filters, { department: "Legal", country: "DE", jobTitle: null }), {
      in: false,
      reason: "department is Legal, not Sales; jobTitle is empty",
    });
  });

  it("minds the case", () => {
    assert.equal(decide([[clause("department", "EQUALS", "sales")]], { department: "Sales" }).in, false);
    assert.equal(decide([[clause("department", "Includes", "sal")]], { department: "Sales" }).in, false);
    assert.equal(decide([[clause("department", "ENDS_WITH", "ES")]], { department: "Sales" }).in, false);
    assert.equal(decide([[clause("department", "REGEX MATCH", "sales")]], { department: "Sales" }).in, false);
  });

  it("knows Microsoft's documented examples", () => {
    const upn = (operator: ScopeOperator, value: string) =>
      decide([[clause("userPrincipalName", operator, ".*\\@domain.com")]], { userPrincipalName: value }).in;
    assert.equal(upn("REGEX MATCH", "ana@domain.com"), true);
    assert.equal(upn("REGEX MATCH", "ana@other.com"), false);
    assert.equal(upn("NOT REGEX MATCH", "ana@domain.com"), false);
    assert.equal(upn("NOT REGEX MATCH", "ana@other.com"), true);
    const worker = (id: string) =>
      decide([[clause("employeeId", "REGEX MATCH", "(1[0-9][0-9][0-9][0-9][0-9][0-9])")]], { employeeId: id }).in;
    assert.equal(worker("1234567"), true);
    assert.equal(worker("2234567"), false);
  });

  it("compares whole numbers of any length, texts of digits too, and nothing else", () => {
    const over = (value: Value, operator: ScopeOperator = "Greater_Than") =>
      decide([[clause("employeeId", operator, "9007199254740993")]], { employeeId: value }).in;
    assert.equal(over("9007199254740994"), true);
    assert.equal(over("9007199254740993"), false);
    assert.equal(over("9007199254740993", "Greater_Than_OR_EQUALS"), true);
    assert.equal(over("00009007199254740994"), true);
    assert.equal(over("1e99"), false);
    assert.equal(over("-1"), false);
    assert.equal(decide([[clause("level", "Greater_Than", "9")]], { level: 10 }).in, true);
    assert.equal(decide([[clause("level", "Greater_Than", "9")]], { level: 9.5 }).in, false);
  });

  it("reads inside nested attributes", () => {
    const filters = [[clause("onPremisesExtensionAttributes.extensionAttribute1", "EQUALS", "yes")]];
    assert.equal(decide(filters, { onPremisesExtensionAttributes: { extensionAttribute1: "yes" } }).in, true);
    assert.equal(decide(filters, { onPremisesExtensionAttributes: null }).in, false);
    assert.equal(decide(filters, {}).in, false);
    assert.deepEqual(compiled({ filters }).attributes, ["onPremisesExtensionAttributes"]);
  });

  it("never reads what objects inherit", () => {
    assert.equal(decide([[clause("constructor", "IS NULL")]], {}).in, true);
    assert.equal(decide([[clause("a.constructor", "IS NULL")]], { a: {} }).in, true);
  });

  it("wants a group's member and the filter together", () => {
    const scope: Scope = {
      groups: { include: ["Everyone EMEA", "Leads"], transitive: true },
      filters: [[clause("accountEnabled", "IS TRUE")]],
    };
    const ask = (group: string | null, enabled: boolean) =>
      compiled(scope).decide(person({ accountEnabled: enabled }), (name) => name === group);
    assert.deepEqual(ask("Leads", true), { in: true, reason: "member of Leads and accountEnabled is true" });
    assert.deepEqual(ask(null, true), { in: false, reason: "not a member of Everyone EMEA or Leads" });
    assert.deepEqual(ask("Leads", false), { in: false, reason: "accountEnabled is false, not true" });
  });

  it("wants the assignment, the group's member and the filter together, and says what failed", () => {
    const application = "0a5d9c11-1111-4222-8333-444455556666";
    const scope: Scope = {
      assigned: { application, transitive: true },
      groups: { include: ["Everyone"], transitive: true },
      filters: [[clause("department", "EQUALS", "Sales")]],
    };
    const decision = (isAssigned: boolean, department: string): ScopeDecision =>
      compiled(scope).decide(
        person({ department }),
        () => true,
        () => isAssigned,
      );
    assert.deepEqual(decision(true, "Sales"), {
      in: true,
      reason: `assigned to the application ${application} and member of Everyone and department is Sales`,
    });
    assert.deepEqual(decision(false, "Sales"), {
      in: false,
      reason: `not assigned to the application ${application}`,
    });
    assert.equal(decision(true, "Legal").in, false);
    assert.throws(() => compiled(scope).decide(person({}), () => true), /nobody told/);
    assert.match(
      flaws({ assigned: { application: "Desk", transitive: true } })[0] ?? "",
      /^scope\.assigned\.application: /,
    );
  });

  it("keeps a reason on one readable line whatever a value holds", () => {
    const { reason } = decide([[clause("department", "EQUALS", "Sales")]], {
      department: `a\n\u202eb${"x".repeat(99)}`,
    });
    assert.match(reason, /^department is a {2}bx{55}…, not Sales$/);
  });

  it("answers an evil pattern in linear time", () => {
    assert.equal(decide([[clause("a", "REGEX MATCH", "^(a+)+$")]], { a: `${"a".repeat(5000)}!` }).in, false);
  });

  it("names the place of every flaw", () => {
    const filters = [
      [clause("department", "EQUALS")],
      [clause("a", "REGEX MATCH", "(?=x)"), clause("b", "Greater_Than", "many"), clause("c", "IS NULL", "x")],
      [],
      [clause("", "IS NULL"), clause("manager", "Includes", "x"), clause("d", "LESS" as ScopeOperator, "1")],
    ];
    const details = flaws({ filters, groups: { include: [], transitive: false } });
    assert.deepEqual(
      details.map((detail) => detail.split(":")[0]),
      [
        "scope.groups.include",
        "scope.filters[0][0]",
        "scope.filters[1][0].value",
        "scope.filters[1][1]",
        "scope.filters[1][2]",
        "scope.filters[2]",
        "scope.filters[3][0]",
        "scope.filters[3][1]",
        "scope.filters[3][2]",
      ],
    );
  });
});

/** Entra's table of operators, written down once more in the most naive way. */
function naive(value: Value | undefined, operator: ScopeOperator, wanted: string): boolean {
  const empty = value === undefined || value === null || value === "";
  if (operator === "IS NULL") return empty;
  if (empty) return false;
  const text = String(value);
  const number = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  const table: Record<Exclude<ScopeOperator, "IS NULL">, boolean> = {
    EQUALS: text === wanted,
    "NOT EQUALS": text !== wanted,
    "IS TRUE": value === true,
    "IS FALSE": value === false,
    "IS NOT NULL": true,
    "REGEX MATCH": new RegExp(wanted).test(text),
    "NOT REGEX MATCH": !new RegExp(wanted).test(text),
    Greater_Than: number > Number(wanted),
    Greater_Than_OR_EQUALS: number >= Number(wanted),
    Includes: text.indexOf(wanted) >= 0,
    ENDS_WITH: text.slice(-wanted.length) === wanted,
    "&": isWhole(text) && isWhole(wanted) ? (Number(text) & Number(wanted)) === Number(wanted) : wanted.includes(text),
    "!&": !(isWhole(text) && isWhole(wanted)
      ? (Number(text) & Number(wanted)) === Number(wanted)
      : wanted.includes(text)),
  };
  return table[operator];
}

function isWhole(text: string): boolean {
  return /^[0-9]+$/.test(text);
}

describe("scope, of a manager whom the directory does not hold", () => {
  const ofSales = clause("manager.department", "EQUALS", "Sales");
  const report = (attributes: Attributes, more: Partial<DirectoryRecord> = {}): DirectoryRecord => {
    return { ...person(attributes), manager: "m1", ...more };
  };
  const out = (scope: Scope, record: DirectoryRecord): ScopeDecision => compiled(scope).decide(record, inNoGroup);

  it("does not know who would be in with another manager", () => {
    const said = "the directory does not hold the manager, so manager.department cannot be told";
    for (const scope of [{ filters: [[ofSales]] }, { filters: [[ofSales]], people: { include: ["bo@x.com"] } }]) {
      assert.deepEqual(out(scope, report({})), { in: false, reason: said, untold: true });
    }
    const ana = clause("manager", "EQUALS", "ana@x.com");
    assert.equal(out({ filters: [[clause("city", "EQUALS", "Rome")], [ana]] }, report({})).untold, true);
  });

  it("knows who is out or in whoever the manager is", () => {
    const filters = [[ofSales, clause("city", "EQUALS", "Rome")]];
    assert.deepEqual(out({ filters }, report({ city: "Oslo" })).untold, undefined);
    assert.equal(out({ filters, guests: "exclude" }, report({ city: "Rome", userType: "Guest" })).untold, undefined);
    assert.equal(out({ filters: [...filters, [clause("city", "EQUALS", "Oslo")]] }, report({ city: "Oslo" })).in, true);
  });

  it("knows of one who is held, is deleted or is nobody", () => {
    for (const more of [
      { managerAttributes: { department: "Legal" } },
      { managerAttributes: null },
      { manager: null },
    ]) {
      const decision = out({ filters: [[ofSales]] }, report({}, more));
      assert.deepEqual([decision.in, decision.untold], [false, undefined]);
    }
  });
});

describe("scope, against a naive model", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "A", "1", "2", " "), maxLength: 4 });
  const value = fc.oneof(text, fc.nat(30), fc.boolean(), fc.constant(null), fc.constant(undefined));
  const free = fc.constantFrom<ScopeOperator>(
    "EQUALS",
    "NOT EQUALS",
    "REGEX MATCH",
    "NOT REGEX MATCH",
    "Includes",
    "ENDS_WITH",
    "&",
    "!&",
  );
  const wanted = fc.oneof(
    fc.tuple(
      free,
      text.filter((it) => !/^0*$/.test(it)),
    ),
    fc.tuple(fc.constantFrom<ScopeOperator>("Greater_Than", "Greater_Than_OR_EQUALS"), fc.nat(30).map(String)),
    fc.tuple(fc.constantFrom<ScopeOperator>("IS TRUE", "IS FALSE", "IS NULL", "IS NOT NULL"), fc.constant(undefined)),
  );

  it("agrees for every operator, and OR of ANDs for every filter", () => {
    const clauses = fc.array(fc.array(wanted, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(clauses, value, (filters, held) => {
        const expected = filters.some((filter) =>
          filter.every(([operator, asked]) => naive(held, operator, asked ?? "")),
        );
        const scope = filters.map((filter) => filter.map(([operator, asked]) => clause("x", operator, asked)));
        assert.equal(decide(scope, held === undefined ? {} : { x: held }).in, expected);
      }),
    );
  });
});
