import assert from "node:assert/strict";
import { test } from "node:test";
import { happeningsOf } from "./timeline.ts";
import type { JournalEntry } from "./types.ts";

let sequence = 0;
function entry(type: string, more: Partial<JournalEntry> = {}): JournalEntry {
  sequence += 1;
  const nothing = { action: null, status: null, code: null, reason: null, detail: null, before: null, after: null };
  const who = { actor: { kind: "system", id: "schedule" }, target: "desk", kind: "user" };
  return {
    stream: "sync:1",
    sequence,
    at: sequence,
    type,
    run: "r1",
    plan: "p1",
    ordinal: 0,
    ...who,
    ...nothing,
    ...more,
  };
}

const told = (entries: readonly JournalEntry[]): readonly unknown[] =>
  happeningsOf(entries).map(({ entry: { type, at }, outcome }) => [type, at, outcome?.at ?? null]);

test("an intent is told together with what came of it, and all else by itself", () => {
  const [intent, outcome] = [entry("intent"), entry("outcome", { status: "applied" })];
  const ignored = entry("ignored", { run: null, plan: null, ordinal: null });
  assert.deepEqual(told([ignored, outcome, intent]), [
    ["ignored", ignored.at, null],
    ["intent", intent.at, outcome.at],
  ]);
});

test("an outcome whose intent stands on a page that is not loaded yet is told by itself", () => {
  const [, outcome, other] = [entry("intent"), entry("outcome"), entry("intent", { ordinal: 1 })];
  assert.deepEqual(told([other, outcome]), [
    ["intent", other.at, null],
    ["outcome", outcome.at, null],
  ]);
});

test("each attempt of one change has the outcome of its own", () => {
  const attempts = [entry("intent"), entry("outcome"), entry("intent"), entry("outcome")];
  const [first, , second] = attempts;
  assert.deepEqual(told(attempts.toReversed()), [
    ["intent", second?.at, attempts[3]?.at],
    ["intent", first?.at, attempts[1]?.at],
  ]);
  const unheard = entry("intent");
  assert.deepEqual(told([unheard, ...attempts.toReversed()])[0], ["intent", unheard.at, null]);
});
