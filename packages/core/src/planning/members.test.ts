import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { rulesOf } from "./fixtures.ts";
import { type MemberPlan, type MemberState, planMembers } from "./members.ts";

const group = { objectId: "g1", name: "Everyone", recordId: "r1" };
const complete = { readComplete: true };
const state = (objectId: string, more: Partial<MemberState> = {}): MemberState => ({
  objectId,
  desired: true,
  known: false,
  linked: "linked",
  ...more,
});
const plan = (
  members: readonly MemberState[],
  options: { readComplete: boolean; size?: number } = complete,
): MemberPlan => planMembers(rulesOf(), group, members, options);

describe("memberships", () => {
  it("are added and removed by name", () => {
    const gone = { desired: false, known: true, name: "Zoë" };
    const { changes } = plan([state("u2", { name: "Bo" }), state("u1", { name: "Ana López" }), state("u3", gone)]);
    assert.equal(changes.length, 1);
    const [change] = changes;
    assert.equal(change?.reason, "2 added: Ana López, Bo; 1 removed: Zoë");
    assert.deepEqual([change?.action, change?.cause, change?.recordId], ["members", "memberships", "r1"]);
    assert.deepEqual([change?.add, change?.remove], [["u1", "u2"], ["u3"]]);
  });

  it("of 1, 99, 100, 101, 999, 1,000 and 4,000 members go in chunks of a hundred, none lost", () => {
    for (const size of [1, 99, 100, 101, 999, 1000, 4000]) {
      const ids = Array.from({ length: size }, (_, at) => `u${String(at).padStart(4, "0")}`);
      const { changes } = plan(ids.toReversed().map((id) => state(id)));
      assert.equal(changes.length, Math.ceil(size / 100));
      assert.deepEqual(
        changes.flatMap(({ add }) => add),
        ids,
      );
      assert.match(changes[0]?.reason ?? "", size > 3 ? /^\d+ added: u0000, u0001, u0002 and \d+ more$/ : /^1 added/);
    }
  });

  it("wait for members who are not there yet", () => {
    const { changes, waitsFor } = plan([state("u2", { linked: "no" }), state("u1", { linked: "planned" })]);
    assert.deepEqual(changes[0]?.add, ["u1"]);
    assert.deepEqual(waitsFor, ["u2"]);
  });

  it("are not removed by an incomplete read, but added", () => {
    const removal = state("u1", { desired: false, known: true });
    const { changes, suppressed } = plan([removal, state("u2")], { readComplete: false });
    assert.deepEqual([changes[0]?.add, changes[0]?.remove, suppressed], [["u2"], [], ["u1"]]);
  });

  it("of a record that is gone can be forgotten", () => {
    const { changes, gone } = plan([state("u1", { desired: false, known: true, linked: "no" })]);
    assert.deepEqual([changes, gone], [[], ["u1"]]);
  });

  it("are left alone when updates are switched off", () => {
    const rules = rulesOf({ operations: { update: false } });
    assert.deepEqual(planMembers(rules, group, [state("u1")], complete).changes, []);
  });

  it("become exactly the desired ones, in one order, and then need nothing", () => {
    const members = fc.uniqueArray(
      fc.record({ objectId: fc.string({ minLength: 1, maxLength: 3 }), desired: fc.boolean(), known: fc.boolean() }),
      { selector: ({ objectId }) => objectId },
    );
    fc.assert(
      fc.property(members, fc.integer({ min: 1, max: 5 }), (generated, size) => {
        const states = generated.map((it) => state(it.objectId, it));
        const first = plan(states, { readComplete: true, size });
        assert.deepEqual(plan(states.toReversed(), { readComplete: true, size }), first);
        const held = new Set(states.filter(({ known }) => known).map(({ objectId }) => objectId));
        for (const { add, remove } of first.changes) {
          assert.ok(add.length + remove.length <= size);
          for (const id of add) held.add(id);
          for (const id of remove) held.delete(id);
        }
        assert.deepEqual(held, new Set(states.filter(({ desired }) => desired).map(({ objectId }) => objectId)));
        const after = states.map((it) => ({ ...it, known: held.has(it.objectId) }));
        assert.deepEqual(plan(after, { readComplete: true, size }).changes, []);
      }),
    );
  });
});
