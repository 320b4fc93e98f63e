import assert from "node:assert/strict";
import { test } from "node:test";
import { scimKinds } from "./attributes.ts";
import { declaredIn } from "./schema.ts";
import { createScimTarget } from "./target.ts";
import { startScimServer } from "./testing/index.ts";

const user = scimKinds(0).get("user");
assert.ok(user);

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
