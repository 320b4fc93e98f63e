import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { ConnectorError, type Scope } from "@entrain/core";
import { parse } from "yaml";
import { readDocument } from "./read.ts";
import { renderDocument } from "./render.ts";
import { TYPES } from "./testing.ts";

const NOTHING = { connections: new Map(), targets: new Map(), syncs: new Map(), channels: new Map() };
const ID = "6f0c2f3e-1111-4222-8333-444455556666";

function document(scope: string, more = "records: requester"): string {
  return `
connections:
  contoso: { cloud: global, tenant: ${ID}, client: ${ID}, credential: { kind: secret, secret: { env: S } } }
targets:
  portal: { type: portal }
syncs:
  people: { connection: contoso, target: portal, ${more}, scope: ${scope} }`;
}

const read = (text: string) => readDocument(text, { name: "test.yaml", types: TYPES, current: NOTHING });

/** Read, rendered and read again: what is exported must mean the same. */
function scopeOf(scope: string): Scope | undefined {
  const { connections, targets, syncs, channels } = read(document(scope));
  if (connections === null || targets === null || syncs === null) assert.fail("a section is missing");
  const text = renderDocument({ connections, targets, syncs, channels: channels ?? new Map() });
  const once = syncs.get("people")?.scope;
  assert.deepEqual(read(text).syncs?.get("people")?.scope, once);
  return once;
}

function flawOf(scope: string, more?: string): string {
  try {
    read(document(scope, more));
  } catch (error) {
    assert.ok(error instanceof ConnectorError, String(error));
    assert.equal(error.code, "config_invalid");
    return error.message;
  }
  return "no flaw";
}

