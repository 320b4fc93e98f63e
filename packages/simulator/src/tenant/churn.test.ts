import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Churn, type ChurnChange, createChurn, type Every, type TenantWriter } from "./churn.ts";
import { isWritableGroup, type TenantUser } from "./churn-people.ts";
import { generateTenant } from "./generate.ts";
import type { GraphGroup, ManagerReference, Membership, TenantFile } from "./types.ts";

/** A tenant in memory that refuses, by an error, each write that Graph refuses. */
class StrictTenant implements TenantWriter {
  readonly users: TenantUser[] = [];
  readonly groups = new Map<string, GraphGroup & { readonly id: string }>();
  readonly members = new Map<string, Set<string>>();
  readonly managers = new Map<string, string>();
  readonly deleted = new Set<string>();
  /** Every write in words, to compare two runs. */
  readonly writes: string[] = [];

  constructor(tenant: TenantFile) {
    for (const user of tenant.users) this.users.push({ ...user, id: user.id ?? "" });
    for (const group of tenant.groups) this.groups.set(group.id ?? "", { ...group, id: group.id ?? "" });
    for (const { group, member } of (tenant.memberships ?? []) as Iterable<Membership>)
      this.#membersOf(group).add(member);
    for (const { user, manager } of (tenant.managers ?? []) as Iterable<ManagerReference>)
      this.managers.set(user, manager);
  }

  userSlots = (): number => this.users.length;
  userAt = (slot: number): TenantUser | undefined => {
    const user = this.users[slot];
    return user === undefined || this.deleted.has(user.id) ? undefined : user;
  };
  user = (id: string): TenantUser | undefined => this.users.find((user) => user.id === id && !this.deleted.has(id));
  deletedUsers = (): readonly string[] => [...this.deleted];
  managerOf = (user: string): string | null => this.managers.get(user) ?? null;
  hasReports = (user: string): boolean =>
    [...this.managers].some(([report, manager]) => manager === user && !this.deleted.has(report));
  groupsOf = (user: string): readonly (GraphGroup & { readonly id: string })[] =>
    [...this.groups.values()].filter(({ id }) => this.#membersOf(id).has(user));
  isNameTaken = (name: string): boolean =>
    this.users.some(
      (user) => !this.deleted.has(user.id) && user.userPrincipalName?.toLowerCase() === name.toLowerCase(),
    );

  createUser = (user: Parameters<TenantWriter["createUser"]>[0]): string => {
    const id = `new-${this.users.length}`;
    assert.ok(user.userPrincipalName && !this.isNameTaken(user.userPrincipalName), "a sign-in name twice");
    this.users.push({ ...user, id });
    this.writes.push(`create ${JSON.stringify(user)}`);
    return id;
  };
  updateUser = (id: string, changes: Parameters<TenantWriter["updateUser"]>[1]): void => {
    const at = this.users.findIndex((user) => user.id === id);
    const user = this.#cloudUser(id);
    const name = changes.userPrincipalName;
    assert.ok(
      typeof name !== "string" || name === user.userPrincipalName || !this.isNameTaken(name),
      "a sign-in name twice",
    );
    this.users[at] = { ...user, ...changes, id };
    this.writes.push(`update ${id} ${JSON.stringify(changes)}`);
  };
  deleteUser = (id: string): void => {
    assert.equal(this.#cloudUser(id).accountEnabled, false, "deleted without being disabled first");
    this.deleted.add(id);
    this.writes.push(`delete ${id}`);
  };
  restoreUser = (id: string): boolean => {
    assert.ok(this.deleted.has(id));
    const name = this.users.find((user) => user.id === id)?.userPrincipalName ?? "";
    if (this.isNameTaken(name)) return false;
    this.deleted.delete(id);
    this.writes.push(`restore ${id}`);
    return true;
  };
  addMember = (group: string, member: string): void => {
    assert.ok(this.#writableMembers(group).size < this.#membersOf(group).add(member).size + 1);
    this.writes.push(`add ${member} to ${group}`);
  };
  removeMember = (group: string, member: string): void => {
    assert.ok(this.#writableMembers(group).delete(member), "not a member");
    this.writes.push(`remove ${member} from ${group}`);
  };
  setManager = (user: string, manager: string | null): void => {
    this.#cloudUser(user);
    assert.notEqual(user, manager);
    if (manager === null) this.managers.delete(user);
    else this.managers.set(user, manager);
    this.writes.push(`manager of ${user} is ${manager}`);
  };

  #cloudUser(id: string): TenantUser {
    const user = this.user(id);
    assert.ok(user !== undefined, `${id} is not living`);
    assert.notEqual(user.onPremisesSyncEnabled, true, "Graph does not change synced users");
    return user;
  }

  #membersOf(group: string): Set<string> {
    const members = this.members.get(group) ?? new Set();
    this.members.set(group, members);
    return members;
  }

  #writableMembers(id: string): Set<string> {
    const group = this.groups.get(id);
    assert.ok(group !== undefined && isWritableGroup(group), "Graph does not change the members of this group");
    return this.#membersOf(id);
  }
}

function churnOf(people: number, seed: number): { readonly tenant: StrictTenant; readonly churn: Churn } {
  const tenant = new StrictTenant(generateTenant({ people, groups: 25, seed }));
  return { tenant, churn: createChurn({ seed, perMinute: 60, writer: tenant }) };
}

function steps(churn: Churn, count: number): readonly ChurnChange[] {
  return Array.from({ length: count }, () => churn.step()).filter((change) => change !== null);
}

test("does everything that companies do, most of it in proportion", () => {
  const { churn } = churnOf(300, 4);
  const changes = steps(churn, 400);
  const count = (action: ChurnChange["action"], kind?: ChurnChange["kind"]): number =>
    changes.filter((change) => change.action === action && (kind ?? change.kind) === change.kind).length;
  assert.equal(changes.length, 400);
  assert.ok(count("created") > 70 && count("updated", "move") > 90 && count("disabled") > 40 && count("deleted") > 25);
  assert.ok(count("updated", "rename") > 5 && count("enabled") > 0 && count("restored") > 0);
});

test("never asks for a write that Graph refuses, whatever the tenant", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 90 }), fc.maxSafeInteger(), (people, seed) => {
      const { tenant, churn } = churnOf(people, seed);
      const made = steps(churn, 120).length;
      assert.ok(
        made > 0 || !tenant.users.some((user) => user.onPremisesSyncEnabled !== true && user.jobTitle !== undefined),
      );
    }),
    { numRuns: 25 },
  );
});

