import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DirectoryRecord } from "../model/record.ts";
import type { DeleteLater } from "../model/sync.ts";
import { evaluate } from "./evaluate.ts";
import type { Evaluation, EvaluationInput } from "./evaluation.ts";
import { ana, changed, inputOf, linkOf, type Options, OUT, rulesOf } from "./fixtures.ts";

const DAY = 86_400_000;
const LATER: DeleteLater = { deleteAfterMs: 30 * DAY, disable: true };
const POLICY: Options = {
  deprovision: { outOfScope: LATER, disabled: LATER, softDeleted: LATER, deleted: LATER },
};

const CAUSES: readonly (readonly [string, DirectoryRecord, Partial<EvaluationInput>])[] = [
  ["outOfScope", ana(), { scope: OUT }],
  ["disabled", ana({ accountEnabled: false }), {}],
  ["softDeleted", ana({}, { removed: "soft" }), {}],
  ["deleted", ana({}, { removed: "hard" }), {}],
];

function at(
  day: number | undefined,
  record: DirectoryRecord,
  more: Partial<EvaluationInput> = {},
  options: Options = POLICY,
): Evaluation {
  const now = day === undefined ? undefined : day * DAY;
  return evaluate(rulesOf(options), inputOf(record, { link: linkOf(), now, ...more }));
}

describe("deleting later", () => {
  it("disables at once, says when it will delete, and deletes when the days have passed", () => {
    for (const [cause, record, more] of CAUSES) {
      const first = changed(at(0, record, more)).change;
      assert.deepEqual([first.action, first.cause], ["disable", cause]);
      assert.match(first.reason, /; deleted after 30 days, unless it returns$/);
      const waiting = linkOf({}, { active: false, leavingSince: 0 });
      assert.deepEqual(at(29, record, { ...more, link: waiting }), { type: "none", waitsFor: [] });
      const last = changed(at(30, record, { ...more, link: waiting })).change;
      assert.deepEqual([last.action, last.cause], ["delete", cause]);
      assert.match(last.reason, /; 30 days have passed since$/);
    }
  });

  it("never deletes where nobody says what time it is, after an incomplete read, or what was joined", () => {
    const waiting = linkOf({}, { active: false, leavingSince: 0 });
    for (const [, record, more] of CAUSES) {
      assert.equal(at(undefined, record, { ...more, link: waiting }).type, "none");
      assert.equal(at(31, record, { ...more, link: waiting, readComplete: false }).type, "suppressed");
      const joined = { ...waiting, origin: "joined" as const };
      assert.deepEqual(at(31, record, { ...more, link: joined }), { type: "none", waitsFor: [], leaving: "ends" });
      const protectedBy = "protect.people";
      assert.equal(at(31, record, { ...more, link: waiting, protectedBy }).type, "issue");
    }
  });

  it("lets a record that nothing disables begin to wait all the same", () => {
    const begins = { type: "none", waitsFor: [], leaving: "begins" };
    const left = { ...LATER, disable: false };
    const policy = { deprovision: { ...POLICY.deprovision, outOfScope: left } };
    assert.deepEqual(at(0, ana(), { scope: OUT }, policy), begins);
    assert.deepEqual(at(0, ana(), { scope: OUT }, { ...POLICY, disable: false }), begins);
    const disabled = linkOf({}, { active: false });
    assert.deepEqual(at(0, ana(), { scope: OUT, link: disabled }), begins);
    const cut = { scope: OUT, link: disabled, readComplete: false };
    assert.deepEqual(at(0, ana(), cut), { type: "none", waitsFor: [] });
    const due = linkOf({}, { leavingSince: 0 });
    assert.equal(
      changed(at(30, ana(), { scope: OUT, link: due }, { ...POLICY, disable: false })).change.action,
      "delete",
    );
  });

  it("ends the waiting of who returns, by the enabling or beside it", () => {
    const disabled = linkOf({}, { active: false, leavingSince: 0 });
    assert.equal(changed(at(31, ana(), { link: disabled })).change.action, "enable");
    const active = linkOf({}, { leavingSince: 0 });
    assert.deepEqual(at(31, ana(), { link: active }), { type: "none", waitsFor: [], leaving: "ends" });
    const moved = changed(at(31, ana({ department: "Legal" }), { link: active }));
    assert.deepEqual([moved.change.action, moved.leaving], ["update", "ends"]);
    const now = { deprovision: { outOfScope: "disable" as const } };
    assert.deepEqual(at(31, ana(), { scope: OUT, link: disabled }, now), {
      type: "none",
      waitsFor: [],
      leaving: "ends",
    });
    const off = { ...POLICY, operations: { remove: false } };
    assert.deepEqual(at(31, ana(), { scope: OUT, link: disabled }, off), {
      type: "none",
      waitsFor: [],
      leaving: "ends",
    });
  });

  it("takes the stronger policy of a disabled person out of scope: sooner is stronger, at once the strongest", () => {
    const gone = ana({ accountEnabled: false });
    const of = (outOfScope: DeleteLater | "delete" | "disable", disabled: DeleteLater): string =>
      changed(at(0, gone, { scope: OUT }, { deprovision: { outOfScope, disabled } })).change.cause;
    const [sooner, later] = [
      { ...LATER, deleteAfterMs: DAY },
      { ...LATER, deleteAfterMs: 9 * DAY },
    ];
    assert.equal(of(sooner, later), "outOfScope");
    assert.equal(of(later, sooner), "disabled");
    assert.equal(of("delete", sooner), "outOfScope");
    assert.equal(of("disable", later), "disabled");
  });
});

describe("the target's own words", () => {
  const verbs = { disable: "deactivated in Chat", delete: "closed in Chat" };
  const reasonOf = (verb: "disable" | "delete" | DeleteLater, more: { readonly disable?: boolean } = {}): string => {
    const rules = rulesOf({ deprovision: { outOfScope: verb }, ...more });
    const of = { ...rules, kind: { ...rules.kind, verbs } };
    return changed(evaluate(of, inputOf(ana(), { link: linkOf(), scope: OUT, now: 0 }))).change.reason;
  };

  it("stand in the reason of a removal, unless that says already what is done instead, and why", () => {
    assert.match(reasonOf("disable"), /; deactivated in Chat$/);
    assert.match(reasonOf("delete"), /; closed in Chat$/);
    assert.match(reasonOf(LATER), /; deactivated in Chat; deleted after 30 days, unless it returns$/);
    assert.match(reasonOf("disable", { disable: false }), /; deleted, for the target cannot disable such a record$/);
  });
});
