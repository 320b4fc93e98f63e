import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Change, KnownLink } from "../model/plan.ts";
import type { DeprovisionVerb } from "../model/sync.ts";
import type { Attributes, Value } from "../model/value.ts";
import { sameValue, writesOf } from "./difference.ts";
import { type Evaluation, type Linked, linkAfter } from "./evaluation.ts";
import { inputOf, matchAgainst, OUT, rulesOf } from "./fixtures.ts";

// Whatever a source may say of one person, whatever is known, whatever the policy.
const text = fc.constantFrom<Value>("Sales", "Legal", "", null);
const attributes = fc
  .record(
    {
      userPrincipalName: fc.constantFrom<Value>("ana@x", "bo@x", null),
      displayName: text,
      department: text,
      jobTitle: fc.oneof(text, fc.constant(["a", "b"])),
      businessPhones: fc.constantFrom<Value>([], ["+1"], ["+1", "+2"], null),
      mail: fc.constantFrom<Value>("ana@x", "b@x", null),
      accountEnabled: fc.constantFrom<Value>(true, true, true, false, null),
    },
    { requiredKeys: ["userPrincipalName", "accountEnabled"] },
  )
  .map((it): Attributes => it);
const person = fc.record({
  kind: fc.constant("user" as const),
  id: fc.constant("u1"),
  attributes,
  manager: fc.constantFrom(null, "u2", "u3"),
  removed: fc.constantFrom(null, null, null, "soft" as const, "hard" as const),
});
const known = fc
  .record(
    {
      externalId: fc.constant<Value>("u1"),
      userName: fc.constantFrom<Value>("ana@x", "old@x"),
      displayName: text,
      department: text,
      title: text,
      phones: fc.constantFrom<Value>([], ["+1"], null),
      mail: fc.constantFrom<Value>("ana@x", "old@x", null),
      manager: fc.constantFrom<Value>(null, { $ref: "u2" }, { $ref: "u3" }),
    },
    { requiredKeys: [] },
  )
  .map((it): Attributes => it);
const link = fc.record({
  recordId: fc.constant("r1"),
  origin: fc.constantFrom("created" as const, "joined" as const),
  owned: fc.constantFrom(true, true, true, false),
  known,
  active: fc.boolean(),
});
const verb = fc.constantFrom<DeprovisionVerb>("ignore", "disable", "delete");
const options = fc.record({
  disable: fc.boolean(),
  operations: fc.record({ create: fc.boolean(), update: fc.boolean(), remove: fc.boolean() }),
  deprovision: fc.record({ outOfScope: verb, disabled: verb, softDeleted: verb, deleted: verb }),
});
const world = fc.record({
  record: fc.option(person, { freq: 20 }),
  scope: fc.constantFrom({ in: true, reason: "x is y" }, OUT),
  link: fc.option(link),
  links: fc.record({ u2: fc.constantFrom<Linked>("linked", "no"), u3: fc.constantFrom<Linked>("linked", "no") }),
  found: fc.option(fc.record({ attributes: known, active: fc.boolean() })),
  readComplete: fc.boolean(),
  options,
});

type World = typeof world extends fc.Arbitrary<infer T> ? T : never;

function evaluated(it: World, linkNow: KnownLink | null): Evaluation {
  const links: { readonly [id: string]: Linked } = it.links;
  const isLinked = (id: string): Linked => links[id] ?? "no";
  const { record, scope, readComplete } = it;
  const input = inputOf(record, { scope, readComplete, isLinked, link: linkNow });
  const candidates = it.found === null ? [] : [{ kind: "user", id: "r1", ...it.found, attributes: targetForm(it) }];
  return matchAgainst(rulesOf(it.options), input, candidates, (_, id) => id.replace("r", "u"));
}

function targetForm({ found, record }: World): Attributes {
  const { manager, ...rest } = found?.attributes ?? {};
  const reference = manager !== null && typeof manager === "object" && "$ref" in manager ? manager.$ref : null;
  const userName = record?.attributes.userPrincipalName ?? null;
  return { ...rest, userName, ...(typeof reference === "string" ? { manager: reference.replace("u", "r") } : {}) };
}

describe("evaluation, whatever comes", () => {
  it("answers none for what it changed, once that is applied", () => {
    fc.assert(
      fc.property(world, (it) => {
        const first = evaluated(it, it.link);
        if (first.type !== "change") return;
        const after = linkAfter(it.link, first.change, first.change.recordId ?? "r1");
        const second = evaluated(after === null ? { ...it, found: null } : it, after);
        const expected = first.suppressed.length > 0 ? "suppressed" : first.issues.length > 0 ? "issue" : "none";
        if (after === null && second.type === "change") assert.fail("a deleted record came back");
        assert.equal(second.type, expected, JSON.stringify({ first, second }));
      }),
      { numRuns: 3000 },
    );
  });

  it("removes and clears nothing by an incomplete read", () => {
    fc.assert(
      fc.property(world, (it) => {
        const evaluation = evaluated({ ...it, readComplete: false }, it.link);
        if (evaluation.type !== "change") return;
        const { action, before, active } = evaluation.change;
        assert.ok(action !== "disable" && action !== "delete" && active !== false);
        for (const [name, value] of Object.entries(before === null ? {} : writesOf(evaluation.change))) {
          const held = before?.[name] ?? null;
          assert.ok(!sameValue(value, null) || sameValue(held, null), `${name} was cleared`);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("touches only records that we own, and deletes only those that we created", () => {
    fc.assert(
      fc.property(world, (it) => {
        const evaluation = evaluated(it, it.link);
        if (evaluation.type !== "change" || it.link === null) return;
        assert.equal(it.link.owned, true);
        if (evaluation.change.action === "delete") assert.equal(it.link.origin, "created");
        if (evaluation.change.action === "disable") assert.equal(it.options.disable, true);
      }),
      { numRuns: 3000 },
    );
  });

  it("makes of the written attributes and `before` exactly `after`", () => {
    fc.assert(
      fc.property(world, (it) => {
        const evaluation = evaluated(it, it.link);
        if (evaluation.type !== "change" || evaluation.change.after === null) return;
        const { before, after }: Change = evaluation.change;
        const result: Attributes = { ...before, ...writesOf(evaluation.change) };
        assert.deepEqual(new Set(Object.keys(result)), new Set(Object.keys(after ?? {})));
        for (const [name, value] of Object.entries(after ?? {})) assert.ok(sameValue(result[name] ?? null, value));
      }),
    );
  });
});
