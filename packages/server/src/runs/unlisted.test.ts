import assert from "node:assert/strict";
import { test } from "node:test";
import { compileScope, type DirectoryRecord, type Scope, type ScopeClause } from "@entrain/core";
import { type ScopeGroups, withAppRoles } from "./scope-groups.ts";
import { asFarAsListed } from "./unlisted.ts";

const APPLICATION = "33333333-3333-4333-8333-333333333333";
const admins = { id: "admins", reach: new Set(["admins"]) };
const readers = { id: "readers", reach: new Set(["readers"]) };
const roles = new Map([
  ["admins", ["Desk.Admin"]],
  ["readers", ["Desk.Read", "Desk.Print"]],
  ["ana", ["Desk.Own"]],
]);
const groups: ScopeGroups = {
  lists: { include: new Map(), exclude: new Map() },
  reach: new Set(["admins", "readers"]),
  touched: new Set(),
  renamed: false,
  assigned: { reach: new Set(["admins", "readers"]), roles, groups: [admins, readers] },
};
const joiner: DirectoryRecord = {
  kind: "user",
  id: "joiner",
  attributes: { displayName: "Joiner", department: "Sales", accountEnabled: true },
  manager: "boss",
  removed: null,
};

const role = (operator: ScopeClause["operator"], value?: string): ScopeClause => ({
  attribute: "appRoles",
  operator,
  ...(value === undefined ? {} : { value }),
});
const sales = (value: string): ScopeClause => ({ attribute: "department", operator: "EQUALS", value });

/** How somebody whom no list shows yet is decided. */
function decided(filters: NonNullable<Scope["filters"]>): ReturnType<typeof asFarAsListed> {
  const compiled = compileScope({ assigned: { application: APPLICATION, transitive: true }, filters });
  assert.ok("scope" in compiled, JSON.stringify(compiled));
  return asFarAsListed(compiled.scope, withAppRoles(joiner, groups, undefined), groups, undefined);
}

for (const [what, filter] of Object.entries({
  "a role that a group gives": [role("EQUALS", "Desk.Admin")],
  "two roles of different groups": [role("EQUALS", "Desk.Admin"), role("EQUALS", "Desk.Read")],
  "a role that is assigned to people": [role("EQUALS", "Desk.Own")],
  "any role": [role("IS NOT NULL")],
  "no role": [role("IS NULL")],
  "not a certain role": [role("NOT EQUALS", "Desk.Admin"), role("IS NOT NULL")],
  "one role without another": [role("EQUALS", "Desk.Admin"), role("NOT EQUALS", "Desk.Read")],
  "a department and a role": [sales("Sales"), role("EQUALS", "Desk.Print")],
  "a department and the manager's": [
    sales("Sales"),
    { attribute: "manager.department", operator: "EQUALS", value: "Sales" } as const,
  ],
})) {
  test(`who is listed nowhere yet does not leave a scope of ${what} by that`, () => {
    assert.deepEqual([decided([filter]).in, decided([filter]).untold], [false, true]);
  });
}

test("who is listed nowhere yet leaves a scope that no role would let them into", () => {
  for (const filter of [[sales("Legal"), role("EQUALS", "Desk.Admin")], [role("EQUALS", "Desk.Unknown")]]) {
    assert.deepEqual([decided([filter]).in, decided([filter]).untold], [false, undefined]);
  }
});
