import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Attributes } from "../model/value.ts";
import { KNOWN, linkOf, rulesOf } from "./fixtures.ts";
import { type AppliedChange, deedOf, inverseOf, movedMembers, type UndoScene } from "./undo.ts";

const WHO = { objectId: "u1", name: "Ana" };

const change = (action: AppliedChange["action"], more: Partial<AppliedChange> = {}): AppliedChange => ({
  action,
  recordId: "r1",
  before: action === "create" ? null : KNOWN,
  after: action === "delete" ? null : KNOWN,
  activated: false,
  ...more,
});
const updated = (set: Attributes, before: Attributes = KNOWN): AppliedChange =>
  change("update", { before, after: { ...before, ...set } });
const sceneOf = (set: Attributes = {}, more: Partial<UndoScene> = {}): UndoScene => ({
  link: linkOf(set),
  present: { attributes: { ...KNOWN, ...set }, active: true },
  found: null,
  wasActive: true,
  ...more,
});
const undo = (changes: readonly AppliedChange[], scene: UndoScene) => inverseOf(rulesOf(), WHO, deedOf(changes), scene);

describe("the inverse of what a run did to a record", () => {
  it("brings a written field back to what it was, and no other", () => {
    const { change: back, left } = undo([updated({ title: "Head" })], sceneOf({ title: "Head", department: "Legal" }));
    assert.deepEqual(left, []);
    assert.deepEqual([back?.action, back?.cause, back?.recordId], ["update", "undone", "r1"]);
    assert.deepEqual(back?.after, { ...KNOWN, department: "Legal" });
    assert.equal(back?.reason, "Undone: title: Head → Buyer");
  });

  it("adds up several changes of one run: the first before, the last after", () => {
    const first = updated({ title: "Head" });
    const second = updated({ title: "Chief" }, { ...KNOWN, title: "Head" });
    assert.deepEqual(undo([first, second], sceneOf({ title: "Chief" })).change?.after, KNOWN);
    const there = updated({ title: "Buyer" }, { ...KNOWN, title: "Head" });
    assert.equal(undo([first, there], sceneOf()).change, null);
  });

  it("leaves what a later run or somebody in the target changed since, and says which", () => {
    const later = undo([updated({ title: "Head" })], sceneOf({ title: "Chief" }));
    assert.deepEqual([later.change, later.left[0]?.code], [null, "undo_changed"]);
    const present = { attributes: { ...KNOWN, title: "By hand" }, active: true };
    const byHand = undo([updated({ title: "Head", department: "Legal" })], {
      ...sceneOf({ title: "Head", department: "Legal" }),
      present: { ...present, attributes: { ...present.attributes, department: "Legal" } },
    });
    assert.deepEqual(byHand.change?.after, { ...KNOWN, title: "Head" });
    assert.deepEqual(
      byHand.left.map(({ detail }) => detail),
      ["title was changed in the target since, so it stays"],
    );
  });

  it("takes a value that differs only as the target does not distinguish for its own", () => {
    const scene = sceneOf({ userName: "ANA@Y" });
    const present = { attributes: { ...KNOWN, userName: "ana@y" }, active: true };
    assert.deepEqual(undo([updated({ userName: "ANA@Y" })], { ...scene, present }).change?.after, KNOWN);
  });

  it("deletes what the run created, unless somebody changed it in the target", () => {
    const deleted = undo([change("create")], sceneOf()).change;
    assert.deepEqual([deleted?.action, deleted?.before], ["delete", KNOWN]);
    const touched = sceneOf({}, { present: { attributes: { ...KNOWN, title: "By hand" }, active: true } });
    const kept = undo([change("create")], touched);
    assert.deepEqual([kept.change, kept.left[0]?.code], [null, "undo_changed"]);
    assert.match(kept.left[0]?.detail ?? "", /^title of the record r1 was changed/);
  });

  it("creates what the run deleted with all that it held, disabled if it was", () => {
    const gone = sceneOf({}, { link: null, present: null, wasActive: false });
    const made = undo([updated({ title: "Head" }), change("delete", { before: { ...KNOWN, title: "Head" } })], gone);
    const { manager: _none, ...held } = KNOWN;
    assert.deepEqual([made.change?.action, made.change?.after, made.change?.active], ["create", held, false]);
    assert.equal(undo([change("delete")], { ...gone, wasActive: true }).change?.active, null);
  });

  it("creates nothing that is there: the record, its successor, or one with its matching value", () => {
    const deleted = [change("delete")];
    for (const scene of [
      sceneOf({}, { present: null }),
      sceneOf({}, { link: null }),
      sceneOf({}, { link: null, present: null, found: "Ana (r9)" }),
    ]) {
      const { change: none, left } = undo(deleted, scene);
      assert.deepEqual([none, left.length], [null, 1]);
    }
  });

  it("enables what the run disabled, and disables what it enabled", () => {
    const disabled = change("disable");
    const off = sceneOf({}, { link: linkOf({}, { active: false }), present: { attributes: KNOWN, active: false } });
    assert.deepEqual([undo([disabled], off).change?.action, undo([disabled], off).change?.active], ["enable", true]);
    assert.equal(undo([change("enable")], sceneOf()).change?.action, "disable");
    assert.equal(undo([disabled], sceneOf()).change, null, "it is active again already");
    const byHand = undo([disabled], { ...off, present: { attributes: KNOWN, active: true } });
    assert.deepEqual([byHand.change, byHand.left[0]?.code], [null, "undo_changed"]);
  });

  it("takes a join back without deleting: the fields as they were, and the record left to itself", () => {
    const joined = change("join", { before: { ...KNOWN, title: "Old" }, after: KNOWN, activated: true });
    const { change: back } = undo([joined], sceneOf({}, { link: linkOf({}, { origin: "joined" }) }));
    assert.deepEqual([back?.action, back?.cause, back?.active], ["disable", "unjoined", false]);
    assert.deepEqual(back?.after, { ...KNOWN, title: "Old" });
    const untouched = undo([change("join")], sceneOf({}, { link: linkOf({}, { origin: "joined" }) }));
    assert.deepEqual([untouched.change?.action, untouched.change?.cause], ["update", "unjoined"]);
  });

  it("does nothing for what came and went within the run", () => {
    assert.deepEqual(undo([change("create"), change("delete")], sceneOf()), { change: null, left: [] });
  });

  it("does not touch what is not the sync's any more", () => {
    for (const link of [null, linkOf({}, { owned: false }), linkOf({}, { recordId: "r9" })]) {
      const { change: none, left } = undo([updated({ title: "Head" })], sceneOf({}, { link }));
      assert.deepEqual([none, left[0]?.code], [null, "undo_unlinked"]);
    }
  });

  it("says of a sensitive value, and of one that was not known, that it cannot come back", () => {
    const secret = { $sensitive: "a" };
    const { left } = undo([updated({ title: secret })], sceneOf({ title: secret }));
    assert.deepEqual([left[0]?.code], ["undo_sensitive"]);
    const { title: _unknown, ...before } = KNOWN;
    const unknown = undo([change("update", { before, after: KNOWN })], sceneOf());
    assert.deepEqual([unknown.change, unknown.left[0]?.code], [null, "undo_unknown"]);
  });
});

describe("memberships that a run moved", () => {
  it("are told net", () => {
    const { added, removed } = movedMembers([
      { add: ["a", "b"], remove: ["c"] },
      { add: ["c"], remove: ["b", "d"] },
    ]);
    assert.deepEqual([[...added], [...removed]], [["a"], ["d"]]);
  });
});
