import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DirectoryRecord } from "../model/record.ts";
import type { Scope } from "../model/sync.ts";
import type { Attributes } from "../model/value.ts";
import type { ScopeDecision } from "./decision.ts";
import { compileScope } from "./scope.ts";

const ANA = "11111111-1111-4111-8111-111111111111";
const E3 = "05e9a617-0261-4cee-bb44-138d3ef5d965";
const E5 = "06ebc4ee-1bb5-47dd-8120-11324bc54e06";

function person(attributes: Attributes, id = ANA): DirectoryRecord {
  return { kind: "user", id, attributes, manager: null, removed: null };
}

function decide(scope: Scope, attributes: Attributes, groups: readonly string[] = []): ScopeDecision {
  const compiled = compileScope(scope);
  if ("findings" in compiled) assert.fail(JSON.stringify(compiled.findings));
  return compiled.scope.decide(person(attributes), (group) => groups.includes(group));
}

function attributesOf(scope: Scope): readonly string[] {
  const compiled = compileScope(scope);
  return "scope" in compiled ? compiled.scope.attributes : [];
}

function flaws(scope: Scope): readonly string[] {
  const compiled = compileScope(scope);
  return "findings" in compiled ? compiled.findings.map(({ detail }) => detail) : [];
}

describe("choices of accounts", () => {
  it("leave guests out, or take nobody else", () => {
    const guest = { userType: "Guest" };
    const member = { userType: "Member", userPrincipalName: "ana_fabrikam.com#EXT#@contoso.com" };
    assert.deepEqual(decide({ guests: "exclude" }, guest), { in: false, reason: "a guest" });
    assert.deepEqual(decide({ guests: "exclude" }, member), { in: true, reason: "not a guest" });
    assert.deepEqual(decide({ guests: "only" }, guest), { in: true, reason: "a guest" });
    assert.deepEqual(decide({ guests: "only" }, member), { in: false, reason: "not a guest" });
    assert.equal(decide({ guests: "include" }, guest).in, true);
    const old = { userType: null, userPrincipalName: "ana_fabrikam.com#ext#@contoso.com" };
    assert.equal(decide({ guests: "only" }, old).in, true);
    assert.equal(decide({ guests: "only" }, { userType: null, userPrincipalName: "ana@contoso.com" }).in, false);
  });

  it("leave disabled accounts out, and none whose state is unknown", () => {
    assert.deepEqual(decide({ disabled: "exclude" }, { accountEnabled: false }), {
      in: false,
      reason: "the account is disabled",
    });
    for (const accountEnabled of [true, null])
      assert.equal(decide({ disabled: "exclude" }, { accountEnabled }).in, true);
    assert.equal(decide({ disabled: "include" }, { accountEnabled: false }).in, true);
  });

  it("take who has any licence, or one of those named by id or part number", () => {
    const held = { assignedLicenses: [{ skuId: E3, disabledPlans: [] }], licences: ["SPE_E3"] };
    assert.deepEqual(decide({ licensed: true }, held), { in: true, reason: "licensed" });
    assert.deepEqual(decide({ licensed: true }, { assignedLicenses: [] }), { in: false, reason: "without a licence" });
    assert.equal(decide({ licensed: [E3.toUpperCase()] }, held).in, true);
    assert.equal(decide({ licensed: ["spe_e3"] }, held).in, true);
    assert.deepEqual(decide({ licensed: [E5, "SPE_E5"] }, held), {
      in: false,
      reason: `not licensed with ${E5} or SPE_E5`,
    });
    assert.deepEqual(attributesOf({ licensed: true }), ["assignedLicenses"]);
    assert.deepEqual(attributesOf({ licensed: ["SPE_E3"] }), ["licences"]);
    assert.deepEqual(attributesOf({ licensed: [E5, "SPE_E3"] }), ["assignedLicenses", "licences"]);
  });

  it("tell people from mailboxes, rooms and services by what only people are given", () => {
    const room = { displayName: "HAM Elbe (6)", mail: "ham.elbe@contoso.com", accountEnabled: false };
    const reason =
      "not a person but a shared mailbox, room or service account, by having none of givenName, surname, jobTitle, employeeId, employeeHireDate";
    assert.deepEqual(decide({ peopleOnly: true }, { ...room, givenName: null, surname: "" }), { in: false, reason });
    for (const name of ["givenName", "surname", "jobTitle", "employeeId", "employeeHireDate"]) {
      assert.equal(decide({ peopleOnly: true }, { ...room, [name]: "x" }).in, true, name);
    }
    assert.equal(decide({ peopleOnly: true }, { ...room, userType: "Guest" }).in, true);
    assert.equal(decide({ peopleOnly: false }, room).in, true);
  });

  it("stand beside groups and filters", () => {
    const scope: Scope = {
      guests: "exclude",
      peopleOnly: true,
      filters: [[{ attribute: "department", operator: "EQUALS", value: "Sales" }]],
    };
    assert.deepEqual(decide(scope, { department: "Sales", surname: "Ortiz" }), {
      in: true,
      reason: "not a guest and a person and department is Sales",
    });
    assert.equal(decide(scope, { department: "Legal", surname: "Ortiz" }).in, false);
    assert.equal(decide(scope, { department: "Sales", surname: "Ortiz", userType: "Guest" }).in, false);
  });

  it("name the place of every flaw", () => {
    const scope = { guests: "none", disabled: "only", licensed: [] } as unknown as Scope;
    assert.deepEqual(
      flaws(scope).map((detail) => detail.split(":")[0]),
      ["scope.guests", "scope.disabled", "scope.licensed"],
    );
  });
});

