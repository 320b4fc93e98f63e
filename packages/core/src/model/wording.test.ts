import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { grouped, inWords, nameOf, plain, plainAttribute } from "./wording.ts";

describe("wording", () => {
  it("shows names of every script as they are", () => {
    for (const name of ["O'Brien", "Łukasz Żółć", "山田 太郎", "نور الدين", "Zoë 👩‍🚀"])
      assert.equal(plain(name), name);
  });

  it("shortens without cutting a character in two", () => {
    const text = plain("😀".repeat(40));
    assert.equal(text, `${"😀".repeat(29)}…`);
    assert.ok(text.isWellFormed());
    assert.ok(plain("\ud83d oops").isWellFormed());
  });

  it("tells a long attribute's name by its end", () => {
    assert.equal(plainAttribute("jobTitle"), "jobTitle");
    const urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:";
    for (const last of ["department", "manager"]) {
      const name = plainAttribute(`${urn}${last}`);
      assert.match(name, new RegExp(`^….*:enterprise:2\\.0:User:${last}$`));
      assert.ok(name.length <= 60);
    }
    assert.ok(plainAttribute("😀".repeat(40)).isWellFormed());
  });

  it("says values in words", () => {
    assert.equal(inWords(null), "empty");
    assert.equal(inWords([]), "empty");
    assert.equal(inWords(["a", "b"]), "a, b");
    assert.equal(inWords(false), "false");
    assert.equal(
      inWords({ $ref: "u2" }, () => "Bo"),
      "Bo",
    );
    assert.equal(inWords({ $ref: "u2" }), "u2");
    assert.equal(grouped(1234567), "1,234,567");
    assert.equal(grouped(999), "999");
  });

  it("names a record by what it has", () => {
    const record = { kind: "user", id: "u1", manager: null, removed: null } as const;
    assert.equal(nameOf({ ...record, attributes: { displayName: "Ana", userPrincipalName: "ana@x" } }), "Ana");
    assert.equal(nameOf({ ...record, attributes: { displayName: null, userPrincipalName: "ana@x" } }), "ana@x");
    assert.equal(nameOf({ ...record, attributes: {} }), "u1");
  });
});
