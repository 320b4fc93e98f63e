import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CONTACT_ATTRIBUTES, GROUP_ATTRIBUTES, USER_ATTRIBUTES } from "@entrain/connectors/entra";
import {
  type Attributes,
  type CompiledMapping,
  compileMapping,
  compileMatching,
  type DirectoryRecord,
  provisionedKind,
  type TargetKind,
} from "@entrain/core";
import { TARGET_TYPES } from "../target-types.ts";
import { contactPreset } from "./contact-preset.ts";

const SETTINGS = { baseUrl: "http://127.0.0.1:1/scim/v2", path: "/nowhere" };
const USUAL = { user: USER_ATTRIBUTES, group: GROUP_ATTRIBUTES, contact: CONTACT_ATTRIBUTES };

/** Every target's kinds, each as it is, and that of people also for contacts. */
const KINDS: readonly (readonly [title: string, kind: TargetKind, mapping: CompiledMapping])[] = [
  ...TARGET_TYPES.values(),
].flatMap((type) =>
  type.kinds(SETTINGS).flatMap((kind) => {
    const contacts = provisionedKind(kind, { source: "contact" });
    const forms = kind.source === "user" ? [kind, { ...contacts, preset: contactPreset(contacts) }] : [kind];
    return forms.map((form) => [`${type.name} ${form.name} of ${form.source}s`, form, compiled(form)] as const);
  }),
);

/** Where Freshchat keeps the object id of a contact; of an agent it keeps none. */
const FIRST: { readonly [kind: string]: string } = { contact: "reference_id", agent: "email" };

function compiled(kind: TargetKind): CompiledMapping {
  const answer = compileMapping(kind.preset.mapping, kind);
  if ("mapping" in answer) return answer.mapping;
  return assert.fail(`${kind.name}: ${JSON.stringify(answer.findings)}`);
}

function recordOf({ source }: TargetKind, attributes: Attributes): DirectoryRecord {
  const empty = Object.fromEntries(USUAL[source].map((name) => [name, null]));
  return { kind: source, id: "6f0c2f3e", attributes: { ...empty, ...attributes }, manager: null, removed: null };
}

/** What Graph lets nobody be without ("user resource type", "group resource type"). */
const LEAST: Record<TargetKind["source"], Attributes> = {
  user: { displayName: "Ana", userPrincipalName: "ana_fabrikam.com#EXT#@contoso.onmicrosoft.com", businessPhones: [] },
  group: { displayName: "Sales", proxyAddresses: [] },
  contact: { displayName: "Bo", mail: "bo@fabrikam.com", phones: [], addresses: [] },
};

describe("the presets", () => {
  it("are those of at least three target types", () => assert.ok(KINDS.length >= 9));

  for (const [title, kind, mapping] of KINDS) {
    it(`${title}: everything is read of a tenant in any case, and can be matched`, () => {
      assert.deepEqual(
        mapping.attributes.filter((name) => !USUAL[kind.source].includes(name)),
        [],
      );
      assert.ok("matching" in compileMatching(kind.preset.matching, mapping, kind));
      assert.equal(kind.preset.matching[0], FIRST[kind.name] ?? "externalId");
      assert.deepEqual([mapping.volatile, mapping.sensitive, mapping.readsManagers], [false, false, false]);
    });

    it(`${title}: somebody with the least that Graph allows becomes a record, with nothing made up`, () => {
      const { attributes, issues } = mapping.map(recordOf(kind, LEAST[kind.source]), true);
      assert.deepEqual(issues, []);
      const given = new Set([...Object.values(LEAST[kind.source]), "6f0c2f3e"]);
      for (const [name, value] of Object.entries(attributes)) {
        if (value !== null) assert.ok(given.has(value), `${name}: ${JSON.stringify(value)}`);
      }
      const shown = kind.name in FIRST ? attributes.first_name : attributes.displayName;
      assert.equal(shown, LEAST[kind.source].displayName);
    });
  }
});
