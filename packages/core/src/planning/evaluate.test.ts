import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KnownLink } from "../model/plan.ts";
import type { DirectoryRecord } from "../model/record.ts";
import type { Deprovision, DeprovisionVerb } from "../model/sync.ts";
import type { Attributes } from "../model/value.ts";
import { writesOf } from "./difference.ts";
import { evaluate } from "./evaluate.ts";
import type { Evaluation, EvaluationInput, Linked } from "./evaluation.ts";
import {
  ANA,
  ana,
  changed,
  inputOf,
  KNOWN,
  linkOf,
  MAPPING,
  matchAgainst,
  type Options,
  OUT,
  rulesOf,
  targetRecord,
} from "./fixtures.ts";

function linked(record: DirectoryRecord, more: Partial<EvaluationInput> = {}, options: Options = {}): Evaluation {
  return evaluate(rulesOf(options), inputOf(record, { link: linkOf(), ...more }));
}

describe("a person in scope without a link", () => {
  it("is created with every mapped attribute and a reason", () => {
    const { change, hold } = changed(matchAgainst(rulesOf(), inputOf(ana()), []));
    assert.deepEqual(change, {
      kind: "user",
      objectId: "u1",
      name: "Ana López",
      action: "create",
      cause: "new",
      reason: "New: department is Sales",
      recordId: null,
      before: null,
      after: KNOWN,
      active: null,
      add: [],
      remove: [],
    });
    assert.equal(hold, null);
    assert.deepEqual(writesOf(change), KNOWN);
  });

  it("is not created while disabled, deleted, out of scope or with creation switched off", () => {
    const none = { type: "none", waitsFor: [] };
    assert.deepEqual(evaluate(rulesOf(), inputOf(ana({ accountEnabled: false }))), none);
    assert.deepEqual(
      evaluate(rulesOf({ deprovision: { disabled: "ignore" } }), inputOf(ana({ accountEnabled: false }))),
      none,
    );
    assert.deepEqual(evaluate(rulesOf(), inputOf(ana({}, { removed: "soft" }))), none);
    assert.deepEqual(evaluate(rulesOf(), inputOf(ana({}, { removed: "hard" }))), none);
    assert.deepEqual(evaluate(rulesOf(), inputOf(ana(), { scope: OUT })), none);
    assert.deepEqual(evaluate(rulesOf(), inputOf(null)), none);
    assert.deepEqual(matchAgainst(rulesOf({ operations: { create: false } }), inputOf(ana()), []), none);
  });

  it("is unmatchable without a value for any matching attribute", () => {
    const options = { mapping: { ...MAPPING, userName: { constant: "x" } }, matching: ["department"] } as const;
    const rules = rulesOf(options);
    const evaluation = evaluate(rules, inputOf(ana({ department: null })));
    assert.deepEqual(evaluation, {
      type: "issue",
      finding: { code: "unmatchable", detail: "no value for department", objectId: "u1", name: "Ana López" },
    });
  });

  it("is not looked for by a later attribute alone while an incomplete read may have left out an earlier one's value", () => {
    const mapping = { ...MAPPING, department: { direct: "department" } } as const;
    const rules = rulesOf({ mapping, matching: ["department", "userName"] });
    const without = ana({ department: null });
    assert.equal(evaluate(rules, inputOf(without)).type, "match");
    assert.deepEqual(evaluate(rules, inputOf(without, { readComplete: false })), {
      type: "suppressed",
      cause: "new",
      detail: "no value for department, which comes before userName",
    });
    const later = rulesOf({ mapping, matching: ["userName", "department"] });
    assert.equal(evaluate(later, inputOf(without, { readComplete: false })).type, "match");
  });

  it("is an issue when a value does not fit, naming all that do not", () => {
    const evaluation = evaluate(rulesOf(), inputOf(ana({ jobTitle: ["a", "b"], department: "\u0000" })));
    assert.ok(evaluation.type === "issue" && evaluation.finding.code === "value_invalid");
    assert.match(evaluation.finding.detail, /^department: .*; title: /);
  });

  it("is created without a manager who is not there yet, and waits for the manager", () => {
    const { change, waitsFor } = changed(matchAgainst(rulesOf(), inputOf(ana({}, { manager: "u2" })), []));
    assert.ok(change.after !== null && !("manager" in change.after));
    assert.deepEqual(waitsFor, ["u2"]);
    const planned = changed(
      matchAgainst(rulesOf(), inputOf(ana({}, { manager: "u2" }), { isLinked: () => "planned" }), []),
    );
    assert.deepEqual(planned.change.after?.manager, { $ref: "u2" });
    assert.deepEqual(planned.refersTo, ["u2"]);
    assert.deepEqual(planned.waitsFor, []);
  });
});

