import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ImportedSync } from "./import.ts";
import { fixture, imported, type Json, peopleIn } from "./testing/fixture.ts";

const ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const LEAVING = { outOfScope: "disable", disabled: "disable", softDeleted: "disable", deleted: "delete" };

function only(schema: unknown): ImportedSync {
  const sync = imported(schema).syncs.get("people");
  return sync ?? assert.fail("nothing was imported");
}

/** The fixture with one attribute mapping of people changed, or added. */
function withAttribute(target: string, change: Json): Json {
  const schema = fixture();
  const people = peopleIn(schema);
  const found = people.attributeMappings.find(({ targetAttributeName }) => targetAttributeName === target);
  if (found === undefined) people.attributeMappings.push({ targetAttributeName: target, ...change });
  else Object.assign(found, change);
  return schema;
}

function withPeople(change: Json): Json {
  const schema = fixture();
  Object.assign(peopleIn(schema), change);
  return schema;
}

/** The notes with this code, as `place in the object mapping: detail`. */
function notes(schema: unknown, code: string): readonly string[] {
  return imported(schema)
    .notes.filter((note) => note.code === code)
    .map(
      ({ place, detail }) => `${place.replace(/^synchronizationRules\[0\]\.objectMappings\[\d\]\.?/, "")}: ${detail}`,
    );
}

