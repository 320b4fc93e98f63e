import assert from "node:assert/strict";
import { test } from "node:test";
import { begunInWords, plannedInWords, ruleInWords, stateInWords, unmanagedInWords } from "./wording.ts";

test("a rule is told in one line, however its expression is written", () => {
  assert.equal(ruleInWords({ direct: "manager.mail" }), "manager.mail");
  assert.equal(ruleInWords({ constant: "Staff" }), "constant Staff");
  const expression = 'Join(" ",\n  [givenName],\r\n  [surname]\n)\n';
  assert.equal(ruleInWords({ expression }), 'Join(" ", [givenName], [surname] )');
});

test("one change is told as one", () => {
  const none = { create: 0, join: 0, update: 0, enable: 0, disable: 0, delete: 0, members: 0 };
  assert.equal(plannedInWords(none), "no changes");
  assert.equal(plannedInWords({ ...none, create: 1 }), "1 change: 1 created");
  assert.equal(plannedInWords({ ...none, create: 1200, join: 1 }), "1,201 changes: 1,200 created, 1 joined");
});

test("that nobody in scope corresponds to a record is said only where everybody was looked for", () => {
  const sure = "nobody in scope corresponds to them, and they are left alone";
  assert.equal(unmanagedInWords({ count: 3, maybe: 0 }), sure);
  assert.equal(unmanagedInWords({ count: 0, maybe: 2 }), sure);
  assert.match(
    unmanagedInWords({ count: 3, maybe: 1 }),
    /^nobody who was looked for .*; 1 person in scope could not be looked for .* some of these records may be theirs$/,
  );
  assert.match(unmanagedInWords({ count: 3, maybe: 1200 }), /; 1,200 people in scope could not/);
});

test("what a stopped run left is told with what goes on with it and what drops it", () => {
  const said = begunInWords("people", { digest: "ab12", changes: 3200 });
  assert.match(said, /^3,200 changes of a plan that was begun are left\. Go on with it: entrain sync run people; /);
  assert.match(said, /drop it: entrain sync approve people --digest ab12 --reject$/);
  assert.match(begunInWords("people", { digest: "ab12", changes: 1 }), /^1 change of a plan that was begun is left\./);
});

test("a held part is told by what held it, whatever it is of; other parts by what they are", () => {
  const by = (...codes: readonly string[]) => ({
    part: "removals",
    holds: codes.map((code) => ({ code, detail: "" })),
  });
  assert.equal(stateInWords({ state: "held", ...by("creation_guard") }), "held (by the creations guard)");
  const several = by("removal_guard", "member_guard", "approval_needed", "left_out");
  const said = "by the removals guard, the members guard, what always needs approval";
  assert.equal(stateInWords({ state: "held", ...several }), `held (${said})`);
  assert.equal(stateInWords({ state: "applied", ...by("update_guard") }), "applied (held by the updates guard)");
  assert.equal(stateInWords({ state: "abandoned", ...by() }), "abandoned");
  assert.equal(stateInWords({ ...by("undo"), state: "held", part: "undo" }), "held (undo)");
  assert.equal(stateInWords({ ...by("removal_guard"), state: "sealed", part: "changes" }), "sealed");
});
