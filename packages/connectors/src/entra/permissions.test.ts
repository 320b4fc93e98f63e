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

test("names what was lost, unless a broader permission includes it", () => {
  assert.deepEqual(lostRoles(["Group.Read.All", "User.Read.All"], ["Group.Read.All"]), ["User.Read.All"]);
  assert.deepEqual(lostRoles(["Member.Read.Hidden", "User.Read.All"], ["Directory.Read.All"]), ["Member.Read.Hidden"]);
  assert.deepEqual(lostRoles(["GroupMember.Read.All", "User.ReadBasic.All"], ["Group.Read.All", "User.Read.All"]), []);
  assert.deepEqual(lostRoles(["User.Read.All"], ["User.ReadBasic.All"]), ["User.Read.All"]);
  assert.deepEqual(lostRoles(["User.Read.All"], []), ["User.Read.All"]);
});

test("compares nothing with a token that does not show its permissions", () => {
  assert.deepEqual(lostRoles(["User.Read.All"], null), []);
  assert.deepEqual(lostRoles(null, []), []);
  assert.equal(hasMoreRoles(["User.Read.All"], null), false);
});

test("notices an additional permission", () => {
  assert.equal(hasMoreRoles(["User.Read.All"], ["User.Read.All"]), false);
  assert.equal(hasMoreRoles(["User.Read.All"], ["Member.Read.Hidden", "User.Read.All"]), true);
  assert.equal(hasMoreRoles(null, ["User.Read.All"]), true);
});
