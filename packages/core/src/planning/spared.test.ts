import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { evaluate } from "./evaluate.ts";
import { ana, changed, inputOf, linkOf, matchAgainst, OUT, rulesOf, targetRecord } from "./fixtures.ts";

const protectedBy = "the sync's list";
const rules = rulesOf({ deprovision: { outOfScope: "delete", deleted: "delete", softDeleted: "delete" } });

describe("a protected record", () => {
  it("is not disabled or deleted for any cause, and is an issue that says so", () => {
    const causes = [
      inputOf(ana(), { scope: OUT }),
      inputOf(ana({ accountEnabled: false })),
      inputOf(ana({}, { removed: "soft" })),
      inputOf(ana({}, { removed: "hard" })),
      inputOf(ana({}, { removed: "hard", doubtful: "shrunken" })),
    ];
    for (const input of causes) {
      const without = evaluate(rules, { ...input, link: linkOf() });
      assert.ok(["disable", "delete"].includes(changed(without).change.action));
      const evaluation = evaluate(rules, { ...input, link: linkOf(), protectedBy });
      assert.equal(evaluation.type, "issue", JSON.stringify(evaluation));
      if (evaluation.type !== "issue") continue;
      assert.equal(evaluation.finding.code, "protected");
      assert.match(evaluation.finding.detail, /^would be (disabled|deleted): .+, but is protected by the sync's list$/);
    }
  });

  it("is kept up to date while its account is disabled at the source", () => {
    const input = inputOf(ana({ accountEnabled: false, jobTitle: "Chief" }), { link: linkOf(), protectedBy });
    const { change, issues } = changed(evaluate(rules, input));
    assert.deepEqual([change.action, change.active, change.after?.title], ["update", null, "Chief"]);
    assert.deepEqual(
      issues.map(({ code }) => code),
      ["protected"],
    );
  });

  it("keeps the values that would be cleared, and gets the others", () => {
    const source = ana({ department: null, jobTitle: "Chief" });
    const { change, issues } = changed(evaluate(rules, inputOf(source, { link: linkOf(), protectedBy })));
    assert.deepEqual([change.after?.department, change.after?.title], ["Sales", "Chief"]);
    assert.match(issues[0]?.detail ?? "", /^would have department cleared, but is protected/);
    const alone = evaluate(rules, inputOf(ana({ department: null }), { link: linkOf(), protectedBy }));
    assert.equal(alone.type === "issue" && alone.finding.code, "protected");
  });

  it("keeps what the target holds when it is joined", () => {
    const source = ana({ department: null });
    const record = targetRecord({ department: "Board" });
    const { change, issues } = changed(matchAgainst(rules, inputOf(source, { protectedBy }), [record]));
    assert.deepEqual([change.action, change.after?.department, issues.length], ["join", "Board", 1]);
  });

  it("is renamed, enabled and updated as everybody else", () => {
    const source = ana({ userPrincipalName: "ana@y" });
    const plain = evaluate(rules, inputOf(source, { link: linkOf({}, { active: false }) }));
    const spared = evaluate(rules, inputOf(source, { link: linkOf({}, { active: false }), protectedBy }));
    assert.deepEqual(spared, plain);
  });

  it("that is out of scope already and inactive is no issue", () => {
    const input = inputOf(ana(), { scope: OUT, link: linkOf({}, { active: false }), protectedBy });
    assert.equal(evaluate(rulesOf(), input).type, "none");
  });
});