describe("the import of an Entra provisioning schema", () => {
  it("makes one sync of people and one of groups", () => {
    const { syncs } = imported(fixture());
    assert.deepEqual([...syncs.keys()], ["people", "people-groups"]);
    const keep = { whenEmpty: "keep" };
    assert.deepEqual(syncs.get("people-groups"), {
      connection: "contoso",
      target: "desk",
      records: "group",
      mapping: { displayName: { direct: "displayName", ...keep }, externalId: { direct: "id", ...keep } },
      matching: ["displayName"],
      operations: { create: true, update: true, remove: true },
      deprovision: LEAVING,
    });
    assert.deepEqual(syncs.get("people"), {
      connection: "contoso",
      target: "desk",
      records: "user",
      scope: {
        filters: [
          [
            { attribute: "country", operator: "EQUALS", value: "DE" },
            { attribute: "employeeId", operator: "IS NOT NULL" },
          ],
          [
            { attribute: "onPremisesSyncEnabled", operator: "IS TRUE" },
            { attribute: "userPrincipalName", operator: "NOT REGEX MATCH", value: "^svc-.*" },
            {
              attribute: "onPremisesExtensionAttributes.extensionAttribute4",
              operator: "Greater_Than",
              value: "100",
            },
          ],
        ],
      },
      mapping: {
        userName: { direct: "userPrincipalName", ...keep },
        displayName: { direct: "displayName", ...keep },
        title: { direct: "jobTitle", ...keep },
        'emails[type eq "work"].value': { direct: "mail", ...keep },
        preferredLanguage: { direct: "preferredLanguage", whenEmpty: "default", default: "en-US" },
        "name.givenName": { direct: "givenName", ...keep },
        "name.familyName": { direct: "surname", ...keep },
        "name.formatted": { expression: 'Join(" ", [givenName], [surname])', ...keep },
        'addresses[type eq "work"].streetAddress': { direct: "streetAddress", ...keep },
        'addresses[type eq "work"].locality': { direct: "city", ...keep },
        'addresses[type eq "work"].country': { direct: "country", ...keep },
        'phoneNumbers[type eq "work"].value': { direct: "businessPhones.0", ...keep },
        'phoneNumbers[type eq "mobile"].value': { direct: "mobilePhone", ...keep },
        'phoneNumbers[type eq "fax"].value': { direct: "faxNumber", ...keep },
        externalId: { direct: "id", ...keep },
        userType: { constant: "Employee" },
        timezone: { constant: "Europe/Berlin", apply: "create" },
        nickName: { direct: "mailNickname", ...keep, apply: "create" },
        [`${ENTERPRISE}:employeeNumber`]: { direct: "employeeId", ...keep },
        [`${ENTERPRISE}:department`]: { direct: "department", ...keep },
        [`${ENTERPRISE}:costCenter`]: { direct: "onPremisesExtensionAttributes.extensionAttribute4", ...keep },
        [`${ENTERPRISE}:manager`]: { direct: "manager", ...keep },
      },
      matching: ["externalId", "userName"],
      operations: { create: true, update: true, remove: true },
      deprovision: LEAVING,
    });
  });

  it("lists everything that is not as it was", () => {
    const codes = imported(fixture()).notes.map(({ code, place }) => `${code} ${place.split(".").slice(1).join(".")}`);
    assert.deepEqual(codes, [
      "mapping_disabled objectMappings[2]",
      "default_on_create objectMappings[1].attributeMappings[5]",
      "attribute_unknown objectMappings[1].attributeMappings[9]",
      "default_on_create objectMappings[1].attributeMappings[18]",
      "flow_unknown objectMappings[1].attributeMappings[20]",
      "attribute_unknown objectMappings[1].attributeMappings[24]",
      "deprovision objectMappings[1].attributeMappings[1]",
      "guest_names objectMappings[1]",
      "members objectMappings[0].attributeMappings[2]",
      "application_unknown ",
      "engine ",
    ]);
  });

  it("finds the target's attributes in any case, and by their full name", () => {
    const schema = withAttribute("title", { targetAttributeName: "urn:ietf:params:scim:schemas:core:2.0:User:Title" });
    assert.deepEqual(only(schema).mapping.title, { direct: "jobTitle", whenEmpty: "keep" });
    const mail = withAttribute('emails[type eq "work"].value', { targetAttributeName: 'emails[Type eq "work"].Value' });
    assert.deepEqual(notes(mail, "attribute_unknown").length, 2);
  });

  it("names an attribute that the target does not have, and what records are no longer matched by", () => {
    const schema = withAttribute("userNmae", { source: { name: "mail", type: "Attribute" }, matchingPriority: 3 });
    const note = imported(schema).notes.find(({ detail }) => detail.includes("userNmae"));
    assert.equal(note?.detail, "the target's user has no attribute userNmae; it was left out");
    assert.equal(note?.fix, 'Map another attribute, if the value is needed; did you mean "userName"?');
    assert.match(
      notes(schema, "matching_lost").join("\n"),
      /records are matched by userNmae, which is not mapped here/,
    );
  });

  it("takes no matching attribute that the target cannot search", () => {
    const schema = withAttribute("title", { matchingPriority: 4 });
    assert.deepEqual(only(schema).matching, ["externalId", "userName"]);
    assert.match(notes(schema, "matching_lost").join("\n"), /user cannot be found by title; it can by externalId/);
  });

  it("leaves out a source that nothing stands for", () => {
    const schema = withAttribute("title", { source: { name: "netId", type: "Attribute" } });
    assert.equal(only(schema).mapping.title, undefined);
    assert.match(notes(schema, "source_unknown").join("\n"), /title was left out: netId is Entra's own/);
  });

  it("takes the first of two mappings to one attribute", () => {
    const schema = fixture();
    peopleIn(schema).attributeMappings.push({
      targetAttributeName: "TITLE",
      source: { name: "city", type: "Attribute" },
    });
    assert.deepEqual(only(schema).mapping.title, { direct: "jobTitle", whenEmpty: "keep" });
    assert.match(notes(schema, "attribute_twice").join("\n"), /title is mapped twice/);
  });

  it("reads constants by their name or their expression, and functions by their expression alone", () => {
    const constant = (source: Json): unknown => only(withAttribute("userType", { source })).mapping.userType;
    assert.deepEqual(constant({ type: "Constant", name: "x" }), { constant: "x" });
    assert.deepEqual(constant({ type: "Constant", expression: '"a \\"b\\""' }), { constant: 'a "b"' });
    assert.equal(constant({ type: "Constant", name: "" }), undefined);
    assert.equal(constant({ type: "Function", name: "Join" }), undefined);
    assert.equal(constant({ type: "Lookup", name: "x" }), undefined);
    assert.deepEqual(constant({ expression: "[city]" }), { direct: "city", whenEmpty: "keep" });
  });

  it("comes as near as it can to the flow types that it does not have, and says so", () => {
    const flow = (flowType: string): unknown => only(withAttribute("title", { flowType })).mapping.title;
    assert.deepEqual(flow("AttributeAddOnly"), { direct: "jobTitle", whenEmpty: "keep", apply: "create" });
    assert.deepEqual(flow("ValueAddOnly"), { direct: "jobTitle", whenEmpty: "keep" });
    assert.equal(flow("MultiValueAddOnly"), undefined);
    for (const flowType of ["AttributeAddOnly", "ValueAddOnly", "MultiValueAddOnly"]) {
      assert.match(
        notes(withAttribute("title", { flowType }), "flow_unknown").join("\n"),
        new RegExp(`title.*${flowType}`),
      );
    }
  });

  it("keeps what it cannot say of a scope in the document, so that nobody slips in or out", () => {
    const scope = (...clauses: Json[]): Json => withPeople({ scope: { groups: [{ clauses }] } });
    const clause = (operatorName: string, values: unknown[], sourceOperandName = "city"): Json => ({
      operatorName,
      sourceOperandName,
      targetOperand: { values },
    });
    const filters = (schema: Json): unknown => only(schema).scope?.filters;
    const odd = scope(clause("SOUNDS LIKE", ["x"]));
    assert.deepEqual(filters(odd), [[{ attribute: "city", operator: "SOUNDS LIKE", value: "x" }]]);
    assert.match(
      notes(odd, "clause_kept").join("\n"),
      /scope\.groups\[0\]\.clauses\[0\]: there is no operator "SOUNDS LIKE"/,
    );
    const two = scope(clause("EQUALS", ["a", "b"]));
    assert.deepEqual(filters(two), [[{ attribute: "city", operator: "EQUALS" }]]);
    assert.match(notes(two, "clause_kept").join("\n"), /EQUALS has 2 values \(a, b\)/);
    assert.match(notes(scope(clause("EQUALS", [])), "clause_kept").join("\n"), /EQUALS has no value/);
    assert.match(notes(scope(clause("IS TRUE", [], "IsSoftDeleted")), "clause_kept").join("\n"), /IsSoftDeleted is no/);
    assert.deepEqual(filters(scope(clause("GREATER THAN", ["3"]), clause("is not null", [""]))), [
      [
        { attribute: "city", operator: "Greater_Than", value: "3" },
        { attribute: "city", operator: "IS NOT NULL" },
      ],
    ]);
  });

  it("joins input and category filters with the scope, for all of them must let somebody in", () => {
    const group = (...values: string[]): Json[] =>
      values.map((value) => ({
        clauses: [{ operatorName: "EQUALS", sourceOperandName: "city", targetOperand: { values: [value] } }],
      }));
    const scope = { groups: group("a", "b"), inputFilterGroups: group("c", "d"), categoryFilterGroups: null };
    const filters = only(withPeople({ scope })).scope?.filters;
    const said = filters?.map((filter) => filter.map(({ value }) => value).join("&"));
    assert.deepEqual(said, ["a&c", "a&d", "b&c", "b&d"]);
    assert.equal(notes(withPeople({ scope }), "filter_combined").length, 1);
    const many = { groups: group(...Array(40).fill("x")), inputFilterGroups: group(...Array(40).fill("y")) };
    assert.throws(() => only(withPeople({ scope: many })), /joins 40 filters with 40 more/);
  });

  it("leaves out filters without clauses, and takes none for everyone", () => {
    for (const scope of [null, {}, { groups: [] }, { groups: [{ clauses: [] }] }]) {
      assert.equal(only(withPeople({ scope })).scope, undefined);
    }
    assert.equal(notes(withPeople({ scope: { groups: [{ clauses: [] }] } }), "filter_empty").length, 1);
  });

  it("takes only who is assigned where it is told to", () => {
    const { syncs, notes: told } = imported(fixture(), { assigned: "0a5d9c11-1111-4222-8333-444455556666" });
    const assigned = { application: "0a5d9c11-1111-4222-8333-444455556666", transitive: false };
    assert.deepEqual(syncs.get("people-groups")?.scope, { assigned });
    assert.deepEqual(syncs.get("people")?.scope?.assigned, assigned);
    assert.ok(!told.some(({ code }) => code === "application_unknown"));
  });

  it("lets those who leave alone where Entra does", () => {
    const lifecycle = (schema: Json): unknown => {
      const { operations, deprovision } = only(schema);
      return [operations.remove, ...Object.values(deprovision)].join(" ");
    };
    const active = (source: Json | null): Json => withAttribute("active", { source });
    assert.equal(lifecycle(fixture()), "true disable disable disable delete");
    assert.equal(lifecycle(active({ name: "accountEnabled", type: "Attribute" })), "true ignore disable ignore delete");
    assert.equal(lifecycle(active({ name: "True", type: "Constant" })), "true ignore ignore ignore delete");
    assert.equal(lifecycle(withPeople({ flowTypes: "Add, Update" })), "true disable disable disable ignore");
    assert.equal(lifecycle(withPeople({ flowTypes: "Add" })), "false ignore ignore ignore ignore");
    const schema = fixture();
    const people = peopleIn(schema);
    people.attributeMappings = people.attributeMappings.filter(
      ({ targetAttributeName }) => targetAttributeName !== "active",
    );
    assert.equal(lifecycle(schema), "true ignore ignore ignore delete");
    assert.match(notes(schema, "deprovision").join("\n"), /no mapping reads IsSoftDeleted/);
  });

  it("leaves out nothing silently that reads who is soft-deleted", () => {
    const source = {
      type: "Function",
      name: "Switch",
      expression: 'Switch([IsSoftDeleted], [jobTitle], "True", "Left")',
    };
    const title = withAttribute("title", { source });
    assert.equal(only(title).mapping.title, undefined);
    assert.match(notes(title, "source_unknown").join("\n"), /title was left out: IsSoftDeleted is no attribute/);
    assert.deepEqual(notes(title, "deprovision"), notes(fixture(), "deprovision"));
    const suspended = withAttribute("suspended", { source: { type: "Attribute", name: "IsSoftDeleted" } });
    assert.equal(notes(suspended, "deprovision").length, 2);
    assert.match(notes(suspended, "deprovision").join("\n"), /suspended was left out beside active/);
    const schema = fixture();
    const rules = schema.synchronizationRules as { objectMappings: { attributeMappings: Json[] }[] }[];
    Object.assign(rules[0]?.objectMappings[0]?.attributeMappings[0] ?? {}, { source });
    assert.match(notes(schema, "source_unknown").join("\n"), /displayName was left out: IsSoftDeleted/);
    assert.match(notes(schema, "matching_lost").join("\n"), /displayName, which is not mapped here/);
  });

  it("carries every attribute mapping over or lists it", () => {
    const targets = ["userName", "TITLE", "title", "active", "suspended", "members", "manager", "externalId", ""];
    const names = ["mail", "IsSoftDeleted", "netId", "accountEnabled", "telephoneNumber", ""];
    const expressions = ["[mail]", "Not([IsSoftDeleted])", 'Join("", [city])', '"x"', ""];
    const source = fc.record({
      type: fc.constantFrom("Attribute", "Constant", "Function", "Other"),
      name: fc.constantFrom(...names),
      expression: fc.constantFrom(...expressions),
    });
    const mapping = fc.record({
      targetAttributeName: fc.constantFrom(...targets),
      source: fc.option(source),
      defaultValue: fc.option(fc.constantFrom("x", "")),
      flowType: fc.constantFrom("Always", "ObjectAddOnly", "AttributeAddOnly", "ValueAddOnly", "MultiValueAddOnly"),
      matchingPriority: fc.constantFrom(0, 1, 2),
    });
    fc.assert(
      fc.property(fc.array(mapping, { maxLength: 6 }), (attributeMappings) => {
        const { syncs, notes: told } = imported(withPeople({ attributeMappings }));
        const carried = Object.keys(syncs.get("people")?.mapping ?? {}).length;
        const places = told.map(({ place }) => place).filter((place) => /Mappings\[1\]\.attributeMappings/.test(place));
        const lost = told.filter(({ code, place, detail }) => {
          const isLost = /left out|taken|`deprovision`/.test(detail) || code === "deprovision";
          return places.includes(place) && isLost && code !== "matching_lost";
        });
        const unique = new Set(lost.map(({ place }) => place));
        assert.equal(carried + unique.size, attributeMappings.length, JSON.stringify(told, null, 1));
      }),
      { numRuns: 1000 },
    );
  });

  it("gives mappings for the same records names of their own, and says that they meet", () => {
    const schema = fixture();
    const rules = schema.synchronizationRules as { objectMappings: Json[] }[];
    rules[0]?.objectMappings.push({ ...peopleIn(schema), targetObjectName: "Contact" });
    const { syncs, notes: told } = imported(schema);
    assert.deepEqual([...syncs.keys()], ["people", "people-2", "people-groups"]);
    assert.ok(told.some(({ code, detail }) => code === "same_records" && detail.includes("people keeps it")));
  });

  it("imports the one rule that leads out of Entra, or the one that is named", () => {
    const schema = fixture();
    const [rule] = schema.synchronizationRules as Json[];
    const inbound = {
      ...rule,
      name: "IN",
      sourceDirectoryName: "Workday",
      targetDirectoryName: "Azure Active Directory",
    };
    const both = { ...schema, synchronizationRules: [inbound, rule] };
    assert.ok(imported(both).notes.some(({ code, detail }) => code === "rule_skipped" && detail.includes("IN")));
    const several = { ...schema, synchronizationRules: [rule, { ...rule, name: "SECOND" }] };
    assert.throws(() => imported(several), /several synchronization rules: .*USER_OUTBOUND_USER .*SECOND .*--rule/);
    assert.equal(imported(several, { rule: "second" }).syncs.size, 2);
    assert.throws(() => imported(several, { rule: "third" }), /There is no rule "third" in the schema; there are/);
    const back = { ...schema, synchronizationRules: [inbound] };
    assert.throws(
      () => imported(back),
      /brings people into Microsoft Entra ID: IN \(Workday → Azure Active Directory\)/,
    );
    assert.throws(() => imported(back, { rule: "IN" }), /brings people into/);
    assert.throws(() => imported({ synchronizationRules: [] }), /has no synchronization rule/);
    assert.throws(() => imported({ synchronizationRules: [{ name: "R" }] }), /has an object mapping: R/);
  });

  it("says why nothing can be imported", () => {
    const schema = fixture();
    const rules = schema.synchronizationRules as { objectMappings: Json[] }[];
    for (const mapping of rules[0]?.objectMappings ?? []) mapping.enabled = false;
    assert.throws(() => imported(schema), /Nothing of the rule USER_OUTBOUND_USER can be imported: .*is switched off/);
    assert.throws(() => imported(fixture(), { kinds: [] }), /the target takes no groups; .*the target takes no users/);
  });
});