describe("the account state", () => {
  it("that the source does not say is an issue and never taken for disabled", () => {
    const { accountEnabled: _, ...unsaid } = ANA;
    for (const attributes of [unsaid, { ...ANA, accountEnabled: null }, { ...ANA, accountEnabled: "false" }]) {
      for (const link of [null, linkOf()]) {
        const evaluation = evaluate(rulesOf(), inputOf({ ...ana(), attributes }, { link }));
        assert.ok(evaluation.type === "issue" && evaluation.finding.code === "account_state_unknown");
      }
    }
  });

  it("that the source does not say removes nobody from a scope that asks for it", () => {
    const evaluation = linked(ana({ accountEnabled: null }), { scope: OUT });
    assert.ok(evaluation.type === "issue" && evaluation.finding.code === "account_state_unknown");
  });

  it("is nothing that a group has", () => {
    const evaluation = evaluate(rulesOf(), inputOf({ ...ana({ accountEnabled: null }), kind: "group" }));
    assert.equal(evaluation.type, "match");
  });
});

describe("a linked person who stays", () => {
  it("needs nothing when all is as known", () => {
    assert.deepEqual(linked(ana()), { type: "none", waitsFor: [] });
  });

  it("is updated with the fields that differ, said old and new", () => {
    const { change } = changed(linked(ana({ department: "Legal", businessPhones: [], jobTitle: null })));
    assert.equal(change.action, "update");
    assert.equal(change.reason, "department: Sales → Legal; title: Buyer → Staff; phones: +1 → empty");
    assert.deepEqual(change.before, KNOWN);
    assert.deepEqual(change.after, { ...KNOWN, department: "Legal", title: "Staff", phones: null });
    assert.deepEqual(writesOf(change), { department: "Legal", title: "Staff", phones: null });
  });

  it("keeps what the mapping keeps and what is written on creation only", () => {
    assert.equal(linked(ana({ displayName: null })).type, "none");
    assert.equal(linked(ana(), { link: linkOf({ welcome: "Hi" }) }).type, "none");
  });

  it("says three differences and counts the rest", () => {
    const more = {
      userPrincipalName: "ana.l@x",
      displayName: "Ana L",
      department: "Legal",
      mail: "l@x",
      jobTitle: "A",
    };
    const { reason } = changed(linked(ana(more))).change;
    assert.match(reason, /; department: Sales → Legal; and 2 more attributes$/);
  });

  it("is left alone when updates are switched off", () => {
    assert.equal(linked(ana({ department: "Legal" }), {}, { operations: { update: false } }).type, "none");
  });

  it("is enabled again on the same record, with what changed meanwhile", () => {
    const { change } = changed(linked(ana({ department: "Legal" }), { link: linkOf({}, { active: false }) }));
    assert.deepEqual([change.action, change.cause, change.active, change.recordId], ["enable", "returned", true, "r1"]);
    assert.equal(change.reason, "Active again: department is Sales; department: Sales → Legal");
    assert.deepEqual(writesOf(change), { department: "Legal" });
  });

  it("gets the late manager by one update in the run that links the manager", () => {
    const { manager: _, ...known } = KNOWN;
    const link = { ...linkOf(), known };
    const waiting = linked(ana({}, { manager: "u2" }), { link });
    assert.deepEqual(waiting, { type: "none", waitsFor: ["u2"] });
    const { change } = changed(
      linked(ana({}, { manager: "u2" }), { link, isLinked: () => "linked", nameOf: () => "Bo Ek" }),
    );
    assert.equal(change.reason, "manager: empty → Bo Ek");
    assert.deepEqual(writesOf(change), { manager: { $ref: "u2" } });
  });

  it("does not keep an outdated manager while the new one is not there", () => {
    const link = linkOf({ manager: { $ref: "u2" } });
    const input = { link, isLinked: (id: string): Linked => (id === "u2" ? "linked" : "no") };
    const { change, waitsFor } = changed(linked(ana({}, { manager: "u3" }), input));
    assert.deepEqual(writesOf(change), { manager: null });
    assert.deepEqual(waitsFor, ["u3"]);
    const kept = linked(ana({}, { manager: "u3" }), input, {
      mapping: { ...MAPPING, manager: { direct: "manager", whenEmpty: "keep" } },
    });
    assert.deepEqual(kept, { type: "none", waitsFor: ["u3"] });
  });
});

