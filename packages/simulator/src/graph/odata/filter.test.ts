import assert from "node:assert/strict";
import { test } from "node:test";
import { GraphError } from "../request.ts";
import { compileFilter } from "./filter.ts";
import { compileSearch } from "./search.ts";

const RECORD = {
  id: "7d54cb02-aaa3-4016-9f9c-a4b49422dd9b",
  properties: {
    displayName: "Siobhán O'Brien",
    mail: "siobhan.obrien@contoso.com",
    userPrincipalName: "siobhan.obrien@contoso.com",
    accountEnabled: true,
    createdDateTime: "2024-03-01T10:00:00Z",
    department: "Sales",
    proxyAddresses: ["SMTP:siobhan.obrien@contoso.com", "smtp:so@contoso.com"],
    assignedLicenses: [{ skuId: "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46", disabledPlans: [] }],
    identities: [{ issuer: "contoso.onmicrosoft.com", issuerAssignedId: "j.smith@yahoo.com" }],
    onPremisesExtensionAttributes: { extensionAttribute1: "blue" },
  },
};

const CASES: readonly (readonly [filter: string, matches: boolean, advanced: boolean])[] = [
  ["accountEnabled eq true", true, false],
  ["accountEnabled ne true", false, true],
  ["displayName eq 'siobhán o''brien'", true, false],
  ["department in ('Legal', 'Sales')", true, false],
  ["department in ('Legal')", false, false],
  ["startswith(displayName,'Sio')", true, false],
  ["endswith(mail,'@contoso.com')", true, true],
  ["endsWith(mail, '@fabrikam.com')", false, true],
  ["not startswith(displayName,'A')", true, true],
  ["not(department eq 'Sales')", false, true],
  ["department eq 'Sales' and accountEnabled eq false", false, false],
  ["department eq 'Legal' or department eq 'Sales' and accountEnabled eq true", true, false],
  ["(department eq 'Legal' or department eq 'Sales') and accountEnabled eq false", false, false],
  ["employeeId eq null", true, false],
  ["employeeId ne null", false, true],
  ["createdDateTime ge 2024-01-01T00:00:00Z", true, false],
  ["createdDateTime le 2024-01-01T00:00:00Z", false, false],
  ["proxyAddresses/any(p:p eq 'smtp:SO@contoso.com')", true, false],
  ["proxyAddresses/any(p:startswith(p,'smtp:so'))", true, false],
  ["proxyAddresses/any(p:endswith(p,'@fabrikam.com'))", false, true],
  ["assignedLicenses/any(u:u/skuId eq cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46)", true, false],
  ["assignedLicenses/$count eq 0", false, true],
  ["assignedLicenses/$count ne 0", true, true],
  [
    "identities/any(c:c/issuerAssignedId eq 'j.smith@yahoo.com' and c/issuer eq 'contoso.onmicrosoft.com')",
    true,
    false,
  ],
  ["onPremisesExtensionAttributes/extensionAttribute1 eq 'Blue'", true, false],
  ["id eq '7d54cb02-aaa3-4016-9f9c-a4b49422dd9b'", true, false],
];

for (const [filter, matches, advanced] of CASES) {
  test(`${filter} ${matches ? "matches" : "does not match"}${advanced ? ", as an advanced query" : ""}`, () => {
    const compiled = compileFilter("user", filter);
    assert.equal(compiled.matches(RECORD), matches);
    assert.equal(compiled.advanced, advanced);
  });
}

const REFUSED: readonly (readonly [filter: string, code: string])[] = [
  ["shoeSize eq '42'", "BadRequest"],
  ["displayName eq", "BadRequest"],
  ["displayName eq 'open", "BadRequest"],
  ["accountEnabled eq 'true'", "BadRequest"],
  ["displayName eq 'a' extra", "BadRequest"],
  ["contains(displayName,'a')", "Request_UnsupportedQuery"],
  ["createdDateTime gt 2024-01-01T00:00:00Z", "Request_UnsupportedQuery"],
  ["proxyAddresses eq 'a'", "Request_UnsupportedQuery"],
  ["assignedLicenses/$count eq 2", "Request_UnsupportedQuery"],
];

for (const [filter, code] of REFUSED) {
  test(`refuses ${filter} with ${code}`, () => {
    assert.throws(
      () => compileFilter("user", filter),
      (error) => error instanceof GraphError && error.status === 400 && error.code === code,
    );
  });
}

test("a filter on ids or user names says which, so that an index can answer", () => {
  assert.deepEqual(compileFilter("user", "id eq 'a' or userPrincipalName eq 'b'").keys, ["a", "b"]);
  assert.deepEqual(compileFilter("user", "id in ('a','b') and accountEnabled eq true").keys, ["a", "b"]);
  assert.equal(compileFilter("user", "id eq 'a' or accountEnabled eq true").keys, null);
  assert.equal(compileFilter("user", "not(id eq 'a')").keys, null);
});

test("searches words of a display name, prefixes of other properties, with AND and OR", () => {
  const found = (text: string): boolean => compileSearch("user", text)(RECORD);
  assert.equal(found('"displayName:brien"'), true);
  assert.equal(found('"displayName:rien"'), false);
  assert.equal(found('"mail:siobhan"'), true);
  assert.equal(found('"mail:contoso"'), false);
  assert.equal(found('"displayName:nobody" OR "mail:siobhan"'), true);
  assert.equal(found('"displayName:nobody" AND "mail:siobhan"'), false);
  assert.equal(found('("displayName:nobody" OR "displayName:brien") AND "proxyAddresses:smtp:so"'), true);
  assert.throws(() => compileSearch("user", "displayName:a"), GraphError);
  assert.throws(() => compileSearch("user", '"shoeSize:42"'), GraphError);
});
