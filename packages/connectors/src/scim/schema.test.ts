import assert from "node:assert/strict";
import { test } from "node:test";
import { scimKinds } from "./attributes.ts";
import { declaredIn } from "./schema.ts";
import { createScimTarget } from "./target.ts";
import { startScimServer } from "./testing/index.ts";

const user = scimKinds(0).get("user");
assert.ok(user);
const person = user;

const schemasOf = (...attributes: readonly object[]) => ({
  Resources: [{ id: "urn:ietf:params:scim:schemas:core:2.0:User", attributes }],
});

test("tells what a server never takes, does not list, and requires beyond what we have", () => {
  const schemas = schemasOf(
    { name: "userName", required: true },
    { name: "Title", mutability: "readOnly" },
    { name: "password", required: true, mutability: "writeOnly" },
    { name: "name", mutability: "readOnly", subAttributes: [{ name: "givenName" }] },
    { name: "emails", subAttributes: [{ name: "value", mutability: "readOnly" }] },
  );
  const declared = declaredIn(schemas, user);
  assert.deepEqual(declared?.readOnly, ["name.givenName", "title", 'emails[type eq "work"].value']);
  assert.deepEqual(declared?.required, ["password"]);
  assert.ok(declared?.unlisted.includes("name.familyName") && !declared.unlisted.includes("externalId"));
});

function limitsOf(name: string, ...attributes: readonly object[]): object {
  const found = declaredIn(schemasOf(...attributes), person)?.kind.attributes.find((one) => one.name === name);
  const { name: _name, type: _type, mail: _mail, ...limits } = found ?? assert.fail(`no ${name}`);
  return limits;
}

test("takes what a server says of an attribute as its limits", () => {
  const name = (limits: object, whole: object = {}) => ({
    name: "name",
    ...whole,
    subAttributes: [{ name: "givenName", ...limits }],
  });
  assert.deepEqual(limitsOf("title", { name: "title" }), {});
  assert.deepEqual(limitsOf("title", { name: "title", required: true, mutability: "immutable", caseExact: true }), {
    immutable: true,
    required: true,
    caseExact: true,
  });
  assert.deepEqual(limitsOf("nickName", { name: "nickname", uniqueness: "server" }), { unique: true });
  assert.deepEqual(limitsOf("userName", { name: "userName", uniqueness: "none", required: false }), {
    required: true,
    unique: true,
  });
  assert.deepEqual(limitsOf("userName", { name: "title" }), { required: true, unique: true });
  assert.deepEqual(limitsOf("name.givenName", name({ mutability: "immutable" })), { immutable: true });
  assert.deepEqual(limitsOf("name.givenName", name({ required: true })), {});
  assert.deepEqual(limitsOf("name.givenName", name({}, { required: true })), {});
  assert.deepEqual(limitsOf("name.givenName", name({ required: true }, { required: true })), { required: true });
  assert.deepEqual(limitsOf("name.givenName", { name: "name" }), {}, "no part is told of, so none is missing");
});

test("an element of a list may be replaced, and its type limits no value", () => {
  const emails = (limits: object, value: object = {}) => ({
    name: "emails",
    multiValued: true,
    ...limits,
    subAttributes: [
      { name: "value", ...value },
      { name: "type", canonicalValues: ["home"], required: true },
    ],
  });
  const mail = 'emails[type eq "work"].value';
  assert.deepEqual(limitsOf(mail, emails({}, { mutability: "immutable" })), {});
  assert.deepEqual(limitsOf(mail, emails({ mutability: "immutable" })), { immutable: true });
  assert.deepEqual(limitsOf(mail, emails({ required: true })), { required: true });
  assert.deepEqual(limitsOf(mail, emails({}, { required: true, uniqueness: "global" })), { unique: true });
  const country = { name: "addresses", multiValued: true, required: true, subAttributes: [{ name: "country" }] };
  assert.deepEqual(limitsOf('addresses[type eq "work"].country', country), {}, "another part may be the one");
});

test("canonical values are spellings, and choices only where the settings say so", () => {
  const schemas = schemasOf({ name: "userType", canonicalValues: ["Employee", "", 7] });
  const userType = (heed: "follow" | "strict") =>
    declaredIn(schemas, person, heed)?.kind.attributes.find(({ name }) => name === "userType");
  assert.deepEqual(userType("follow"), { name: "userType", type: "string", spellings: ["Employee"] });
  assert.deepEqual(userType("strict"), { name: "userType", type: "string", choices: ["Employee"] });
});

test("a schema that an incomplete answer leaves out is not known to be missing", () => {
  const department = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
  const whole = schemasOf({ name: "userName" });
  const isUnlisted = (schemas: object) => declaredIn(schemas, person)?.unlisted.includes(department);
  assert.equal(isUnlisted({ ...whole, totalResults: 1 }), true);
  assert.equal(isUnlisted({ ...whole, totalResults: 3 }), false);
});

test("a server that describes nothing, or something else, says nothing", () => {
  for (const schemas of [null, {}, { Resources: "x" }, schemasOf(), { Resources: [{ id: "urn:other" }, 7] }]) {
    assert.equal(declaredIn(schemas, user), null);
  }
});

test("verifying tells what the server says of its attributes", async () => {
  const server = await startScimServer({ token: "t", now: () => 0 });
  const clock = { now: () => 0, random: () => 0, sleep: () => Promise.resolve() };
  const target = createScimTarget({ baseUrl: server.baseUrl, token: () => "t", clock });
  try {
    const checks = await target.verify(new AbortController().signal);
    const check = checks.find(({ name }) => name === "Attributes of users");
    assert.deepEqual(check, {
      name: "Attributes of users",
      ok: true,
      detail: "The server lists all that a mapping may write.",
      fix: null,
    });
  } finally {
    await target.close();
    await server.close();
  }
});
