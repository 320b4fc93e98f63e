import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Mapping } from "../model/mapping.ts";
import type { DirectoryRecord } from "../model/record.ts";
import type { TargetKind } from "../model/target.ts";
import type { Attributes, Value } from "../model/value.ts";
import { type CompiledMapping, compileMapping } from "./mapping.ts";

const kind: TargetKind = {
  name: "user",
  source: "user",
  attributes: [
    { name: "userName", type: "string", required: true, unique: true },
    { name: "title", type: "string" },
    { name: "level", type: "integer" },
    { name: "vip", type: "boolean" },
    { name: "phones", type: "strings" },
    { name: "hired", type: "datetime" },
    { name: "manager", type: "reference", references: "user" },
  ],
  matchable: ["userName"],
  disable: true,
  members: [],
  settleMs: 0,
  preset: { mapping: {}, matching: [] },
};
const required: Mapping = { userName: { direct: "userPrincipalName" } };

function person(attributes: Attributes, manager: string | null = null): DirectoryRecord {
  return { kind: "user", id: "u1", attributes: { userPrincipalName: "ana@x", ...attributes }, manager, removed: null };
}

function compiled(mapping: Mapping, of: TargetKind = kind): CompiledMapping {
  const result = compileMapping(mapping, of);
  if ("findings" in result) assert.fail(JSON.stringify(result.findings));
  return result.mapping;
}

function mapped(mapping: Mapping, attributes: Attributes, creating = false) {
  const { userName: _, ...rest } = compiled({ ...required, ...mapping }).map(person(attributes), creating).attributes;
  return rest;
}

function flaws(mapping: Mapping, of: TargetKind = kind): readonly string[] {
  const result = compileMapping(mapping, of);
  return "findings" in result ? result.findings.map(({ code, detail }) => `${code} ${detail}`) : [];
}

