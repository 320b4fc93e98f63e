import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compileMatching } from "../matching/matching.ts";
import type { Mapping } from "../model/mapping.ts";
import type { DirectoryRecord } from "../model/record.ts";
import type { TargetAttribute, TargetKind } from "../model/target.ts";
import type { Attributes } from "../model/value.ts";
import { type CompiledMapping, compileMapping } from "./mapping.ts";

const text = (name: string, limits: Partial<TargetAttribute> = {}): TargetAttribute => ({
  name,
  type: "string",
  ...limits,
});

function kindWith(...attributes: readonly TargetAttribute[]): TargetKind {
  return {
    name: "user",
    source: "user",
    attributes: [text("userName", { required: true }), ...attributes],
    matchable: ["userName", "number"],
    disable: true,
    members: [],
    settleMs: 0,
    described: true,
    preset: { mapping: {}, matching: [] },
  };
}

const MAPPING: Mapping = { userName: { direct: "userPrincipalName" }, number: { direct: "employeeId" } };

function compiled(mapping: Mapping, kind: TargetKind): CompiledMapping {
  const result = compileMapping(mapping, kind);
  if ("findings" in result) assert.fail(JSON.stringify(result.findings));
  return result.mapping;
}

function person(attributes: Attributes = {}): DirectoryRecord {
  const all = { userPrincipalName: "ana@x", employeeId: "7", ...attributes };
  return { kind: "user", id: "u1", attributes: all, manager: null, removed: null };
}

describe("what a target says of itself", () => {
  for (const limits of [{ readOnly: true }, { unlisted: true }]) {
    it(`keeps an attribute that is ${Object.keys(limits)} out of what is written, and names it`, () => {
      const mapping = compiled(MAPPING, kindWith(text("number", limits)));
      assert.deepEqual(mapping.map(person(), true).attributes, { userName: "ana@x" });
      assert.deepEqual(
        mapping.unwritten.map(({ attribute }) => attribute.name),
        ["number"],
      );
      const field = mapping.trace(person(), true).find(({ attribute }) => attribute === "number");
      assert.deepEqual([field?.value, field?.unwritten], ["7", Object.keys(limits)[0]]);
      assert.ok(mapping.attributes.includes("employeeId"), "what it is made of is read: records may be found by it");
    });

    it(`still finds records by an attribute that is ${Object.keys(limits)}`, () => {
      const kind = kindWith(text("number", limits));
      const mapping = compiled(MAPPING, kind);
      const result = compileMatching(["number"], mapping, kind);
      if ("findings" in result) assert.fail(JSON.stringify(result.findings));
      const { values } = result.matching;
      const wanted = { values: [{ attribute: "number", value: "7", key: "7" }] };
      assert.deepEqual(values(mapping.map(person(), true).attributes, person()), wanted);
    });
  }

  it("keeps a sensitive value concealed that is not written", () => {
    const sensitive: Mapping = { ...MAPPING, number: { direct: "employeeId", sensitive: true } };
    const mapping = compiled(sensitive, kindWith(text("number", { readOnly: true })));
    assert.equal(mapping.sensitive, true);
    assert.deepEqual(mapping.concealed("number", "7"), { $sensitive: "unknown" });
  });

  it("stops creations alone for what it requires and nothing maps", () => {
    const mapping = compiled(MAPPING, kindWith(text("number"), text("title", { required: true })));
    const [issue, ...others] = mapping.map(person(), true).issues;
    assert.deepEqual([issue?.code, others], ["value_missing", []]);
    assert.equal(issue?.detail, "title is required by the target, but no rule of the mapping gives it");
    assert.deepEqual(mapping.map(person(), false).issues, []);
  });

  it("has a target type's own limits stay mistakes of the configuration", () => {
    const { described: _, ...kind } = kindWith(text("number", { readOnly: true }), text("title", { required: true }));
    const result = compileMapping(MAPPING, kind);
    assert.deepEqual("findings" in result && result.findings.map(({ detail }) => detail), [
      "mapping.number: is read-only: the target gives it and takes none",
      "mapping.title: the target requires it, but it is not mapped",
    ]);
  });

  it("has what is immutable written on creation and never again", () => {
    const mapping = compiled(MAPPING, kindWith(text("number", { immutable: true })));
    assert.deepEqual(mapping.map(person(), true).attributes, { userName: "ana@x", number: "7" });
    assert.deepEqual(mapping.map(person(), false).attributes, { userName: "ana@x" });
  });

  it("lends known values its spelling, and refuses no other", () => {
    const spelled = compiled(MAPPING, kindWith(text("number", { spellings: ["Seven"] })));
    assert.equal(spelled.map(person({ employeeId: "SEVEN" }), true).attributes.number, "Seven");
    assert.equal(spelled.map(person({ employeeId: "eight" }), true).attributes.number, "eight");
    const exact = compiled(MAPPING, kindWith(text("number", { spellings: ["Seven"], caseExact: true })));
    assert.equal(exact.map(person({ employeeId: "SEVEN" }), true).attributes.number, "SEVEN");
  });
});
