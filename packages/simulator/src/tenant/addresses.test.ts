import assert from "node:assert/strict";
import { test } from "node:test";
import { createAddressBook } from "./addresses.ts";

test("numbers the second of two equal names", () => {
  const book = createAddressBook();
  assert.equal(book.claim("anna.weber", "a.example"), "anna.weber@a.example");
  assert.equal(book.claim("Anna.Weber", "a.example"), "Anna.Weber2@a.example");
  assert.equal(book.claim("anna.weber", "b.example"), "anna.weber@b.example");
});

test("does not hand out a number that somebody bears by name", () => {
  const book = createAddressBook();
  book.claim("room", "a.example");
  book.claim("room", "a.example");
  assert.equal(book.claim("room2", "a.example"), "room22@a.example");
});

test("keeps long names apart within 64 characters", () => {
  const book = createAddressBook();
  const long = "x".repeat(80);
  const claimed = [book.claim(long, "a.example"), book.claim(long, "a.example")].map(
    (address) => address.split("@")[0] ?? "",
  );
  assert.deepEqual(claimed, ["x".repeat(64), `${"x".repeat(63)}2`]);
});

test("passes over addresses that exist elsewhere", () => {
  const book = createAddressBook((address) => address === "a.b@c.example");
  assert.equal(book.claim("a.b", "c.example"), "a.b2@c.example");
});

test("makes account names of an initial and a surname, at most 20 characters", () => {
  const book = createAddressBook();
  assert.equal(book.claimAccountName({ given: "anna", surname: "o'brien" }), "aobrien");
  assert.equal(book.claimAccountName({ given: "alf", surname: "o'brien" }), "aobrien2");
  assert.equal(book.claimAccountName({ given: "slamet", surname: "" }), "slamet");
  assert.equal(book.claimAccountName({ given: "k", surname: "wolfeschlegelsteinhausen" }).length, 20);
});
