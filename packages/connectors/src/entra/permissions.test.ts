import assert from "node:assert/strict";
import { test } from "node:test";
import { hasMoreRoles, lostRoles, readingRoles } from "./permissions.ts";

test("keeps the permissions that decide what reads show, writing ones as the reading they include", () => {
  const roles = [
    "User.ReadWrite.All",
    "Mail.Send",
    "User.Read.All",
    "Member.Read.Hidden",
    "User.EnableDisableAccount.All",
  ];
  assert.deepEqual(readingRoles("user", roles), ["User.Read.All"]);
  assert.deepEqual(readingRoles("group", roles), ["Member.Read.Hidden"]);
  const writing = ["GroupMember.ReadWrite.All", "User.ReadBasic.All", "Directory.ReadWrite.All"];
  assert.deepEqual(readingRoles("group", writing), ["Directory.Read.All", "GroupMember.Read.All"]);
  assert.deepEqual(readingRoles("user", writing), ["Directory.Read.All", "User.ReadBasic.All"]);
  assert.equal(readingRoles("user", null), null);
});

test("names what was lost, unless another permission shows as much of that kind", () => {
  const none: readonly string[] = [];
  const all = ["Directory.Read.All", "User.Read.All"];
  assert.deepEqual(lostRoles("user", all, ["User.Read.All"]), none);
  assert.deepEqual(lostRoles("user", all, ["User.ReadBasic.All"]), all);
  assert.deepEqual(lostRoles("user", ["User.Read.All"], ["User.ReadBasic.All"]), ["User.Read.All"]);
  assert.deepEqual(lostRoles("user", ["User.Read.All"], none), ["User.Read.All"]);
  assert.deepEqual(lostRoles("user", ["User.ReadBasic.All"], ["User.Read.All"]), none);
  assert.deepEqual(lostRoles("user", ["User.Read.All"], ["Directory.Read.All"]), none);
  const groups = ["Directory.Read.All", "Group.Read.All", "GroupMember.Read.All", "Member.Read.Hidden"];
  for (const enough of ["Directory.Read.All", "Group.Read.All", "GroupMember.Read.All"]) {
    assert.deepEqual(lostRoles("group", groups, ["Member.Read.Hidden", enough]), none, enough);
    assert.deepEqual(lostRoles("group", groups, [enough]), ["Member.Read.Hidden"], enough);
  }
  assert.deepEqual(lostRoles("group", ["Group.Read.All"], ["Group.ReadBasic.All"]), ["Group.Read.All"]);
  assert.deepEqual(lostRoles("group", ["GroupMember.Read.All"], ["GroupMember.ReadBasic.All"]), [
    "GroupMember.Read.All",
  ]);
  assert.deepEqual(lostRoles("contact", ["Directory.Read.All"], ["OrgContact.Read.All"]), none);
  assert.deepEqual(lostRoles("contact", ["OrgContact.Read.All"], ["Directory.Read.All"]), none);
});

test("compares nothing with a token that does not show its permissions", () => {
  assert.deepEqual(lostRoles("user", ["User.Read.All"], null), []);
  assert.deepEqual(lostRoles("user", null, []), []);
  assert.equal(hasMoreRoles(["User.Read.All"], null), false);
});

test("notices an additional permission", () => {
  assert.equal(hasMoreRoles(["User.Read.All"], ["User.Read.All"]), false);
  assert.equal(hasMoreRoles(["User.Read.All"], ["Member.Read.Hidden", "User.Read.All"]), true);
  assert.equal(hasMoreRoles(null, ["User.Read.All"]), true);
});
