import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compileMapping } from "../mapping/mapping.ts";
import type { Mapping } from "../model/mapping.ts";
import type { MatchingRule } from "../model/matching.ts";
import type { DirectoryRecord } from "../model/record.ts";
import type { TargetKind } from "../model/target.ts";
import type { Attributes } from "../model/value.ts";
import { type CompiledMatching, compileMatching, type MatchValue } from "./matching.ts";

const kind: TargetKind = {
  name: "user",
  source: "user",
  attributes: [
    { name: "externalId", type: "string", caseExact: true },
    { name: "userName", type: "string" },
    { name: "number", type: "integer" },
    { name: "legacyId", type: "string", readOnly: true },
    { name: "phones", type: "strings" },
    { name: "title", type: "string" },
  ],
  matchable: ["externalId", "userName", "number", "legacyId", "phones"],
  disable: true,
  members: [],
  settleMs: 0,
  preset: { mapping: {}, matching: [] },
};
const MAPPING: Mapping = { externalId: { direct: "id" }, userName: { direct: "userPrincipalName" } };

const person = (attributes: Attributes): DirectoryRecord => ({
  kind: "user",
  id: "u1",
  attributes,
  manager: null,
  removed: null,
});

function compile(matching: readonly MatchingRule[], mapping: Mapping = MAPPING): ReturnType<typeof compileMatching> {
  const compiled = compileMapping(mapping, kind);
  if ("findings" in compiled) assert.fail(JSON.stringify(compiled.findings));
  return compileMatching(matching, compiled.mapping, kind);
}

function compiled(matching: readonly MatchingRule[], mapping: Mapping = MAPPING): CompiledMatching {
  const answer = compile(matching, mapping);
  if ("findings" in answer) assert.fail(JSON.stringify(answer.findings));
  return answer.matching;
}

function flaws(matching: readonly MatchingRule[], mapping: Mapping = MAPPING): string {
  const answer = compile(matching, mapping);
  return "findings" in answer ? answer.findings.map(({ detail }) => detail).join("\n") : "";
}

function wanted(
  matching: readonly MatchingRule[],
  desired: Attributes,
  attributes: Attributes = {},
): readonly MatchValue[] | string {
  const answer = compiled(matching).values(desired, person(attributes));
  return "finding" in answer ? `${answer.finding.code}: ${answer.finding.detail}` : answer.values;
}

const byMail: MatchingRule = { attribute: "userName", expression: "ToLower([mail])" };

describe("matching attributes", () => {
  it("are looked for where they have a value, in order of precedence", () => {
    assert.deepEqual(wanted(["externalId", "userName"], { userName: "Ana@x", externalId: "u1" }), [
      { attribute: "externalId", value: "u1", key: "u1" },
      { attribute: "userName", value: "Ana@x", key: "ana@x" },
    ]);
    assert.deepEqual(wanted(["externalId", "userName"], { userName: null, title: "x" }), []);
  });

  it("may be an expression over the source, also of an attribute that is not mapped", () => {
    assert.deepEqual(wanted(["externalId", byMail], { externalId: "u1", userName: "upn@x" }, { mail: "ANA@X" }), [
      { attribute: "externalId", value: "u1", key: "u1" },
      { attribute: "userName", value: "ana@x", key: "ana@x" },
    ]);
    const legacy: MatchingRule = { attribute: "legacyId", expression: 'Append("L-", [employeeId])' };
    assert.deepEqual(wanted([legacy], {}, { employeeId: "17" }), [
      { attribute: "legacyId", value: "L-17", key: "l-17" },
    ]);
    assert.deepEqual(compiled([legacy, byMail]).reads, ["employeeId", "mail"]);
    assert.deepEqual(compiled([legacy, byMail, "userName"]).attributes, ["legacyId", "userName"]);
  });

  it("look for one value of an attribute once, whichever way it came about", () => {
    assert.deepEqual(wanted(["userName", byMail], { userName: "Ana@X" }, { mail: "ana@x" }), [
      { attribute: "userName", value: "Ana@X", key: "ana@x" },
    ]);
    const two = wanted(["userName", byMail], { userName: "upn@x" }, { mail: "ana@x" });
    assert.deepEqual(typeof two === "string" ? two : two.map(({ key }) => key), ["upn@x", "ana@x"]);
  });

  it("take what is empty or was never read for no value", () => {
    for (const attributes of [{}, { mail: null }, { mail: "" }]) assert.deepEqual(wanted([byMail], {}, attributes), []);
  });

  it("convert to the target's type, and never look for something else when that fails", () => {
    const number: MatchingRule = { attribute: "number", expression: "[employeeId]" };
    assert.deepEqual(wanted([number], {}, { employeeId: "17" }), [{ attribute: "number", value: 17, key: "17" }]);
    const flawed = wanted([number, "userName"], { userName: "ana@x" }, { employeeId: "E-17" });
    assert.match(String(flawed), /^value_invalid: matching\[0\] \(number\): /);
    const phone: MatchingRule = { attribute: "phones", expression: "[mobilePhone]" };
    assert.deepEqual(wanted([phone], {}, { mobilePhone: "+1" }), [{ attribute: "phones", value: "+1", key: "+1" }]);
  });

  it("must be ones that the target can find by and that get a value", () => {
    assert.equal(flaws(["externalId", "userName"]), "");
    assert.match(flaws(["title"]), /^matching\[0\]: user cannot be found by title; it can by externalId, /);
    assert.match(
      flaws(["externalId", { attribute: "nick", expression: "[mail]" }]),
      /^matching\[1\]: user cannot be found/,
    );
    assert.match(flaws(["legacyId"]), /none of the matching/);
    assert.match(flaws([]), /none of the matching/);
    assert.equal(flaws([byMail], { externalId: { direct: "id" } }), "");
  });

  it("say where an expression is wrong, and refuse what finds nothing", () => {
    const expression = (text: string): string => flaws([{ attribute: "userName", expression: text }]);
    assert.match(expression("Nope([mail])"), /^matching\[0\]\.expression: column 1: /);
    assert.match(expression("Guid()"), /^matching\[0\]\.expression: .*find|^matching\[0\]\.expression: .*each time/);
    assert.match(
      expression('SelectUniqueValue([mail], Append([mail], "2"))'),
      /^matching\[0\]\.expression: SelectUniqueValue/,
    );
    assert.match(
      expression("[manager.mail]"),
      /^matching\[0\]\.expression: a person is not found by attributes of the manager/,
    );
    const sensitive: Mapping = { userName: { direct: "mail", sensitive: true } };
    assert.match(flaws(["userName"], sensitive), /^matching\[0\]: userName is sensitive/);
    const asked = { attribute: "userName", expression: "[mail]" };
    assert.match(
      flaws([asked], sensitive),
      /^matching\[0\]: userName is sensitive/,
      "by an expression it would be shown",
    );
  });
});
