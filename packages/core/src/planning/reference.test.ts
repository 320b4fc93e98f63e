import assert from "node:assert/strict";
import { test } from "node:test";
import { compileMapping } from "../mapping/mapping.ts";
import type { TargetAttribute, TargetKind } from "../model/target.ts";
import { compare, sameValue } from "./difference.ts";
import type { Linked } from "./evaluation.ts";
import { pointTo } from "./reference.ts";

const manager = (references: string | readonly string[]): TargetAttribute => ({
  name: "manager",
  type: "reference",
  references,
});
const linked = (kinds: { readonly [kind: string]: Linked }) => ({
  isLinked: (_id: string, kind: string): Linked => kinds[kind] ?? "no",
});

test("points to the first of an attribute's kinds in which the person has a record, or gets one", () => {
  const attribute = manager(["agent", "requester"]);
  for (const [kinds, expected] of [
    [{ agent: "linked", requester: "linked" }, "agent"],
    [{ requester: "linked" }, "requester"],
    [{ agent: "planned", requester: "linked" }, "agent"],
    [{ requester: "planned" }, "requester"],
  ] as const) {
    assert.deepEqual(pointTo({ $ref: "u2" }, attribute, linked(kinds)).to, { $ref: "u2", $kind: expected });
  }
  assert.deepEqual(pointTo({ $ref: "u2" }, attribute, linked({})), { linked: "no", to: { $ref: "u2" } });
});

test("names no kind where an attribute has only one", () => {
  const pointed = pointTo({ $ref: "u2" }, manager("user"), linked({ user: "planned" }));
  assert.deepEqual(pointed, { linked: "planned", to: { $ref: "u2" } });
});

test("takes references to two records of one person for different values", () => {
  assert.equal(sameValue({ $ref: "u2", $kind: "agent" }, { $ref: "u2", $kind: "requester" }), false);
  assert.equal(sameValue({ $ref: "u2", $kind: "agent" }, { $ref: "u2", $kind: "agent" }), true);
});

test("takes a lookup's value for the same however it is spelled, and for another one where it differs in more", () => {
  const kind: TargetKind = {
    name: "user",
    source: "user",
    attributes: [
      { name: "department", type: "lookup", lookup: "department", maxLength: 20 },
      { name: "title", type: "string" },
    ],
    matchable: [],
    disable: false,
    members: [],
    settleMs: 0,
    preset: { mapping: {}, matching: [] },
  };
  const mapping = { department: { direct: "department" }, title: { direct: "jobTitle" } };
  const compiled = compileMapping(mapping, kind);
  assert.ok("mapping" in compiled);
  const { rules } = compiled.mapping;
  const known = { department: "Zu\u0308rich", title: "buyer" };
  const differing = (desired: { readonly [name: string]: string | null }): readonly string[] =>
    compare(
      rules,
      { desired, emptied: [], known, origin: "created" },
      { ...linked({}), readComplete: true },
    ).differences.map(({ name }) => name);
  assert.deepEqual(differing({ department: "ZÜRICH", title: "Buyer" }), ["title"]);
  assert.deepEqual(differing({ department: "Zurich" }), ["department"]);
  assert.deepEqual(differing({ department: null }), ["department"]);
});
