import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Pace } from "./pace.ts";

describe("the pace of a run", () => {
  const applying = (done: number) => ({ phase: "applying", detail: "users", done, total: 1000 }) as const;

  it("tells items a second and the time left, from where the phase began", () => {
    const pace = new Pace();
    pace.report(applying(200), 10_000);
    pace.report(applying(400), 12_000);
    assert.deepEqual(pace.progress, { ...applying(400), perSecond: 100, remainingMs: 6000 });
  });

  it("says nothing about the pace of a moment, or of a phase that has just begun", () => {
    const pace = new Pace();
    assert.equal(pace.progress.phase, "waiting");
    pace.report({ phase: "reading", detail: "users", done: 0, total: null }, 0);
    pace.report({ phase: "reading", detail: "users", done: 500, total: null }, 1000);
    assert.deepEqual([pace.progress.perSecond, pace.progress.remainingMs], [500, null]);
    pace.report(applying(0), 1100);
    pace.report(applying(50), 1300);
    assert.deepEqual([pace.progress.perSecond, pace.progress.remainingMs], [null, null]);
  });

  it("begins anew when the count does", () => {
    const pace = new Pace();
    pace.report({ phase: "reading", detail: "users", done: 900, total: null }, 0);
    pace.report({ phase: "reading", detail: "groups", done: 0, total: null }, 5000);
    pace.report({ phase: "reading", detail: "groups", done: 30, total: null }, 6000);
    assert.equal(pace.progress.perSecond, 30);
  });

  it("does not promise negative time", () => {
    const pace = new Pace();
    pace.report(applying(0), 0);
    pace.report(applying(1200), 1000);
    assert.equal(pace.progress.remainingMs, 0);
  });
});
