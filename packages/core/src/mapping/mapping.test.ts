import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Mapping } from "../model/mapping.ts";
import type { DirectoryRecord } from "../model/record.ts";
import type { TargetKind } from "../model/target.ts";
import type { Attributes, Value } from "../model/value.ts";
import { type CompiledMapping, compileMapping, uniqueCandidates } from "./mapping.ts";

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
const CREATION = { now: 0, guid: () => "", random: () => 0 };
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
    for (const jobTitle of [null, "", [], [""], [null, ""]]) {
      assert.deepEqual(mapped({ title: { direct } }, { jobTitle }), { title: null });
      assert.deepEqual(mapped({ title: { direct, whenEmpty: "keep" } }, { jobTitle }), {});
      assert.deepEqual(mapped({ title: { direct, whenEmpty: "default", default: "–" } }, { jobTitle }), { title: "–" });
      assert.deepEqual(mapped({ title: { direct, default: "–" } }, { jobTitle }), { title: "–" });
    }
  });

  it("takes an expression's list of nothing but empty values for an empty source", () => {
    const rule: Mapping = { level: { expression: 'Split([jobTitle], ",")', whenEmpty: "keep" } };
    assert.deepEqual(mapped(rule, { jobTitle: "," }), {});
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
      ["hired", "2026-02-30T00:00:00Z", /^hired: .* is not a date and time/],
      ["hired", "2026-02-28T24:00:00Z", /^hired: .* is not a date and time/],
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

  it("names the attribute and column of what is wrong with an expression", () => {
    const found = flaws({
      ...required,
      title: { expression: 'Join(" ", [givenName], Uper([surname]))' },
      level: { expression: "[manager]" },
      vip: { expression: "Not([members])" },
    });
    assert.match(found[0] ?? "", /^expression_invalid mapping\.title: column 24: There is no function Uper/);
    assert.match(
      found[1] ?? "",
      /^expression_invalid mapping\.level: column 1: the manager is a reference; write \[manager/,
    );
    assert.match(found[2] ?? "", /^expression_invalid mapping\.vip: column 5: members is a relationship/);
  });

  it("asks whoever knows the source about the names in an expression", () => {
    const sourceFlaw = (name: string): string | null => (name === "jobTitel" ? "there is no jobTitel" : null);
    const result = compileMapping({ ...required, title: { expression: "ToUpper([jobTitel], )" } }, kind, {
      sourceFlaw,
    });
    assert.ok("findings" in result);
    assert.match(result.findings[0]?.detail ?? "", /^mapping\.title: column 9: there is no jobTitel$/);
  });

  it("reads what expressions name, by Graph's names and by Entra's", () => {
    const mapping = compiled({
      ...required,
      title: { expression: 'Join(", ", [surname], [extensionAttribute1], [telephoneNumber])' },
      phones: { direct: "mobile" },
    });
    const record = person({
      surname: "Ruiz",
      onPremisesExtensionAttributes: { extensionAttribute1: "x" },
      businessPhones: ["+1", "+2"],
      mobilePhone: "+3",
    });
    assert.deepEqual(mapping.attributes, [
      "businessPhones",
      "mobilePhone",
      "onPremisesExtensionAttributes",
      "surname",
      "userPrincipalName",
    ]);
    assert.deepEqual(mapping.map(record, false).attributes, {
      userName: "ana@x",
      title: "Ruiz, x, +1",
      phones: ["+3"],
    });
  });

  it("converts what an expression gives, and takes the empty text for empty", () => {
    const expression = 'Split([tags], ",")';
    assert.deepEqual(mapped({ phones: { expression } }, { tags: "a,b" }), { phones: ["a", "b"] });
    assert.deepEqual(mapped({ title: { expression: "StripSpaces([x])" } }, { x: "  " }), { title: null });
    assert.deepEqual(mapped({ title: { expression: "StripSpaces([x])", whenEmpty: "keep" } }, { x: " " }), {});
    assert.deepEqual(mapped({ title: { expression: "StripSpaces([x])", default: "–" } }, { x: null }), { title: "–" });
    assert.deepEqual(mapped({ phones: { expression: "RemoveDuplicates([x])", default: ["1"] } }, { x: [] }), {
      phones: ["1"],
    });
  });

  it("leaves the target as it is for an attribute that was never read, and for IgnoreFlowIfNullOrEmpty", () => {
    const title = { expression: 'Append([jobTitle], "!")' };
    assert.deepEqual(mapped({ title }, {}), {});
    assert.deepEqual(mapped({ title }, { jobTitle: "Buyer" }), { title: "Buyer!" });
    const ignoring = { title: { expression: "IgnoreFlowIfNullOrEmpty([jobTitle])" } };
    assert.deepEqual(mapped(ignoring, { jobTitle: null }), {});
    assert.deepEqual(mapped(ignoring, { jobTitle: "Buyer" }), { title: "Buyer" });
  });

  it("makes an issue of the record of what an expression cannot do with its value", () => {
    const rule: Mapping = { ...required, title: { expression: "Mid([x], [at], 2)" } };
    const { issues } = compiled(rule).map(person({ displayName: "Ana", x: "abc", at: "second" }), false);
    assert.deepEqual([issues[0]?.code, issues[0]?.name], ["expression_failed", "Ana"]);
    assert.match(issues[0]?.detail ?? "", /^title: column 10: .*"second"/);
  });

  it("asks for time, chance and unique values only where a record is created", () => {
    for (const expression of [
      "Guid()",
      'Append("x", RandomString(4, 0, 0, 0, 4, "lI"))',
      "SelectUniqueValue([mail], [mailNickname])",
    ]) {
      const of = { ...required, userName: { expression } };
      assert.match(flaws(of).join(), /add apply: create/, expression);
    }
    const unique = { expression: "SelectUniqueValue([mail], [mailNickname])", apply: "create" } as const;
    assert.match(
      flaws({ ...required, title: unique })[0] ?? "",
      /mapping\.title: SelectUniqueValue needs an attribute that/,
    );
    const mapping = compiled({ userName: unique });
    assert.deepEqual(mapping.map(person({ mail: "a@x" }), true), { attributes: {}, emptied: [], issues: [] });
    const [rule] = mapping.uniques;
    assert.ok(rule);
    assert.deepEqual(uniqueCandidates(rule, person({ mail: "a@x", mailNickname: null }), CREATION), {
      values: ["a@x"],
    });
    const none = uniqueCandidates(rule, person({ mail: null, mailNickname: "" }), CREATION);
    assert.match("finding" in none ? none.finding.detail : "", /userName is required by the target/);
  });

  it("holds values against what the target takes before anything is sent", () => {
    const strict: TargetKind = {
      ...kind,
      attributes: [
        { name: "userName", type: "string", required: true, maxLength: 5 },
        { name: "level", type: "string", choices: ["Low", "High"] },
        { name: "tags", type: "strings", maxLength: 2, caseExact: true, choices: ["a", "B"] },
        { name: "stamp", type: "string", readOnly: true, required: true },
      ],
    };
    const mapping = compiled({ ...required, level: { direct: "x" }, tags: { direct: "tags" } }, strict);
    const ok = mapping.map(person({ userPrincipalName: "ana😀😀", x: "HIGH", tags: ["B"] }), true);
    assert.deepEqual(ok, { attributes: { userName: "ana😀😀", level: "High", tags: ["B"] }, emptied: [], issues: [] });
    const flawed = mapping.map(person({ userPrincipalName: "ana@long", x: "Middle", tags: ["b"] }), true);
    assert.deepEqual(
      flawed.issues.map(({ detail }) => detail),
      [
        "userName: is 8 characters long, and the target takes 5",
        'level: "Middle" is none of what the target takes: Low, High',
        'tags: "b" is none of what the target takes: a, B',
      ],
    );
    assert.match(flaws({ ...required, stamp: { constant: "x" } }, strict)[0] ?? "", /mapping\.stamp: is read-only/);
    assert.match(
      flaws({ ...required, level: { constant: "Top" } }, strict)[0] ?? "",
      /level\.constant: "Top" is none of/,
    );
  });

  it("gives what the target calls for in place of a reference: the manager's own attributes", () => {
    const mapping = compiled({
      ...required,
      title: { direct: "manager.mail" },
      phones: { expression: 'Append([manager.displayName], "!")' },
    });
    const reports = person({}, "u2");
    assert.equal(mapping.readsManagers, true);
    assert.deepEqual(mapping.attributes, ["displayName", "mail", "userPrincipalName"]);
    const rest = (record: DirectoryRecord) => {
      const { userName: _, ...others } = mapping.map(record, false).attributes;
      return others;
    };
    const managerAttributes = { mail: "bo@x", displayName: "Bo" };
    assert.deepEqual(rest({ ...reports, managerAttributes }), { title: "bo@x", phones: ["Bo!"] });
    assert.deepEqual(rest(reports), {}, "nothing is known of a manager whom the directory does not hold yet");
    assert.deepEqual(rest({ ...reports, managerAttributes: null }), { title: null, phones: null });
    assert.deepEqual(rest(person({})), { title: null, phones: null });
    assert.match(
      flaws({ ...required, title: { direct: "manager.manager" } })[0] ?? "",
      /the manager's own manager cannot/,
    );
  });

  it("conceals sensitive values, and shows them in no issue", () => {
    const rules: Mapping = {
      ...required,
      title: { direct: "x", sensitive: true },
      phones: { expression: "Redact([x])" },
      level: { direct: "grade", sensitive: true },
      hired: { expression: "Redact(Mid([x], [grade], 1))" },
    };
    const result = compileMapping(rules, kind, { conceal: (text) => `#${text.length}` });
    assert.ok("mapping" in result);
    const { mapping } = result;
    const record = person({ x: "CANARY", grade: "CANARY-grade" });
    const { attributes, issues } = mapping.map(record, true);
    assert.deepEqual(attributes, {
      userName: "ana@x",
      title: { $sensitive: "#14" },
      phones: { $sensitive: "#17" },
    });
    assert.doesNotMatch(JSON.stringify([attributes, issues]), /CANARY/);
    assert.deepEqual(mapping.reveal(record, true).attributes.title, "CANARY");
    assert.deepEqual(mapping.concealed("title", "CANARY"), attributes.title);
    assert.deepEqual([mapping.concealed("userName", "x"), mapping.concealed("title", null)], ["x", null]);
    assert.match(
      flaws({ ...required, manager: { direct: "manager", sensitive: true } })[0] ?? "",
      /cannot be sensitive/,
    );
    const office: TargetKind["attributes"][number] = { name: "office", type: "lookup", lookup: "offices" };
    const listed = compileMapping(
      { ...required, office: { direct: "officeLocation", sensitive: true } },
      { ...kind, attributes: [...kind.attributes, office] },
    );
    assert.ok("findings" in listed);
    assert.match(listed.findings[0]?.detail ?? "", /^mapping\.office: is the name of a record .* cannot be sensitive$/);
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
