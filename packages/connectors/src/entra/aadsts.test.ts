import assert from "node:assert/strict";
import { test } from "node:test";
import { type SignInRefused, signInRefusal } from "./aadsts.ts";
import type { Credential } from "./credentials/credential.ts";

function refused(number: number, kind: Credential["kind"] = "secret", status = 400): SignInRefused {
  const fault = signInRefusal(status, { error: "invalid_grant", error_codes: [number] }, kind);
  assert.ok(fault !== null);
  return fault;
}

test("tells what the refusals of clouds, tenants and other providers' tokens mean, and how to mend them", () => {
  for (const [number, what, mend] of [
    [7000229, /no service principal.* in this tenant/, /admin consent.*this very tenant/],
    [900382, /another cloud/, /Register the application in the tenant's own cloud/],
    [900439, /US Government/, /Set the connection's cloud to usgov or usgov-dod/],
    [900440, /public cloud/, /Set the connection's cloud to global/],
    [700222, /Entra's own/, /another provider.*managed identity/],
    [50158, /another provider's check/, /exclude the account from the policy|certificate or a client secret/i],
  ] as const) {
    const { message, fix } = refused(number);
    assert.match(message, what, `AADSTS${number}`);
    assert.match(message, new RegExp(`\\(AADSTS${number}\\)`));
    assert.match(fix, mend, `AADSTS${number}`);
  }
});

test("sends an administrator back to the sign-in for a second factor, and an account with a password never", () => {
  for (const number of [50076, 50074, 50079, 50072, 50158]) {
    const agreed = refused(number, "delegated");
    assert.match(agreed.fix, /Have an administrator sign in again.*entrain connection authorize NAME\.$/);
    assert.doesNotMatch(agreed.message + agreed.fix, /password is right|[Ee]xclude|this kind of sign-in cannot/);
    const password = refused(number, "password");
    assert.match(password.fix, /certificate or a client secret/);
    assert.doesNotMatch(password.fix, /connection authorize/);
  }
  assert.match(refused(50076, "delegated").fix, /with the second factor/);
  assert.match(refused(50079, "delegated").fix, /enrol/);
});

test("names what an administrator can do where a password's account would be given another one here", () => {
  for (const number of [50055, 50126, 50034, 53003, 53000, 53001, 530035]) {
    const { fix } = refused(number, "delegated");
    assert.match(fix, /sign in again|sign in from/, `AADSTS${number}: ${fix}`);
    assert.doesNotMatch(fix, /give it here|user name/, `AADSTS${number}`);
  }
  assert.match(refused(50105, "delegated").fix, /Assign the account/);
  assert.match(refused(50105, "password").fix, /Assign the account/);
  assert.match(refused(50105).fix, /Assign the application/);
});

test("names the kind of permissions to add where a registration asks for none", () => {
  for (const number of [650056, 650057]) {
    for (const kind of ["password", "delegated"] as const) {
      const { message, fix } = refused(number, kind);
      assert.match(message, /delegated permissions? /, `AADSTS${number} ${kind}`);
      assert.match(
        fix,
        /^Add the delegated permission .* grant admin consent: User\.Read\.All and GroupMember\.Read\.All/,
      );
    }
    assert.match(refused(number).fix, /^Add the application permission .* grant admin consent: User\.Read\.All and/);
  }
});

test("a refusal without a number passes when the service itself is at fault", () => {
  const busy = signInRefusal(503, { error: "temporarily_unavailable" }, "secret");
  assert.equal(busy?.retry, "later");
  assert.equal(signInRefusal(400, { error: "invalid_client" }, "secret")?.retry, "never");
});