describe("the scope of a configuration", () => {
  it("takes groups to include and to exclude, nested ones for both lists, for neither or for each", () => {
    assert.deepEqual(scopeOf("{ groups: { exclude: [Contractors] } }"), {
      groups: { exclude: ["Contractors"], transitive: true },
    });
    assert.deepEqual(
      scopeOf("{ groups: { include: [A], exclude: [B], transitive: false } }")?.groups?.transitive,
      false,
    );
    assert.deepEqual(scopeOf("{ groups: { include: [A], exclude: [B], transitive: { exclude: false } } }"), {
      groups: { include: ["A"], exclude: ["B"], transitive: { include: true, exclude: false } },
    });
    assert.match(flawOf("{ groups: { transitive: true } }"), /people\.scope\.groups: name at least one group/);
    assert.match(flawOf("{ groups: { exclude: [] } }"), /scope\.groups\.exclude: name at least one group/);
    assert.match(flawOf("{ groups: { include: [A], transitive: some } }"), /groups\.transitive: must be true or false/);
    assert.match(flawOf("{ groups: { includ: [A] } }"), /groups\.includ: .*did you mean "include"\?/);
  });

  it("takes choices of accounts and people by themselves", () => {
    const scope = {
      people: { include: ["ana@contoso.com"], exclude: [ID] },
      guests: "exclude",
      disabled: "exclude",
      licensed: ["SPE_E3"],
      peopleOnly: true,
    } as const;
    assert.deepEqual(scopeOf(JSON.stringify(scope)), scope);
    assert.deepEqual(scopeOf("{ licensed: true }"), { licensed: true });
  });

  it("names the place of every flaw", () => {
    const flaws: readonly (readonly [scope: string, said: RegExp])[] = [
      ["{ guests: none }", /people\.scope\.guests: must be one of include, exclude, only, not "none"/],
      ["{ disabled: only }", /scope\.disabled: must be one of include, exclude/],
      ["{ licensed: false }", /scope\.licensed: must be true, or a list/],
      ["{ licensed: [] }", /scope\.licensed: must be true, or name a licence/],
      ["{ peopleOnly: yes please }", /scope\.peopleOnly: must be true or false/],
      ["{ people: { include: [Ana] } }", /scope\.people\.include\[0\]: name people by object id or user principal/],
      ["{ people: {} }", /scope\.people: name at least one person/],
      ["{ guest: only }", /scope\.guest: .*did you mean "guests"\?/],
      [filter("manager.departmnt", "IS NULL"), /filters\[0\]\[0\]\.attribute: .*did you mean "department"\?/],
      [filter("manager.manager", "IS NULL"), /a manager's own manager is not read/],
      [filter("manager", "Includes", "x"), /filters\[0\]\[0\]: the manager is compared by EQUALS/],
      [filter("assignedLicenses.sku", "IS NULL"), /assignedLicenses holds nothing named sku/],
      [filter("businessPhones.number", "IS NULL"), /businessPhones is a list: write businessPhones\.0/],
      [filter("extensionAttribute16", "IS NULL"), /Graph's person has no attribute extensionAttribute16/],
      [filter("manager.netId", "IS NULL"), /attribute: netId is Entra's own/],
      [filter("appRoleAssignments", "Includes", "Admin"), /attribute: appRoles needs a scope of who is assigned/],
      ["{ filters: [] }", /scope\.filters: write no filters at all for everyone, or at least one filter/],
      ["{ filters: [[]] }", /scope\.filters\[0\]: a filter without clauses would let everyone in/],
      [filter("IsSoftDeleted", "IS TRUE"), /attribute: IsSoftDeleted is no attribute of a person: Entra computes it/],
      [filter("appRoles", "Includes", "Admin"), /attribute: appRoles needs a scope of who is assigned/],
      [filter("employeeHireDate", "Greater_Than", "now-30d"), /filters\[0\]\[0\]: .*a moment that moves/],
    ];
    for (const [scope, said] of flaws) assert.match(flawOf(scope), said);
  });

  it("takes filters on managers, inside lists, and on bits", () => {
    const filters = [
      filter("manager.employeeOrgData.costCenter", "EQUALS", "4711"),
      filter("manager", "EQUALS", "ana@contoso.com"),
      filter("assignedLicenses.skuId", "EQUALS", ID),
      filter("proxyAddresses", "ENDS_WITH", "@contoso.com"),
      filter("employeeId", "!&", "2"),
      filter("employeeHireDate", "Greater_Than_OR_EQUALS", "2026-01-31"),
    ];
    for (const scope of filters) assert.equal(flawOf(scope), "no flaw", scope);
  });

  it("takes Entra's names of attributes, and gives back the ones that were written", () => {
    for (const name of ["objectId", "mobile", "TelephoneNumber", "manager.mobile", "extensionAttribute1", "userType"]) {
      const scope = scopeOf(filter(name, "EQUALS", "x"));
      assert.deepEqual(scope?.filters, [[{ attribute: name, operator: "EQUALS", value: "x" }]]);
    }
    const groups = flawOf(filter("mobile", "IS NULL"), "records: group");
    assert.match(groups, /Graph's group has no attribute mobilePhone; only a person has it/);
  });

  it("asks of groups and contacts nothing that only people have", () => {
    assert.match(flawOf("{ guests: exclude }", "records: group"), /scope\.guests: only people have .* about groups/);
    const contacts = flawOf("{ peopleOnly: true }", "records: requester, source: contact");
    assert.match(contacts, /scope\.peopleOnly: only people have .* about contacts/);
    assert.match(flawOf(filter("manager", "IS NULL"), "records: group"), /Graph's group has no attribute manager/);
  });
});

function filter(attribute: string, operator: string, value?: string): string {
  return JSON.stringify({ filters: [[{ attribute, operator, ...(value === undefined ? {} : { value }) }]] });
}

describe("the page about scopes", () => {
  it("shows nothing that a configuration would refuse", () => {
    const page = readFileSync(new URL("../../../../docs/scope.md", import.meta.url), "utf8");
    const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
    assert.ok(examples.length > 2);
    for (const example of examples) {
      const { scope } = parse(example) as { readonly scope: Scope };
      assert.equal(flawOf(JSON.stringify(scope)), "no flaw", example);
    }
  });
});
