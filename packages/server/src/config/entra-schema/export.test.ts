import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULTS, type SyncDefinition, type TargetKind } from "@entrain/core";
import fc from "fast-check";
import { exportEntraSchema, type WrittenAttribute, type WrittenSchema } from "./export.ts";
import type { ImportedSync } from "./import.ts";
import { putIntoSchema } from "./into.ts";
import { fixture, imported, type Json, peopleIn, scimKinds } from "./testing/fixture.ts";

function kindNamed(name: string): TargetKind {
  return scimKinds().find((kind) => kind.name === name) ?? assert.fail(name);
}

const USER = kindNamed("user");

/** What the store would hold of an imported sync. */
function definition({ scope, ...rest }: ImportedSync): SyncDefinition {
  const { guard, schedule } = DEFAULTS;
  return { guard, schedule, ...rest, scope: (scope ?? {}) as SyncDefinition["scope"] };
}

const SYNC: SyncDefinition = {
  ...DEFAULTS,
  records: "user",
  mapping: { userName: { direct: "userPrincipalName", whenEmpty: "keep" } },
  matching: ["userName"],
};

function exported(sync: Partial<SyncDefinition>): ReturnType<typeof exportEntraSchema> {
  const definition = { ...SYNC, ...sync };
  return exportEntraSchema(definition, { target: "desk", type: "scim", kind: kindNamed(definition.records) });
}

/** The notes of an export as `code place`. */
function lost(sync: Partial<SyncDefinition>): readonly string[] {
  const { userName: _userName, ...mapping } = SYNC.mapping;
  return exported({ mapping, ...sync }).notes.map(({ code, place }) => `${code} ${place}`);
}

function attributes({ synchronizationRules }: WrittenSchema): readonly WrittenAttribute[] {
  return synchronizationRules[0]?.objectMappings[0]?.attributeMappings ?? [];
}

function again(sync: Partial<SyncDefinition>): SyncDefinition {
  const [found] = imported(exported(sync).schema).syncs.values();
  const {
    connection: _connection,
    target: _target,
    ...rest
  } = definition(found ?? assert.fail()) as Json & SyncDefinition;
  return rest as SyncDefinition;
}

const SOURCES = [
  "mail",
  "id",
  "businessPhones.0",
  "mobilePhone",
  "faxNumber",
  "officeLocation",
  "onPremisesSyncEnabled",
];
const EXTENSIONS = [
  "onPremisesExtensionAttributes.extensionAttribute9",
  "extension_0123456789abcdef0123456789abcdef_a",
];
const TEXTS = USER.attributes
  .filter(({ type, name }) => type === "string" && name !== "userName")
  .map(({ name }) => name);
const EXPRESSIONS = [
  'Join(" ", [givenName], [surname])',
  "ToUpper([mailNickname])",
  'Replace([mail], , "@.*", , "", , )',
];

