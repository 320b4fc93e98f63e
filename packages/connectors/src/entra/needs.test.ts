import assert from "node:assert/strict";
import { test } from "node:test";
import { FEATURE_NAMES, FEATURES, leastPermissions, opens } from "./features.ts";
import { featuresOf, judgePermissions } from "./needs.ts";
import { ENDPOINTS } from "./permission-table.ts";
import { featuresInWords } from "./setup.ts";

const USUAL = { features: featuresOf({}), accepted: [], token: "application" } as const;

function states(roles: readonly string[], needs: Parameters<typeof judgePermissions>[1] = USUAL): object {
  return Object.fromEntries(judgePermissions(roles, needs).map(({ permission, state }) => [permission, state]));
}

test("each feature's permission opens every endpoint that the feature uses, and is a reading one", () => {
  for (const name of FEATURE_NAMES) {
    const feature = FEATURES[name];
    assert.match(feature.permission, /\.Read\./, name);
    if (feature.endpoints.length > 0) assert.ok(opens(feature.permission, feature, "application"), name);
  }
});

test("no lesser permission opens all that reading people uses", () => {
  const { people } = FEATURES;
  const lesser = ENDPOINTS["GET /users"].application.filter((name) => /^User\.Read(Basic)?\./.test(name));
  assert.deepEqual(
    lesser.filter((name) => opens(name, people, "application")),
    ["User.Read.All"],
  );
});

test("tells the needed, the missing and the excess apart", () => {
  assert.deepEqual(states(["User.Read.All", "GroupMember.Read.All"]), {
    "User.Read.All": "needed",
    "GroupMember.Read.All": "needed",
  });
  assert.deepEqual(states(["User.Read.All", "Mail.Send"]), {
    "User.Read.All": "needed",
    "GroupMember.Read.All": "missing",
    "Mail.Send": "excess",
  });
});

test("a broader permission does the work of a lesser one, and is an excess that says in place of which", () => {
  const [people, groups, directory] = judgePermissions(["Directory.Read.All"], USUAL);
  assert.deepEqual([people?.state, people?.instead], ["broader", "Directory.Read.All"]);
  assert.equal(groups?.state, "broader");
  assert.equal(
    directory?.purpose,
    "in place of User.Read.All and GroupMember.Read.All, which must be granted before it is removed",
  );
  assert.equal(directory?.state, "excess");
  const accepted = [{ permission: "Directory.Read.All", note: "another tool's" }];
  const wanted = judgePermissions(["Directory.Read.All"], { ...USUAL, accepted }).at(-1);
  assert.equal(wanted?.purpose, "in place of User.Read.All and GroupMember.Read.All");
});

test("what shows less than the needed permission, or only what the application owns, does not stand in for it", () => {
  assert.deepEqual(states(["User.Read.All", "Group.ReadBasic.All"]), {
    "User.Read.All": "needed",
    "GroupMember.Read.All": "missing",
  });
  const apps = { ...USUAL, features: featuresOf({ features: ["assigned-apps"] }) };
  const roles = ["User.Read.All", "GroupMember.Read.All", "Application.ReadWrite.OwnedBy"];
  assert.deepEqual(states(roles, apps), {
    "User.Read.All": "needed",
    "GroupMember.Read.All": "needed",
    "Application.Read.All": "missing",
    "Application.ReadWrite.OwnedBy": "excess",
  });
});

test("what opens an endpoint for a person who signed in opens it for the application only where Microsoft says so", () => {
  const roles = ["User.Read.All", "GroupMember.Read.All", "Directory.ReadWrite.All"];
  const apps = { ...USUAL, features: featuresOf({ features: ["assigned-apps"] }) };
  const found = (token: "application" | "delegated") =>
    judgePermissions(roles, { ...apps, token }).find(({ permission }) => permission === "Application.Read.All")?.state;
  assert.deepEqual([found("application"), found("delegated")], ["missing", "broader"]);
});

test("an excess that somebody wants is accepted with the note, one that is not there is not told", () => {
  const accepted = [
    { permission: "Mail.Send", note: "sends the welcome mail" },
    { permission: "Group.ReadWrite.All", note: "not granted" },
  ];
  const found = judgePermissions(["User.Read.All", "Group.Read.All", "Mail.Send"], { ...USUAL, accepted }).at(-1);
  assert.deepEqual([found?.permission, found?.state, found?.note], ["Mail.Send", "accepted", "sends the welcome mail"]);
});

test("what is welcome is neither missed nor called excess", () => {
  assert.deepEqual(states(["User.Read.All", "Group.Read.All", "Member.Read.Hidden", "Application.Read.All"]), {
    "User.Read.All": "needed",
    "Group.Read.All": "needed",
    "Member.Read.Hidden": "welcome",
    "Application.Read.All": "welcome",
  });
});

test("an attribute implies its feature, and permissions are asked for once", () => {
  assert.deepEqual(featuresOf({ attributes: ["signInActivity"] }), ["people", "groups", "sign-in-activity"]);
  assert.deepEqual(leastPermissions(["people", "groups", "assigned-apps", "credential-expiry"]), [
    "User.Read.All",
    "GroupMember.Read.All",
    "Application.Read.All",
  ]);
  assert.deepEqual(leastPermissions(["groups", "notifications"]), ["Group.Read.All"]);
});

test("one permission is asked for where it does the work of another needed one", () => {
  assert.deepEqual(leastPermissions(["people", "groups", "notifications", "photos"]), [
    "User.Read.All",
    "Group.Read.All",
  ]);
  assert.deepEqual(featuresInWords(["people", "groups", "notifications"]), [
    `User.Read.All: to ${FEATURES.people.purpose}`,
    `Group.Read.All: to ${FEATURES.groups.purpose}, and to ${FEATURES.notifications.purpose}`,
  ]);
  const needs = { ...USUAL, features: featuresOf({ features: ["notifications", "photos"] }) };
  assert.deepEqual(states(["Mail.Send"], needs), {
    "User.Read.All": "missing",
    "Group.Read.All": "missing",
    "Mail.Send": "excess",
  });
  const groups = judgePermissions([], needs).find(({ permission }) => permission === "Group.Read.All");
  assert.deepEqual(groups?.features, ["groups", "notifications"]);
  assert.deepEqual(states(["User.Read.All", "GroupMember.Read.All"], needs), {
    "User.Read.All": "needed",
    "GroupMember.Read.All": "needed",
    "Group.Read.All": "missing",
  });
  // What stands in for reading people does not show photos: that alone is missing then.
  assert.deepEqual(states(["Directory.Read.All", "Group.Read.All"], needs), {
    "User.Read.All": "broader",
    "Group.Read.All": "needed",
    "ProfilePhoto.Read.All": "missing",
    "Directory.Read.All": "excess",
  });
});
