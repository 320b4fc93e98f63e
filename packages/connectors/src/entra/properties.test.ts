import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { sourcePathOf } from "@entrain/core";
import { CONTACT_ATTRIBUTES, GROUP_ATTRIBUTES, USER_ATTRIBUTES } from "./attributes.ts";
import { attributeFlaw, graphAttributes } from "./properties.ts";

const SHARED = process.env.ENTRAIN_SHARED ?? join(import.meta.dirname, "../../../../../shared");
const DESCRIPTION = join(SHARED, "graph/openapi-subset.json");

test("no name of Graph's is Entra's name of something else, so that a name never means two things", () => {
  for (const kind of ["user", "group", "contact"] as const) {
    for (const { name } of graphAttributes(kind)) assert.deepEqual(sourcePathOf(name), { path: name }, name);
  }
});

test("whatever is read by default can be read", () => {
  for (const name of USER_ATTRIBUTES) assert.equal(attributeFlaw("user", name), null, name);
  for (const name of GROUP_ATTRIBUTES) assert.equal(attributeFlaw("group", name), null, name);
  for (const name of CONTACT_ATTRIBUTES) assert.equal(attributeFlaw("contact", name), null, name);
});

test("a name that Graph does not have is refused with those that may have been meant", () => {
  const flaw = attributeFlaw("user", "jobTitel");
  assert.match(flaw?.detail ?? "", /Graph's person has no attribute jobTitel/);
  assert.ok(flaw?.known.includes("jobTitle"));
  assert.match(attributeFlaw("group", "department")?.detail ?? "", /only a person has it/);
  assert.match(attributeFlaw("contact", "userPrincipalName")?.detail ?? "", /Graph's contact .* only a person has it/);
  assert.equal(attributeFlaw("contact", "phones.0.number"), null);
  assert.equal(attributeFlaw("user", "photo.hash"), null);
  assert.match(attributeFlaw("user", "photo.width")?.detail ?? "", /photo holds nothing named width/);
  assert.match(attributeFlaw("user", "extensionAttribute3")?.detail ?? "", /onPremisesExtensionAttributes\.extension/);
});

test("what Graph has and no list tells is refused with the reason", () => {
  for (const [name, said] of [
    ["aboutMe", /outside the directory/],
    ["mailboxSettings", /outside the directory/],
    ["memberOf", /relationship/],
    ["customSecurityAttributes", /permission/],
    ["extensions", /open extensions/],
  ] as const) {
    assert.match(attributeFlaw("user", name)?.detail ?? "", said);
  }
  assert.match(attributeFlaw("group", "isArchived")?.detail ?? "", /one group at a time/);
});

test("extensions of the directory and of schemas are read, dotted names as far as something lies there", () => {
  const extension = `extension_${"0a".repeat(16)}_costCenter`;
  for (const name of [extension, "extkvbmkofy_courses", "contoso_courses.0", "businessPhones.0", "manager", "id"]) {
    assert.equal(attributeFlaw("user", name), null, name);
  }
  for (const name of ["onPremisesExtensionAttributes.extensionAttribute15", "employeeOrgData.costCenter"]) {
    assert.equal(attributeFlaw("user", name), null, name);
  }
  assert.equal(attributeFlaw("user", "identities.0.issuer"), null);
  assert.match(attributeFlaw("user", "extension_abc_x")?.detail ?? "", /32 digits/);
  for (const name of [
    "onPremisesExtensionAttributes.extensionAttribute16",
    "mail.0",
    "businessPhones.first",
    "ext.x",
  ]) {
    assert.notEqual(attributeFlaw("user", name), null, name);
  }
});

interface Schema {
  readonly allOf?: readonly Schema[];
  readonly properties?: object;
}

test("every property of Graph's official description is either read or refused by name", {
  skip: existsSync(DESCRIPTION) || process.env.CI === "true" ? false : `needs ${DESCRIPTION}; set ENTRAIN_SHARED`,
}, () => {
  const { components } = JSON.parse(readFileSync(DESCRIPTION, "utf8")) as {
    readonly components: { readonly schemas: { readonly [name: string]: Schema } };
  };
  for (const kind of ["user", "group"] as const) {
    const schema = components.schemas[`microsoft.graph.${kind}`];
    const names = (schema?.allOf ?? []).flatMap(({ properties }) => Object.keys(properties ?? {}));
    assert.ok(names.length > 40);
    for (const name of names.filter((one) => !one.startsWith("@"))) {
      assert.doesNotMatch(attributeFlaw(kind, name)?.detail ?? "", /has no attribute/, `${kind}.${name}`);
    }
  }
});
