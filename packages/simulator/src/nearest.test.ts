import assert from "node:assert/strict";
import { test } from "node:test";
import { nearest } from "./nearest.ts";

const NAMES = ["User.Read.All", "User.ReadBasic.All", "Group.Read.All"];

test("finds the name that a slip of the hand was meant for, whatever its case", () => {
  assert.equal(nearest("user.read.all", NAMES), "User.Read.All");
  assert.equal(nearest("User.ReadBasics.All", NAMES), "User.ReadBasic.All");
  assert.equal(nearest("Grop.Read.All", NAMES), "Group.Read.All");
});

test("guesses nothing for what is far from every name", () => {
  for (const typed of ["Foo", "", "Mail.Send"]) assert.equal(nearest(typed, NAMES), null);
});
