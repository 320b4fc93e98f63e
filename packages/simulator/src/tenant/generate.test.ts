import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type GenerateOptions, generateTenant } from "./generate.ts";
import { EVERY_GROUP_KIND_FROM } from "./groups.ts";
import { parseTenantFile } from "./load.ts";
import { parseMembershipRule } from "./membership-rule.ts";
import { EVERY_KIND_FROM } from "./people.ts";
import type { GraphGroup, GraphUser, ManagerReference, Membership } from "./types.ts";

interface Tenant {
  readonly users: readonly GraphUser[];
  readonly groups: readonly GraphGroup[];
  readonly memberships: readonly Membership[];
  readonly managers: readonly ManagerReference[];
}

function generate(people: number, groups: number, seed: number): Tenant {
  const tenant = generateTenant({ people, groups, seed });
  return {
    users: [...tenant.users],
    groups: [...tenant.groups],
    memberships: [...(tenant.memberships as Iterable<Membership>)],
    managers: [...(tenant.managers as Iterable<ManagerReference>)],
  };
}

const text = (user: GraphUser, property: string): string => String(user[property] ?? "");
const membersOf = (tenant: Tenant): ReadonlyMap<string, readonly string[]> =>
  new Map(
    [...Map.groupBy(tenant.memberships, ({ group }) => group)].map(([group, edges]) => [
      group,
      edges.map(({ member }) => member),
    ]),
  );

const anyTenant = fc.record({ people: fc.nat({ max: 400 }), groups: fc.nat({ max: 90 }), seed: fc.maxSafeInteger() });
const largeEnough = fc.record({
  people: fc.oneof(fc.constant(EVERY_KIND_FROM), fc.integer({ min: EVERY_KIND_FROM, max: 300 })),
  groups: fc.integer({ min: EVERY_GROUP_KIND_FROM, max: 40 }),
  seed: fc.maxSafeInteger(),
});

/** Holds a claim against tenants of any seed; a counterexample is three numbers, not a tenant. */
function always(sizes: typeof anyTenant, claim: (tenant: Tenant, size: GenerateOptions) => void): void {
  fc.assert(
    fc.property(sizes, (size) => claim(generate(size.people, size.groups, size.seed), size)),
    { numRuns: 60 },
  );
}

test("makes exactly as many people and groups as asked for", () => {
  always(anyTenant, ({ users, groups }, size) => {
    assert.deepEqual([users.length, groups.length], [size.people, size.groups]);
  });
});