const written = fc.string({ minLength: 1, maxLength: 8 }).filter((text) => text.trim() !== "");
const source = fc.constantFrom(...SOURCES, ...EXTENSIONS, "department", "userPrincipalName");
const onCreate = fc.constantFrom({}, { apply: "create" as const });
const kept = fc.constant({ whenEmpty: "keep" as const });
const fallback = written.map((text) => ({ whenEmpty: "default" as const, default: text }));
const way = fc.oneof(
  source.map((direct) => ({ direct })),
  fc.constantFrom(...EXPRESSIONS).map((expression) => ({ expression })),
);
const rule = fc.oneof(
  fc.tuple(way, fc.oneof(kept, fallback), onCreate).map(([one, empty, apply]) => ({ ...one, ...empty, ...apply })),
  fc.tuple(written, onCreate).map(([constant, apply]) => ({ constant, ...apply })),
);
const clause = fc.oneof(
  fc.record({ attribute: source, operator: fc.constantFrom("IS NULL", "IS NOT NULL", "IS TRUE", "IS FALSE") }),
  fc.record({
    attribute: source,
    operator: fc.constantFrom("EQUALS", "NOT EQUALS", "REGEX MATCH", "Greater_Than", "Includes", "ENDS_WITH"),
    value: written,
  }),
);
const filters = fc.array(fc.array(clause, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 });
const leaving = fc.constantFrom(
  ["disable", "disable", "disable"],
  ["ignore", "disable", "ignore"],
  ["ignore", "ignore", "ignore"],
);
const sync = fc
  .record({
    mapping: fc.dictionary(fc.constantFrom(...TEXTS), rule, { maxKeys: 8 }),
    matching: fc.constantFrom(["userName"], ["externalId", "userName"], ["userName", "externalId"]),
    scope: fc.option(filters, { nil: undefined }),
    create: fc.boolean(),
    leaving,
    deleted: fc.constantFrom("delete", "ignore"),
  })
  .map(({ mapping, matching, scope, create, leaving: [outOfScope, disabled, softDeleted], deleted }) => {
    const deprovision = { outOfScope, disabled, softDeleted, deleted };
    const remove = Object.values(deprovision).some((verb) => verb !== "ignore");
    // A copy, for what is generated has no prototype.
    return structuredClone({
      ...SYNC,
      scope: scope === undefined ? {} : { filters: scope },
      mapping: { ...SYNC.mapping, externalId: { direct: "id", whenEmpty: "keep" }, ...mapping },
      matching,
      operations: { create, update: true, remove },
      deprovision,
    }) as SyncDefinition;
  });

describe("the export as an Entra provisioning schema", () => {
  it("says what it was imported from, so that importing it again gives the same syncs", () => {
    for (const [name, first] of imported(fixture()).syncs) {
      const options = { target: "desk", type: "scim", kind: kindNamed(first.records) };
      const { schema } = exportEntraSchema(definition(first), options);
      assert.deepEqual(imported(schema, { name }).syncs.get(name), first);
    }
  });

  it("gives back every sync of one's own that Entra could have", () => {
    fc.assert(
      fc.property(sync, (given) => {
        assert.deepEqual(again(given), given);
        const notes = exported(given).notes.filter(({ code }) => !["default_on_create", "guest_names"].includes(code));
        assert.deepEqual(notes, []);
      }),
      { numRuns: 500 },
    );
  });

  it("writes Entra's names, the order of matching and what disables", () => {
    const { schema } = exported({
      mapping: { ...SYNC.mapping, title: { direct: "businessPhones.0", whenEmpty: "keep", apply: "create" } },
      matching: ["userName"],
    });
    const [rule] = schema.synchronizationRules;
    assert.equal(rule?.objectMappings[0]?.flowTypes, "Add, Update, Delete");
    assert.equal(rule?.objectMappings[0]?.scope, null);
    const said = attributes(schema).map(({ targetAttributeName, source: { expression }, flowType, matchingPriority }) =>
      [targetAttributeName, expression, flowType, matchingPriority].join(" | "),
    );
    assert.deepEqual(said, [
      "userName | [userPrincipalName] | Always | 1",
      "title | [telephoneNumber] | ObjectAddOnly | 0",
      'active | Switch([IsSoftDeleted], , "False", "True", "True", "False") | Always | 0',
    ]);
  });

  it("lists what Entra has no place for", () => {
    const mapping = (rule: unknown): Partial<SyncDefinition> => ({
      mapping: { title: rule } as SyncDefinition["mapping"],
    });
    assert.deepEqual(lost({ mapping: SYNC.mapping }), ["guest_names mapping"]);
    assert.deepEqual(lost(mapping({ direct: "jobTitle" })), ["clearing mapping"]);
    const two = { mapping: { title: { direct: "jobTitle" }, userType: { direct: "userType" } } };
    const [clearing, ...others] = exported(two).notes;
    assert.deepEqual([clearing?.place, others], ["mapping", []]);
    assert.match(clearing?.detail ?? "", /^Entra never clears a value: .* for title, userType$/);
    assert.deepEqual(lost(mapping({ direct: "jobTitle", default: "x" })), ["default_on_create mapping.title.default"]);
    assert.deepEqual(lost(mapping({ direct: "licences.0", whenEmpty: "keep" })), [
      "source_unknown mapping.title.direct",
    ]);
    assert.deepEqual(lost(mapping({ direct: "mail", whenEmpty: "keep", sensitive: true })), [
      "sensitive mapping.title",
    ]);
    assert.deepEqual(lost(mapping({ constant: ["x"] })), ["value_lost mapping.title.constant"]);
    const matching = [{ attribute: "userName", expression: "[mail]" }];
    assert.deepEqual(lost({ matching }), ["matching_lost matching.userName"]);
    const groups = { include: ["Sales"], transitive: true };
    assert.deepEqual(lost({ scope: { groups } }), ["scope_lost scope.groups"]);
    const since = (value: string): readonly string[] =>
      lost({ scope: { filters: [[{ attribute: "mobile", operator: "Greater_Than", value }]] } });
    assert.deepEqual(since("today-30"), ["value_lost scope.filters[0][0].value"]);
    assert.deepEqual(since("2026-01-31"), []);
    const verbs = { outOfScope: "delete", disabled: "ignore", softDeleted: "disable", deleted: "disable" } as const;
    assert.equal(lost({ deprovision: verbs }).length, 3);
    assert.equal(lost({ operations: { create: true, update: false, remove: true } }).length, 1);
  });

  it("writes groups with their members", () => {
    const mapping = { displayName: { direct: "displayName", whenEmpty: "keep" } } as const;
    const { schema } = exported({ records: "group", mapping, matching: ["displayName"] });
    assert.deepEqual(
      attributes(schema).map(({ targetAttributeName }) => targetAttributeName),
      ["displayName", "members"],
    );
    assert.equal(schema.synchronizationRules[0]?.objectMappings[0]?.sourceObjectName, "Group");
  });
});