describe("deprovisioning", () => {
  const causes: readonly (readonly [string, DirectoryRecord, Partial<EvaluationInput>, RegExp])[] = [
    ["outOfScope", ana(), { scope: OUT }, /^Left scope: department is Legal, not Sales/],
    ["disabled", ana({ accountEnabled: false }), {}, /^The account is disabled at the source/],
    ["softDeleted", ana({}, { removed: "soft" }), {}, /^Deleted at the source, where it can still be restored/],
    ["deleted", ana({}, { removed: "hard" }), {}, /^Deleted at the source/],
  ];
  const all = (verb: DeprovisionVerb): Deprovision => ({
    outOfScope: verb,
    disabled: verb,
    softDeleted: verb,
    deleted: verb,
  });

  it("follows the policy of its cause and says why", () => {
    for (const [cause, record, more, reason] of causes) {
      for (const verb of ["disable", "delete"] as const) {
        const { change } = changed(linked(record, more, { deprovision: all(verb) }));
        assert.deepEqual([change.action, change.cause, change.recordId], [verb, cause, "r1"]);
        assert.match(change.reason, reason);
        assert.equal(change.active, verb === "disable" ? false : null);
        assert.deepEqual(change.before, KNOWN);
        assert.deepEqual(change.after, verb === "disable" ? KNOWN : null);
      }
      assert.equal(linked(record, more, { deprovision: all("ignore") }).type, "none");
      assert.equal(linked(record, more, { operations: { remove: false } }).type, "none");
    }
  });

  it("disables once", () => {
    const link = linkOf({}, { active: false });
    for (const [, record, more] of causes) {
      assert.equal(linked(record, { ...more, link }, { deprovision: all("disable") }).type, "none");
    }
  });

  it("deletes a created record where the target cannot disable", () => {
    for (const [, record, more] of causes) {
      const { change } = changed(linked(record, more, { disable: false, deprovision: all("disable") }));
      assert.equal(change.action, "delete");
      assert.match(change.reason, /deleted, for the target cannot disable such a record$/);
    }
  });

  it("never deletes a joined record: it is disabled, or left where that cannot be", () => {
    const link = linkOf({}, { origin: "joined" });
    for (const [, record, more] of causes) {
      const { change } = changed(linked(record, { ...more, link }, { deprovision: all("delete") }));
      assert.equal(change.action, "disable");
      assert.match(change.reason, /disabled rather than deleted, for the record was joined, not created$/);
      for (const verb of ["disable", "delete"] as const) {
        const options = { disable: false, deprovision: all(verb) };
        assert.equal(linked(record, { ...more, link }, options).type, "none");
      }
    }
  });

  it("carries the changes of a disabled person who is still in scope, and goes on updating without enabling", () => {
    const record = ana({ accountEnabled: false, department: "Legal" });
    const { change } = changed(linked(record));
    assert.equal(change.reason, "The account is disabled at the source; department: Sales → Legal");
    assert.deepEqual(writesOf(change), { department: "Legal" });
    const later = changed(linked(record, { link: linkOf({}, { active: false }) })).change;
    assert.deepEqual([later.action, later.active], ["update", null]);
  });

  it("disables a leaver although an attribute cannot be mapped, and says so beside", () => {
    const { change, issues } = changed(linked(ana({ accountEnabled: false, department: "\u0000" })));
    assert.equal(change.action, "disable");
    assert.equal(issues[0]?.code, "value_invalid");
  });

  it("is not evaded by a scope filter that ignores those who are disabled", () => {
    const options: Options = { deprovision: { outOfScope: "ignore", disabled: "disable" } };
    const { change } = changed(linked(ana({ accountEnabled: false, department: "Legal" }), { scope: OUT }, options));
    assert.deepEqual([change.action, change.cause], ["disable", "disabled"]);
    assert.deepEqual(writesOf(change), {});
  });

  it("is disabled without anything else where the target refused both together", () => {
    const { change } = changed(linked(ana({ accountEnabled: false, department: "Legal" }), { refused: true }));
    assert.deepEqual([change.action, writesOf(change)], ["disable", {}]);
  });

  it("waits for approval where a shrunken round is the witness", () => {
    const { hold } = changed(linked(ana({}, { removed: "hard", doubtful: "shrunken" })));
    assert.equal(hold?.code, "round_shrunken");
  });

  it("waits for approval where the record is so young that a lagging copy may not have it yet", () => {
    const { hold } = changed(linked(ana({}, { removed: "hard", doubtful: "young" })));
    assert.equal(hold?.code, "record_young");
  });

  it("does not take a record that the directory does not know for deleted", () => {
    const evaluation = evaluate(rulesOf(), inputOf(null, { link: linkOf() }));
    assert.equal(evaluation.type, "suppressed");
  });
});

