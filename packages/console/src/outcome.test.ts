import assert from "node:assert/strict";
import { test } from "node:test";
import { meaningOf, nothingIn } from "./outcome.ts";

const FAULT = { code: "unreachable", message: "Graph could not be reached.", fix: "Check the network." };

test("a run that failed means its error's sentence and what to do, and never that there was nothing to change", () => {
  assert.deepEqual(meaningOf({ result: "failed", error: FAULT, failed: 0 }), {
    text: "Graph could not be reached.",
    fix: "Check the network.",
  });
  assert.equal(nothingIn("failed"), "nothing was applied");
  assert.equal(nothingIn("succeeded"), "nothing to change");
});

test("a run that was stopped is no failure, and one that was interrupted says so", () => {
  const stopped = { code: "cancelled", message: "The run was stopped.", fix: "Run it again." };
  assert.match(meaningOf({ result: "cancelled", error: stopped, failed: 0 })?.text ?? "", /^Stopped before/);
  const interrupted = { code: "interrupted", message: "The run was interrupted.", fix: "Nothing needs to be done." };
  assert.equal(meaningOf({ result: "cancelled", error: interrupted, failed: 0 })?.text, "The run was interrupted.");
});

test("a run that holds something or left records out says in one line what that means", () => {
  assert.match(meaningOf({ result: "held", error: null, failed: 0 })?.text ?? "", /guard kept some changes back/);
  const undoing = { mode: "undo", result: "held", error: null, failed: 0 };
  assert.match(meaningOf(undoing)?.text ?? "", /^Undoing waits for approval; nothing was changed/);
  assert.match(meaningOf({ result: "partial", error: null, failed: 1 })?.text ?? "", /^1 record could not be synced/);
  const skipped = { code: "conflict", message: "2 of the plan's changes were not made.", fix: "Run the sync." };
  assert.deepEqual(meaningOf({ result: "partial", error: skipped, failed: 0 }), {
    text: skipped.message,
    fix: skipped.fix,
  });
  assert.match(
    meaningOf({ result: "partial", error: skipped, failed: 2 })?.text ?? "",
    /^2 records could not be synced/,
  );
  assert.equal(meaningOf({ result: "succeeded", error: null, failed: 0 }), null);
  assert.equal(meaningOf({ result: null, error: null, failed: 0 }), null);
});
