import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { generateTenant } from "../tenant/generate.ts";
import { parseMembershipRule } from "../tenant/membership-rule.ts";
import { fill, operate, operation } from "../testing/operations.ts";
import { Directory } from "./directory.ts";
import { loadTenant } from "./load.ts";
import { type DirectoryObject, isLive } from "./objects.ts";

const RULE = 'user.displayName -startsWith "Name 1" -or user.displayName -contains "New"';
const dynamic = (
  membershipRule: string,
): { readonly groupTypes: readonly string[]; readonly membershipRule: string } => ({
  groupTypes: ["DynamicMembership"],
  membershipRule,
});

function directoryOf(people: number, groups = 0): Directory {
  return fill(new Directory({ instance: "test", ids: "test", clock: () => 0 }), people, groups);
}

function find(directory: Directory, id: string): DirectoryObject {
  const object = directory.byId(id);
  assert.ok(object);
  return object;
}

function memberIds(directory: Directory, group: DirectoryObject): readonly (string | undefined)[] {
  return group.members.map((ordinal) => directory.at(ordinal)?.id);
}

test("the members of a dynamic group are the living people whom its rule names, whatever was written", () => {
  // Members of dynamic groups are refused before they reach the directory.
  const written = operation.filter(([name]) => name !== "add" && name !== "remove");
  fc.assert(
    fc.property(fc.array(written, { maxLength: 60 }), (operations) => {
      const directory = directoryOf(6, 2);
      const groups = [RULE, `-not (${RULE})`].map((rule) => directory.create("group", dynamic(rule)));
      for (const one of operations) operate(directory, one);
      for (const group of groups.filter(isLive)) {
        const belongs = parseMembershipRule(String(group.properties.membershipRule));
        const expected = directory.list("user").filter((user) => isLive(user) && belongs(user.properties));
        assert.deepEqual(
          group.members,
          expected.map(({ ordinal }) => ordinal),
        );
      }
    }),
    { numRuns: 200 },
  );
});

test("a rule that is not understood leaves the group as it is, and so does a paused one", () => {
  const directory = directoryOf(2);
  const user = find(directory, "u1");
  const groups = [
    { ...dynamic('user.displayName -match "^U"'), displayName: "not understood" },
    { ...dynamic("user.objectId -eq null"), membershipRuleProcessingState: "Paused" },
    { membershipRule: "user.objectId -eq null", groupTypes: [] },
  ].map((properties, number) => directory.place("group", `group ${number}`, properties));
  for (const group of groups) directory.placeMember(group, user);
  const { head } = directory.log;
  directory.update(user, { displayName: "Other" });
  assert.equal(directory.log.head, head + 1);
  for (const group of groups) assert.deepEqual(memberIds(directory, group), ["u1"]);
});

test("another rule, a rule that goes on again and a group that becomes dynamic take effect at once", () => {
  const directory = directoryOf(3, 2);
  const [group, nested] = [find(directory, "g0"), find(directory, "g1")];
  directory.addMember(group, nested);
  directory.addMember(group, find(directory, "u0"));
  directory.update(group, dynamic('user.displayName -eq "User 1"'));
  assert.deepEqual(memberIds(directory, group), ["u1"]);
  directory.update(group, { membershipRule: "user.objectId -ne null" });
  assert.deepEqual(memberIds(directory, group), ["u0", "u1", "u2"]);
  directory.update(group, { membershipRule: 'user.displayName -match "x"' });
  directory.update(group, { membershipRuleProcessingState: "Paused", membershipRule: 'user.displayName -eq "User 2"' });
  assert.deepEqual(memberIds(directory, group), ["u0", "u1", "u2"]);
  directory.update(group, { membershipRuleProcessingState: "On" });
  assert.deepEqual(memberIds(directory, group), ["u2"]);
  const { head } = directory.log;
  directory.update(group, { description: "Same rule" });
  assert.equal(directory.log.head, head + 1);
});

test("the rules of a generated tenant leave its memberships as they were made", () => {
  const directory = new Directory({ instance: "test", ids: "test", clock: () => 0 });
  loadTenant(directory, generateTenant({ people: 400, groups: 120, seed: 3 }), {
    ids: "test",
    defaultDomain: "contoso.com",
    now: 0,
  });
  const { head } = directory.log;
  const groups = directory.list("group").filter(({ properties }) => typeof properties.membershipRule === "string");
  for (const group of groups) {
    directory.update(group, { membershipRule: `(${String(group.properties.membershipRule)})` });
  }
  assert.ok(groups.length >= 3, `${groups.length} dynamic groups`);
  assert.equal(directory.log.head, head + groups.length);
});

test("a change of one person looks at each rule once, however many people there are", () => {
  const looks = [10, 1000].map((people) => {
    const directory = directoryOf(people);
    let seen = 0;
    directory.create("group", dynamic(RULE));
    const user = find(directory, "u1");
    directory.update(user, { displayName: "Name 1" });
    for (const other of directory.list("user")) {
      const { properties } = other;
      other.properties = new Proxy(properties, {
        ownKeys: (target) => {
          seen += 1;
          return Reflect.ownKeys(target);
        },
      });
    }
    directory.update(user, { displayName: "Name 2" });
    return seen;
  });
  assert.equal(looks[0], looks[1]);
});