describe("a link that is not ours", () => {
  it("is an issue that names the owner while the person is in scope, and is never touched", () => {
    const link = linkOf({ department: "Old" }, { owned: false, owner: "Fabrikam → Desk" });
    const evaluation = linked(ana(), { link });
    assert.ok(evaluation.type === "issue" && evaluation.finding.code === "owned_elsewhere");
    assert.match(evaluation.finding.detail, /r1 is owned by Fabrikam → Desk/);
    const ownerOf = (more: Partial<KnownLink>): string => {
      const it = linked(ana(), { link: linkOf({}, { owned: false, ...more }) });
      return it.type === "issue" ? it.finding.detail : it.type;
    };
    assert.match(ownerOf({}), /is owned by another sync$/);
    assert.match(ownerOf({ owner: null }), /belongs to no sync any more$/);
    assert.equal(linked(ana(), { link, scope: OUT }).type, "none");
    assert.equal(linked(ana({}, { removed: "hard" }), { link }).type, "none");
  });
});

describe("a scope that cannot be told", () => {
  const untold = { scope: { ...OUT, untold: true } as const };

  it("takes nobody out, but keeps no leaver active", () => {
    const evaluation = linked(ana(), untold);
    assert.deepEqual(evaluation, { type: "suppressed", cause: "outOfScope", detail: OUT.reason });
    assert.equal(evaluate(rulesOf(), inputOf(ana(), untold)).type, "none");
    const gone = changed(linked(ana({ accountEnabled: false }), untold, { deprovision: { outOfScope: "delete" } }));
    assert.deepEqual([gone.change.action, gone.change.cause], ["disable", "disabled"]);
    assert.equal(changed(linked(ana({}, { removed: "hard" }), untold)).change.cause, "deleted");
  });
});

describe("an incomplete read", () => {
  const incomplete = { readComplete: false };

  it("suppresses every removal", () => {
    assert.equal(linked(ana({ accountEnabled: false }), incomplete).type, "suppressed");
    assert.equal(linked(ana(), { ...incomplete, scope: OUT }).type, "suppressed");
    assert.equal(linked(ana({}, { removed: "hard" }), incomplete).type, "suppressed");
  });

  it("clears and defaults nothing, but writes what was read", () => {
    const nulls = { department: null, jobTitle: null, businessPhones: null };
    const evaluation = linked(ana(nulls), { ...incomplete, link: linkOf({ manager: { $ref: "u2" } }) });
    assert.ok(evaluation.type === "suppressed");
    assert.match(evaluation.detail, /^department, title, phones, manager came empty/);
    const { change, suppressed } = changed(linked(ana({ ...nulls, displayName: "Ana L" }), incomplete));
    assert.deepEqual(writesOf(change), { displayName: "Ana L" });
    assert.deepEqual(suppressed, ["department", "title", "phones"]);
  });

  it("writes no value that an expression makes of what came empty", () => {
    const expression = 'IIF(IsNullOrEmpty([department]), "external", [department])';
    const rules = rulesOf({ mapping: { ...MAPPING, department: { expression } } });
    const link = linkOf();
    const read = (attributes: Attributes): Evaluation =>
      evaluate(rules, inputOf(ana(attributes), { ...incomplete, link }));
    const hidden = read({ department: null });
    assert.deepEqual(
      [hidden.type, "detail" in hidden && hidden.detail.startsWith("department came empty")],
      ["suppressed", true],
    );
    assert.deepEqual(writesOf(changed(read({ department: "Legal" })).change), { department: "Legal" });
    const found = targetRecord({ department: "Sales" });
    const joins = changed(matchAgainst(rules, inputOf(ana({ department: null }), incomplete), [found]));
    assert.deepEqual([writesOf(joins.change).department, joins.suppressed], [undefined, ["department"]]);
  });

  it("makes no issues of what it hides", () => {
    for (const attributes of [{ accountEnabled: null }, { userPrincipalName: null }]) {
      assert.equal(linked(ana(attributes), incomplete).type, "suppressed");
      assert.equal(evaluate(rulesOf(), inputOf(ana(attributes), incomplete)).type, "suppressed");
    }
  });

  it("creates whom it shows", () => {
    assert.equal(changed(matchAgainst(rulesOf(), inputOf(ana(), incomplete), [])).change.action, "create");
  });
});
