import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { writesOf } from "./difference.ts";
import { evaluate } from "./evaluate.ts";
import { linkAfter } from "./evaluation.ts";
import { ana, changed, inputOf, matchAgainst, rulesOf, targetRecord } from "./fixtures.ts";

describe("joining", () => {
  it("adopts the record and says what changes in it", () => {
    const record = targetRecord({ department: "Old", title: "Buyer", mail: "ANA@x" });
    const { change, hold } = changed(matchAgainst(rulesOf(), inputOf(ana()), [record]));
    assert.deepEqual([change.action, change.cause, change.recordId, change.active], ["join", "existing", "r9", null]);
    assert.match(change.reason, /^Joins the record found by userName ana@x; externalId: empty → u1; userName: /);
    assert.equal(change.before?.department, "Old");
    assert.equal(change.after?.department, "Sales");
    assert.ok(!("welcome" in writesOf(change)), "creation-only values are not written");
    assert.equal(hold, null);
  });

  it("never writes a mail address, nor does any later run, until the target has it too", () => {
    for (const mail of ["old@x", null]) {
      const input = inputOf(ana());
      const { change } = changed(matchAgainst(rulesOf(), input, [targetRecord({ mail })]));
      assert.ok(!("mail" in writesOf(change)));
      assert.match(change.reason, /mail stays as the target has it$/);
      const link = linkAfter(null, change, "r9");
      assert.equal(evaluate(rulesOf(), { ...input, link }).type, "none");
      assert.equal(evaluate(rulesOf(), inputOf(ana({ mail: "evil@x" }), { link })).type, "none");
    }
  });

  it("goes on managing a mail address that both sides agree on", () => {
    const { change } = changed(matchAgainst(rulesOf(), inputOf(ana()), [targetRecord({ mail: "Ana@X" })]));
    const link = linkAfter(null, change, "r9");
    const later = changed(evaluate(rulesOf(), inputOf(ana({ mail: "ana.lopez@x" }), { link })));
    assert.deepEqual(writesOf(later.change), { mail: "ana.lopez@x" });
  });

  it("writes no default over what the source did not tell", () => {
    const { jobTitle: _untold, ...attributes } = ana().attributes;
    const input = inputOf({ ...ana(), attributes });
    const { change } = changed(matchAgainst(rulesOf(), input, [targetRecord({ title: "Buyer" })]));
    assert.ok(!("title" in writesOf(change)));
    const empty = inputOf(ana({ jobTitle: null }));
    const defaulted = changed(matchAgainst(rulesOf(), empty, [targetRecord({ title: "Buyer" })]));
    assert.equal(writesOf(defaulted.change).title, "Staff");
  });

  it("waits for approval where the record has rights of its own", () => {
    const { hold } = changed(matchAgainst(rulesOf(), inputOf(ana()), [targetRecord({}, { privileged: true })]));
    assert.equal(hold?.code, "privileged_join");
    assert.match(hold?.detail ?? "", /r9 has rights of its own/);
  });

  it("enables a disabled record of an enabled person", () => {
    const { change } = changed(matchAgainst(rulesOf(), inputOf(ana()), [targetRecord({}, { active: false })]));
    assert.equal(change.active, true);
    assert.match(change.reason, /; enabled; /);
  });

  it("writes nothing when updates are switched off", () => {
    const rules = rulesOf({ operations: { update: false } });
    const { change } = changed(matchAgainst(rules, inputOf(ana()), [targetRecord({ department: "Old" })]));
    assert.deepEqual(writesOf(change), {});
  });

  it("recognises the manager that the record already has", () => {
    const input = inputOf(ana({}, { manager: "u2" }), { isLinked: () => "linked" });
    const record = targetRecord({ manager: "r2" });
    const { change } = changed(matchAgainst(rulesOf(), input, [record], (_, id) => (id === "r2" ? "u2" : null)));
    assert.deepEqual(change.before?.manager, { $ref: "u2" });
    assert.ok(!("manager" in writesOf(change)));
    const foreign = changed(matchAgainst(rulesOf(), inputOf(ana()), [record]));
    assert.equal(writesOf(foreign.change).manager, null);
  });

  it("says of a record that was deleted in the target that it is created anew, or joined", () => {
    const input = inputOf(ana(), { deletedInTarget: true });
    const created = changed(matchAgainst(rulesOf(), input, [])).change;
    assert.deepEqual([created.action, created.cause], ["create", "recreated"]);
    assert.equal(created.reason, "The record was deleted in the target; it is created anew");
    const joined = changed(matchAgainst(rulesOf(), input, [targetRecord({})])).change;
    assert.deepEqual([joined.action, joined.cause], ["join", "existing"]);
    assert.match(joined.reason, /^The record was deleted in the target; joins the record found by /);
  });
});
