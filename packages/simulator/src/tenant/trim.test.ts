import assert from "node:assert/strict";
import { test } from "node:test";
import { generateTenant } from "./generate.ts";
import { trimMemberships } from "./trim.ts";

test("a tenant has exactly the memberships that were asked for, and small groups keep theirs", () => {
  const whole = generateTenant({ people: 2000, groups: 100, seed: 4 });
  const part = generateTenant({ people: 2000, groups: 100, seed: 4, memberships: 3001 });
  const count = (file: typeof whole): Map<string, number> => {
    const sizes = new Map<string, number>();
    for (const { group } of file.memberships as Iterable<{ readonly group: string }>) {
      sizes.set(group, (sizes.get(group) ?? 0) + 1);
    }
    return sizes;
  };
  const [before, after] = [count(whole), count(part)];
  assert.equal(
    [...after.values()].reduce((sum, size) => sum + size),
    3001,
  );
  const most = Math.max(...after.values());
  for (const [group, size] of before) if (size < most - 1) assert.equal(after.get(group), size);
  const cut = [...part.groups].filter(({ id = "" }) => (before.get(id) ?? 0) > (after.get(id) ?? 0));
  for (const { membershipRule, membershipRuleProcessingState } of cut) {
    assert.equal(membershipRuleProcessingState, membershipRule === undefined ? undefined : "Paused");
  }
});

test("groups with fewer memberships than allowed stay as they are", () => {
  const groups = [{ record: { id: "g" }, members: ["a", "b"] }];
  assert.deepEqual(trimMemberships(groups, 2), groups);
  assert.deepEqual(trimMemberships(groups, 1)[0]?.members, ["a"]);
  assert.deepEqual(trimMemberships(groups, 0)[0]?.members, []);
});
