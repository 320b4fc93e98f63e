import assert from "node:assert/strict";
import { it } from "node:test";
import { isRematched } from "./rematched.ts";

const names = ["externalId", "userName"];
const moved = (before: string | null, after: string | null) =>
  isRematched({ before: { userName: before, title: "a" }, after: { userName: after, title: "b" } }, names);

it("tells a change of a matching attribute from every other change", () => {
  assert.equal(moved("ana@x", "ana@y"), true);
  assert.equal(moved("ana@x", null), true, "one that is cleared is found no more");
  assert.equal(moved("ana@x", "ana@x"), false);
});

it("takes a first value, and another case, for the same key", () => {
  assert.equal(moved(null, "ana@x"), false);
  assert.equal(moved("ana@x", "Ana@X"), false);
  assert.equal(isRematched({ before: { title: "a" }, after: { title: "b", userName: "ana@x" } }, names), false);
});

it("has nothing to say of changes that create or delete", () => {
  assert.equal(isRematched({ before: null, after: { userName: "ana@x" } }, names), false);
  assert.equal(isRematched({ before: { userName: "ana@x" }, after: null }, names), false);
});
