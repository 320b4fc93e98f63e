import assert from "node:assert/strict";
import { test } from "node:test";
import { apportion, buildHierarchy } from "./hierarchy.ts";
import { createRandom } from "./random.ts";

for (const people of [0, 1, 2, 7, 50, 151, 1_000, 20_000]) {
  test(`makes one tree of ${people} positions, managers first`, () => {
    const positions = buildHierarchy(createRandom(people), people, [3, 1, 1]);
    assert.equal(positions.length, people);
    positions.forEach(({ manager, title, department }, index) => {
      assert.ok(
        index === 0 ? manager === -1 : manager >= 0 && manager < index,
        `position ${index} reports to ${manager}`,
      );
      assert.notEqual(title, "");
      assert.notEqual(department, "");
    });
    const reports = positions.map((_, index) => positions.filter((other) => other.manager === index).length);
    if (people <= 1_000)
      assert.deepEqual(
        positions.map((position) => position.reports),
        reports,
      );
    assert.ok(positions.every((position) => position.reports <= 12));
  });
}

test("has most managers lead three to twelve people, over six to nine levels at 20,000 people", () => {
  const positions = buildHierarchy(createRandom(4), 20_000, [3, 1, 1]);
  const managers = positions.filter((position) => position.reports > 0);
  assert.ok(managers.filter((position) => position.reports >= 3).length > 0.95 * managers.length);
  const levels: number[] = [];
  for (const position of positions) levels.push((levels[position.manager] ?? 0) + 1);
  const deepest = levels.reduce((left, right) => Math.max(left, right), 0);
  assert.ok(deepest >= 6 && deepest <= 9, `${deepest} levels`);
});

test("apportions exactly", () => {
  assert.deepEqual(apportion([1, 1, 1], 10), [4, 3, 3]);
  assert.deepEqual(apportion([0, 0], 4), [0, 0]);
  assert.deepEqual(apportion([5, 3, 2], 10), [5, 3, 2]);
});