test("makes the same changes for the same seed", () => {
  const [first, second] = [churnOf(120, 8), churnOf(120, 8)];
  assert.deepEqual(steps(first.churn, 150), steps(second.churn, 150));
  assert.deepEqual(first.tenant.writes, second.tenant.writes);
});

test("gives a joiner the department, manager and groups of a colleague and an address of their own", () => {
  const { tenant, churn } = churnOf(200, 2);
  const joined = steps(churn, 100)
    .filter(({ kind }) => kind === "join")
    .map(({ id }) => tenant.users.find((user) => user.id === id));
  for (const user of joined) {
    assert.ok(user?.department !== undefined && user.mail !== undefined);
    assert.match(String(user.userPrincipalName), /^[a-z0-9.-]+@[a-z.-]+$/);
  }
  assert.ok(joined.some((user) => tenant.managerOf(user?.id ?? "") !== null));
  assert.ok(joined.some((user) => tenant.groupsOf(user?.id ?? "").length > 1));
});

test("changes surname, display name, sign-in name and mail together, and keeps the old address as an alias", () => {
  const { tenant, churn } = churnOf(200, 6);
  let seen = 0;
  for (let step = 0; step < 300; step += 1) {
    const before = [...tenant.users];
    const change = churn.step();
    if (change?.kind !== "rename") continue;
    const old = before.find(({ id }) => id === change.id);
    const now = tenant.user(change.id);
    assert.notEqual(now?.userPrincipalName, old?.userPrincipalName);
    assert.equal(now?.givenName, old?.givenName);
    assert.ok(now?.displayName?.includes(String(now.surname)));
    if (String(old?.mail ?? "").toLowerCase() !== old?.userPrincipalName) continue;
    seen += 1;
    assert.equal(now?.mail, now?.userPrincipalName);
    assert.ok(JSON.stringify(now?.proxyAddresses).includes(`smtp:${old.mail}`));
  }
  assert.ok(seen > 3);
});

test("spares guests, rooms, shared mailboxes and service accounts", () => {
  const { tenant, churn } = churnOf(150, 3);
  const people = new Set(
    tenant.users.filter((user) => user.givenName !== undefined && user.userType === "Member").map(({ id }) => id),
  );
  for (const { id, kind } of steps(churn, 300))
    assert.ok(kind === "join" || people.has(id) || id.startsWith("new-"), `${kind} of ${id}`);
});

test("works on a tenant that was loaded from a file and says little about its people", () => {
  const tenant = new StrictTenant({
    users: [
      {
        id: "87d349ed",
        displayName: "Adele Vance",
        givenName: "Adele",
        surname: "Vance",
        userPrincipalName: "AdeleV@contoso.onmicrosoft.com",
      },
    ],
    groups: [],
  });
  const changes = steps(createChurn({ seed: 1, perMinute: 1, writer: tenant }), 40);
  assert.ok(changes.length > 20);
  assert.ok(tenant.users.every((user) => user.userPrincipalName?.endsWith("@contoso.onmicrosoft.com")));
});

test("does nothing in an empty tenant", () => {
  const tenant = new StrictTenant({ users: [], groups: [] });
  assert.equal(createChurn({ seed: 1, perMinute: 1, writer: tenant }).step(), null);
});

/** A timer that is wound by hand. */
function windUp(): { readonly every: Every; wind(milliseconds: number): void; running(): boolean } {
  let timer: { readonly interval: number; readonly tick: () => void; rest: number } | null = null;
  return {
    every: (interval, tick) => {
      timer = { interval, tick, rest: 0 };
      return () => {
        timer = null;
      };
    },
    wind: (milliseconds) => {
      if (timer === null) return;
      for (timer.rest += milliseconds; timer.rest >= timer.interval; timer.rest -= timer.interval) timer.tick();
    },
    running: () => timer !== null,
  };
}

for (const perMinute of [1, 7, 60, 4_000]) {
  test(`spreads ${perMinute} changes evenly over a minute and stops at once`, () => {
    const writer = new StrictTenant(generateTenant({ people: 60, groups: 0, seed: 1 }));
    const churn = createChurn({ seed: 1, perMinute, writer });
    const { every, wind, running } = windUp();
    let made = 0;
    churn.start(every, () => {
      made += 1;
    });
    wind(30_000);
    assert.equal(made, Math.floor(perMinute / 2));
    wind(30_000.001);
    assert.equal(made, perMinute);
    churn.stop();
    assert.equal(running(), false);
    churn.stop();
  });
}

test("refuses to start twice and to change people at no pace", () => {
  const { tenant, churn } = churnOf(1, 1);
  const { every } = windUp();
  churn.start(every);
  assert.throws(() => churn.start(every), /started already/);
  assert.throws(() => createChurn({ seed: 1, perMinute: 0, writer: tenant }), /perMinute is 0/);
});