describe("mapping", () => {
  it("copies attributes, nested ones and the manager as a reference", () => {
    const mapping = compiled({
      ...required,
      title: { direct: "employeeOrgData.division" },
      phones: { direct: "businessPhones" },
      manager: { direct: "manager" },
    });
    const record = person({ employeeOrgData: { division: "North" }, businessPhones: ["+1", "+2"] }, "u2");
    assert.deepEqual(mapping.map(record, false).attributes, {
      userName: "ana@x",
      title: "North",
      phones: ["+1", "+2"],
      manager: { $ref: "u2" },
    });
    assert.deepEqual(mapping.attributes, ["businessPhones", "employeeOrgData", "userPrincipalName"]);
  });

  it("clears the target when the source is known to be empty, unless told to keep or to default", () => {
    const direct = "jobTitle";
    for (const jobTitle of [null, "", []]) {
      assert.deepEqual(mapped({ title: { direct } }, { jobTitle }), { title: null });
      assert.deepEqual(mapped({ title: { direct, whenEmpty: "keep" } }, { jobTitle }), {});
      assert.deepEqual(mapped({ title: { direct, whenEmpty: "default", default: "–" } }, { jobTitle }), { title: "–" });
      assert.deepEqual(mapped({ title: { direct, default: "–" } }, { jobTitle }), { title: "–" });
    }
  });

  it("clears nothing for an attribute that was never read", () => {
    assert.deepEqual(mapped({ title: { direct: "jobTitle" } }, {}), {});
  });

  it("writes a default for an attribute that was never read only into a new record", () => {
    const rule: Mapping = { title: { direct: "activity.last", default: "never" } };
    assert.deepEqual(mapped(rule, {}), {});
    assert.deepEqual(mapped(rule, { activity: null }), { title: "never" });
    assert.deepEqual(mapped(rule, { activity: {} }), { title: "never" });
    assert.deepEqual(mapped(rule, {}, true), { title: "never" });
  });

  it("tells which attributes rest on an empty source", () => {
    const mapping = compiled({ ...required, title: { direct: "jobTitle" }, level: { direct: "grade", default: 1 } });
    assert.deepEqual(mapping.map(person({ jobTitle: null, grade: null }), false).emptied, ["title", "level"]);
  });

  it("writes what is meant for creation only when creating", () => {
    const rule: Mapping = { title: { constant: "New", apply: "create" } };
    assert.deepEqual(mapped(rule, {}, true), { title: "New" });
    assert.deepEqual(mapped(rule, {}, false), {});
  });

  it("converts what can be converted without guessing", () => {
    const cases: readonly (readonly [string, Value, Value])[] = [
      ["title", 7, "7"],
      ["title", true, "true"],
      ["title", ["only"], "only"],
      ["level", "42", 42],
      ["level", -0, 0],
      ["vip", "True", true],
      ["vip", "false", false],
      ["phones", "+1", ["+1"]],
      ["phones", ["+1", null, 2], ["+1", "2"]],
      ["hired", "2026-01-31T09:00:00Z", "2026-01-31T09:00:00Z"],
    ];
    for (const [name, given, expected] of cases) {
      assert.deepEqual(mapped({ [name]: { direct: "x" } }, { x: given }), { [name]: expected });
    }
    assert.deepEqual(mapped({ phones: { direct: "x" } }, { x: [null, ""] }), { phones: null });
  });

  it("refuses what does not fit, naming the record and the attribute", () => {
    const cases: readonly (readonly [string, Value, RegExp])[] = [
      ["title", ["a", "b"], /^title: holds 2 values where the target takes one/],
      ["title", "a\u0000b", /^title: holds the character U\+0000/],
      ["title", "a\ud800", /^title: holds half a character/],
      ["title", { a: 1 }, /^title: .* is not one text/],
      ["level", "4.5", /^level: "4.5" is not a whole number/],
      ["level", 1e99, /^level: .* is not a whole number/],
      ["vip", "yes", /^vip: "yes" is not true or false/],
      ["phones", [["a"]], /^phones: /],
      ["hired", "2026-13-45T00:00:00Z", /^hired: .* is not a date and time/],
      ["hired", "soon", /^hired: /],
    ];
    for (const [name, given, expected] of cases) {
      const record = person({ displayName: "Ana", x: given });
      const { issues } = compiled({ ...required, [name]: { direct: "x" } }).map(record, false);
      assert.equal(issues.length, 1, name);
      assert.equal(issues[0]?.code, "value_invalid");
      assert.equal(issues[0]?.name, "Ana");
      assert.match(issues[0]?.detail ?? "", expected);
    }
  });

  it("misses a required value on creation and on clearing, but lets a kept one be", () => {
    const codes = (mapping: Mapping, attributes: Attributes, creating: boolean) =>
      compiled(mapping)
        .map(person(attributes), creating)
        .issues.map(({ code, detail }) => `${code}: ${detail}`);
    const text = "value_missing: userName is required by the target, but userPrincipalName is empty";
    const empty = { userPrincipalName: null };
    assert.deepEqual(codes(required, empty, false), [text]);
    const keep: Mapping = { userName: { direct: "userPrincipalName", whenEmpty: "keep" } };
    assert.deepEqual(codes(keep, empty, false), []);
    assert.deepEqual(codes(keep, empty, true), [text]);
  });

  it("names every flaw of a mapping with its place", () => {
    const wrong = {
      nick: { direct: "mailNickname" },
      title: { expression: "Upper([jobTitle])" },
      level: { constant: "many" },
      vip: { direct: "x", whenEmpty: "default" },
      phones: { direct: "x", whenEmpty: "keep", default: ["1"] },
      hired: { direct: "manager" },
      manager: { direct: "assistant" },
    } as const satisfies Mapping;
    const found = flaws(wrong);
    assert.deepEqual(
      found.map((flaw) => flaw.split(":")[0]),
      [
        "config_invalid mapping.nick",
        "expression_invalid mapping.title",
        "config_invalid mapping.level.constant",
        "config_invalid mapping.vip",
        "config_invalid mapping.phones",
        "config_invalid mapping.hired",
        "config_invalid mapping.manager",
        "config_invalid mapping.userName",
      ],
    );
    assert.match(flaws({ ...required, title: { direct: "a", constant: "b" } as never })[0] ?? "", /exactly one of/);
    assert.match(flaws({ ...required, manager: { direct: "manager.id" } })[0] ?? "", /cannot be read/);
    const group: TargetKind = { ...kind, source: "group" };
    assert.match(flaws({ ...required, manager: { direct: "manager" } }, group)[0] ?? "", /only people have a manager/);
  });

  it("never changes what it reads, and answers the same twice", () => {
    const mapping = compiled({ ...required, title: { direct: "x" }, phones: { direct: "x" } });
    fc.assert(
      fc.property(fc.jsonValue(), (x) => {
        const record = person({ x: x as Value });
        const before = structuredClone(record);
        const first = mapping.map(record, true);
        assert.deepEqual(mapping.map(record, true), first);
        assert.deepEqual(record, before);
      }),
    );
  });
});