describe("the export into a schema of the job", () => {
  it("changes nothing in a schema that says the same already", () => {
    const given = fixture();
    let schema: Json = given;
    for (const first of imported(given).syncs.values()) {
      const kind = kindNamed(first.records);
      const written = exportEntraSchema(definition(first), { target: "desk", type: "scim", kind });
      schema = putIntoSchema(schema, written.schema, kind);
    }
    assert.deepEqual(imported(schema).syncs, imported(given).syncs);
    // Known differences in the letter: names of filters, and what a mapping without a source becomes.
    const names = (of: Json): unknown => peopleIn(of).attributeMappings.map((one) => one.targetAttributeName);
    assert.deepEqual(names(schema), names(given));
    assert.deepEqual(schema.directories, given.directories);
    assert.deepEqual(peopleIn(schema).metadata, peopleIn(given).metadata);
    const parameters = (of: Json): unknown =>
      peopleIn(of).attributeMappings.map((one) => (one.source as Json | null)?.parameters ?? []);
    assert.deepEqual(parameters(schema), parameters(given));
  });

  it("takes out what is no longer mapped, adds what is new, and keeps what the target's kind does not have", () => {
    const { schema } = exported({
      mapping: { ...SYNC.mapping, locale: { direct: "preferredLanguage", whenEmpty: "keep" } },
    });
    const people = peopleIn(putIntoSchema(fixture(), schema, USER) as Json);
    assert.deepEqual(
      people.attributeMappings.map((one) => one.targetAttributeName),
      [
        "userName",
        "active",
        'addresses[type eq "work"].formatted',
        "urn:ietf:params:scim:schemas:extension:CustomExtension:2.0:User:badge",
        "locale",
      ],
    );
    assert.equal(people.scope, null);
  });

  it("refuses a schema without a mapping for such records, or with several", () => {
    const { schema } = exported({});
    assert.throws(() => putIntoSchema({ synchronizationRules: [] }, schema, USER), /no object mapping from User/);
    const two = fixture();
    const rules = two.synchronizationRules as { objectMappings: Json[] }[];
    rules[0]?.objectMappings.push({ ...peopleIn(two) });
    assert.throws(() => putIntoSchema(two, schema, USER), /has 2 object mappings that the sync could be put into/);
  });
});
