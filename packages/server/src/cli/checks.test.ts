import assert from "node:assert/strict";
import { test } from "node:test";
import type { Check } from "@entrain/core";
import { verdictOn } from "./checks.ts";

const check = (name: string, ok: boolean): Check => ({ name, ok, detail: "", fix: ok ? null : "Mend it." });
const SIGNED_IN = [check("tenant", true), check("sign-in", true)];

test("a connection works in the middle of a rotation, by the credential that works", () => {
  const checks = [
    ...SIGNED_IN,
    check("credential 1: client secret", false),
    check("credential 2: client secret", true),
  ];
  assert.equal(
    verdictOn("contoso", checks),
    "The connection contoso works with credential 2. Credential 1 does not work: mend it, or take it out.",
  );
  assert.equal(
    verdictOn("contoso", [...checks, check("credential 3: certificate", false)]),
    "The connection contoso works with credential 2. Credentials 1 and 3 do not work: mend them, or take them out.",
  );
});

test("a connection does not work yet when anything but a spare credential fails", () => {
  const spare = [check("credential 1: client secret", false), check("credential 2: client secret", true)];
  const not = "The connection contoso does not work yet.";
  assert.equal(verdictOn("contoso", [...SIGNED_IN, ...spare, check("permissions", false)]), not);
  assert.equal(verdictOn("contoso", [check("sign-in", false), ...spare]), not);
  assert.equal(verdictOn("contoso", [...SIGNED_IN, check("credential 1: certificate", false)]), not);
  assert.equal(verdictOn("contoso", []), not);
  assert.equal(verdictOn("contoso", SIGNED_IN), "The connection contoso works.");
});