describe("groups that a scope excludes", () => {
  it("leave out who is also in an included one, and say which", () => {
    const groups = { include: ["Staff"], exclude: ["Contractors", "Leavers"], transitive: true };
    assert.deepEqual(decide({ groups }, {}, ["Staff", "Leavers"]), {
      in: false,
      reason: "member of Leavers, which is excluded",
    });
    assert.deepEqual(decide({ groups }, {}, ["Staff"]), {
      in: true,
      reason: "not a member of Contractors or Leavers and member of Staff",
    });
    assert.deepEqual(decide({ groups }, {}), { in: false, reason: "not a member of Staff" });
  });

  it("may stand alone", () => {
    const groups = { exclude: ["Contractors"], transitive: false };
    assert.equal(decide({ groups }, {}).in, true);
    assert.equal(decide({ groups }, {}, ["Contractors"]).in, false);
    assert.match(flaws({ groups: { transitive: true } })[0] ?? "", /^scope\.groups: name at least one/);
    assert.match(flaws({ groups: { exclude: [], transitive: true } })[0] ?? "", /^scope\.groups\.exclude: /);
  });
});

describe("people whom a scope names", () => {
  const filters = [[{ attribute: "department", operator: "EQUALS", value: "Sales" } as const]];
  const named = "named among the people whom the scope includes";

  it("are in or out whatever groups, filters and choices say", () => {
    const scope: Scope = {
      groups: { exclude: ["Contractors"], transitive: true },
      filters,
      guests: "exclude",
      people: { include: ["Ana@Contoso.com"], exclude: ["bo@contoso.com"] },
    };
    const ana = { userPrincipalName: "ana@contoso.com", department: "Legal", userType: "Guest" };
    assert.deepEqual(decide(scope, ana, ["Contractors"]), { in: true, reason: named });
    assert.deepEqual(decide(scope, { userPrincipalName: "BO@contoso.com", department: "Sales" }), {
      in: false,
      reason: "named among the people whom the scope excludes",
    });
    assert.equal(decide(scope, { userPrincipalName: "cy@contoso.com", department: "Sales" }).in, true);
    assert.deepEqual(attributesOf(scope), ["department", "userPrincipalName", "userType"]);
  });

  it("are out when both lists name them", () => {
    assert.equal(decide({ people: { include: [ANA], exclude: ["ana@contoso.com"] } }, {}).in, true);
    const both = { people: { include: [ANA], exclude: ["ana@contoso.com"] } };
    assert.equal(decide(both, { userPrincipalName: "ana@contoso.com" }).in, false);
  });

  it("are everybody in scope where nothing else takes anybody in", () => {
    const pilot: Scope = { people: { include: [ANA.toUpperCase()] }, guests: "exclude" };
    assert.deepEqual(decide(pilot, {}), { in: true, reason: named });
    const compiled = compileScope(pilot);
    if ("findings" in compiled) assert.fail();
    assert.deepEqual(
      compiled.scope.decide(person({}, "another"), () => false),
      {
        in: false,
        reason: "not among the people whom the scope includes",
      },
    );
    assert.equal(decide({ people: { exclude: ["bo@contoso.com"] } }, {}).in, true);
  });

  it("are named by object id or user principal name", () => {
    assert.match(flaws({ people: { include: ["Ana"] } })[0] ?? "", /^scope\.people\.include\[0\]: .*not "Ana"/);
    assert.match(flaws({ people: {} })[0] ?? "", /^scope\.people: name at least one/);
  });
});