test("gives every object an id of its own and every user a sign-in name of its own in ASCII", () => {
  always(anyTenant, ({ users, groups }) => {
    assert.equal(new Set([...users, ...groups].map(({ id }) => id)).size, users.length + groups.length);
    assert.equal(new Set(users.map((user) => user.userPrincipalName?.toLowerCase())).size, users.length);
    for (const user of users) assert.match(text(user, "userPrincipalName"), /^[A-Za-z0-9'._#-]+@[a-z.-]+$/);
  });
});

test("refers only to what exists and adds nobody twice", () => {
  always(anyTenant, ({ users, groups, memberships, managers }) => {
    const userIds = new Set(users.map(({ id }) => id));
    const groupIds = new Set(groups.map(({ id }) => id));
    assert.ok(
      memberships.every(({ group, member }) => groupIds.has(group) && (userIds.has(member) || groupIds.has(member))),
    );
    assert.ok(managers.every(({ user, manager }) => userIds.has(user) && userIds.has(manager)));
    assert.equal(new Set(memberships.map(({ group, member }) => `${group} ${member}`)).size, memberships.length);
    assert.equal(new Set(managers.map(({ user }) => user)).size, managers.length);
  });
});

test("has no circle of managers and none of groups", () => {
  always(anyTenant, (tenant) => {
    const managerOf = new Map(tenant.managers.map(({ user, manager }) => [user, manager]));
    for (const user of tenant.users) {
      let steps = 0;
      for (let at = managerOf.get(user.id ?? ""); at !== undefined; at = managerOf.get(at))
        assert.ok(++steps < 20, "a circle of managers");
    }
    nestingOf(tenant);
  });
});

test("puts into a dynamic group exactly those whom its rule names", () => {
  always(anyTenant, (tenant) => {
    const members = membersOf(tenant);
    for (const group of tenant.groups) {
      if (typeof group.membershipRule !== "string") continue;
      const belongs = parseMembershipRule(group.membershipRule);
      const expected = tenant.users.filter(belongs).map(({ id }) => id ?? "");
      assert.deepEqual(new Set(members.get(group.id ?? "")), new Set(expected), group.displayName);
    }
  });
});

test("nests groups only in security groups, and puts only people into Microsoft 365 and role-assignable ones", () => {
  always(anyTenant, (tenant) => {
    const groupIds = new Set(tenant.groups.map(({ id }) => id));
    const members = membersOf(tenant);
    for (const group of tenant.groups) {
      const nested = (members.get(group.id ?? "") ?? []).some((member) => groupIds.has(member));
      if (nested)
        assert.ok(group.securityEnabled && !group.mailEnabled && group.isAssignableToRole !== true, group.displayName);
    }
  });
});

test("puts only synced people into synced groups", () => {
  always(anyTenant, (tenant) => {
    const synced = new Set(tenant.users.filter((user) => user.onPremisesSyncEnabled === true).map(({ id }) => id));
    const members = membersOf(tenant);
    for (const group of tenant.groups.filter(({ onPremisesSyncEnabled }) => onPremisesSyncEnabled === true)) {
      assert.ok(
        (members.get(group.id ?? "") ?? []).every((member) => synced.has(member)),
        group.displayName,
      );
    }
  });
});

test("keeps names and addresses within Entra's limits", () => {
  always(anyTenant, ({ users }) => {
    for (const user of users) {
      assert.ok(text(user, "givenName").length <= 64 && text(user, "surname").length <= 64, user.displayName);
      assert.ok(text(user, "displayName").length <= 256);
      assert.ok(text(user, "userPrincipalName").length <= 113);
      assert.ok(text(user, "onPremisesSamAccountName").length <= 20);
    }
  });
});

test("shows every special kind of person from fifty people on", () => {
  const kinds: Readonly<Record<string, (user: GraphUser, all: Tenant) => boolean>> = {
    guest: (user) => user.userType === "Guest" && text(user, "userPrincipalName").includes("#EXT#@"),
    disabled: (user) => user.accountEnabled === false && user.employeeType !== undefined,
    "without mail": (user) => user.employeeType !== undefined && user.mail === undefined,
    synced: (user) => user.onPremisesSyncEnabled === true && text(user, "onPremisesImmutableId").length === 24,
    "cloud only": (user) => user.employeeType !== undefined && user.onPremisesSyncEnabled !== true,
    "shared mailbox or room": (user) =>
      user.accountEnabled === false && user.mail !== undefined && user.givenName === undefined,
    service: (user) => text(user, "userPrincipalName").endsWith(".onmicrosoft.com") && user.mail === undefined,
    "shared mail": (user, { users }) =>
      user.mail !== undefined && users.filter((other) => other.mail === user.mail).length > 1,
    "without manager": (user, { managers }) =>
      user.jobTitle !== "Chief Executive Officer" &&
      user.employeeType !== undefined &&
      managers.every((edge) => edge.user !== user.id),
    Chinese: (user) =>
      /\p{Script=Han}/u.test(text(user, "displayName")) || /\p{Script=Hangul}/u.test(text(user, "displayName")),
    "right to left": (user) => /\p{Script=Arabic}|\p{Script=Hebrew}/u.test(text(user, "displayName")),
    diacritics: (user) => /[À-ž]/u.test(text(user, "displayName")),
    apostrophe: (user) => /['’]/u.test(text(user, "surname")),
    hyphen: (user) => text(user, "surname").includes("-"),
    "one word": (user) => user.employeeType !== undefined && user.surname === undefined && user.givenName !== undefined,
    long: (user) => text(user, "displayName").length > 60,
  };
  always(largeEnough, (tenant) => {
    for (const [kind, fits] of Object.entries(kinds))
      assert.ok(
        tenant.users.some((user) => fits(user, tenant)),
        `nobody is ${kind}`,
      );
  });
});

test("shows every special kind of group beside fifty people", () => {
  const has = (group: GraphGroup, type: string): boolean => group.groupTypes?.includes(type) === true;
  const kinds: Readonly<Record<string, (group: GraphGroup) => boolean>> = {
    security: (group) => group.securityEnabled === true && group.mailEnabled === false,
    "Microsoft 365": (group) => has(group, "Unified"),
    "mail-enabled security": (group) =>
      group.securityEnabled === true && group.mailEnabled === true && !has(group, "Unified"),
    distribution: (group) => group.securityEnabled === false && group.mailEnabled === true && !has(group, "Unified"),
    dynamic: (group) => has(group, "DynamicMembership") && group.membershipRule !== undefined,
    "role-assignable": (group) => group.isAssignableToRole === true,
    synced: (group) => group.onPremisesSyncEnabled === true,
  };
  always(largeEnough, (tenant) => {
    for (const [kind, fits] of Object.entries(kinds)) assert.ok(tenant.groups.some(fits), `no group is ${kind}`);
    const members = membersOf(tenant);
    assert.ok(
      tenant.groups.some(({ id }) => members.get(id ?? "") === undefined),
      "no group is empty",
    );
    assert.ok(nestingOf(tenant) >= 3, "no three levels of nesting");
    const largest = Math.max(...[...members.values()].map((list) => list.length));
    assert.ok(largest > tenant.users.length * 0.6, "no very large group");
  });
});

test("is the same for the same seed, and another for another", () => {
  assert.deepEqual(generate(120, 30, 42), generate(120, 30, 42));
  assert.notDeepEqual(generate(120, 30, 42).users, generate(120, 30, 43).users);
});

test("keeps its people when it is asked for more groups", () => {
  assert.deepEqual(generate(120, 15, 9).users, generate(120, 60, 9).users);
});

test("may be read again with the same result", () => {
  const { users } = generateTenant({ people: 60, groups: 0, seed: 1 });
  assert.deepEqual([...users], [...users]);
});

test("verifies three domains, the initial one and the default among them, and signs everyone in at one of them", () => {
  const { organization, users } = generateTenant({ people: 200, groups: 0, seed: 5 });
  const domains = organization?.verifiedDomains ?? [];
  assert.equal(domains.filter(({ isInitial }) => isInitial).length, 1);
  assert.equal(domains.filter(({ isDefault }) => isDefault).length, 1);
  const names = new Set(domains.map(({ name }) => name));
  for (const user of users)
    assert.ok(names.has(text(user, "userPrincipalName").replace(/^.*@/, "")), user.userPrincipalName);
});

test("makes a document that the loader accepts", () => {
  const tenant = generateTenant({ people: 300, groups: 60, seed: 12 });
  const text = JSON.stringify({ organization: tenant.organization, ...generate(300, 60, 12) });
  const loaded = parseTenantFile(text);
  assert.deepEqual([...loaded.users], [...tenant.users]);
  assert.deepEqual(loaded.organization, tenant.organization);
});

test("gives every synced person an immutable id and an account name of their own", () => {
  const synced = generate(800, 0, 2).users.filter((user) => user.onPremisesSyncEnabled === true);
  for (const property of ["onPremisesImmutableId", "onPremisesSamAccountName", "onPremisesSecurityIdentifier"]) {
    assert.equal(new Set(synced.map((user) => text(user, property).toLowerCase())).size, synced.length, property);
  }
});

test("refuses numbers that no tenant can have", () => {
  assert.throws(() => generateTenant({ people: -1, groups: 0, seed: 1 }), /people is -1/);
  assert.throws(() => generateTenant({ people: 1, groups: 0.5, seed: 1 }), /groups is 0.5/);
  assert.throws(() => generateTenant({ people: 1, groups: 0, seed: Number.NaN }), /seed is NaN/);
});

/** The longest chain of groups within groups; fails on a circle. */
function nestingOf(tenant: Tenant): number {
  const groupIds = new Set(tenant.groups.map(({ id }) => id ?? ""));
  const members = membersOf(tenant);
  const depth = (id: string, path: readonly string[]): number => {
    assert.ok(!path.includes(id), "a circle of groups");
    const nested = (members.get(id) ?? []).filter((member) => groupIds.has(member));
    return 1 + Math.max(0, ...nested.map((member) => depth(member, [...path, id])));
  };
  return Math.max(0, ...[...groupIds].map((id) => depth(id, [])));
}
