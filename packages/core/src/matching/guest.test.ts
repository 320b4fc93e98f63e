import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Attributes } from "../model/value.ts";
import { guestOf, isAtHome } from "./guest.ts";

const invited = (more: Attributes = {}): Attributes => ({
  userPrincipalName: "ana.lopez_fabrikam.com#EXT#@contoso.onmicrosoft.com",
  userType: "Guest",
  creationType: "Invitation",
  externalUserState: "Accepted",
  mail: "ana.lopez@fabrikam.com",
  ...more,
});
const homeName = (more: Attributes = {}): string | null => guestOf(invited(more))?.homeName ?? null;

describe("a guest's home", () => {
  it("is told by the name that Entra made at the invitation", () => {
    assert.equal(homeName(), "ana.lopez@fabrikam.com");
    assert.equal(homeName({ userPrincipalName: "Ana_Maria_Fabrikam.com#ext#@contoso.com" }), "ana_maria@fabrikam.com");
    assert.equal(homeName({ userType: "Member" }), "ana.lopez@fabrikam.com");
  });

  it("is not told by a mail address, nor by a name that was changed since", () => {
    assert.equal(homeName({ userPrincipalName: "ana.lopez@contoso.com" }), null);
    for (const name of [
      "#EXT#@contoso.com",
      "_fabrikam.com#EXT#@contoso.com",
      "ana_#EXT#@contoso.com",
      "ana_fabrikam#EXT#@x",
    ]) {
      assert.equal(homeName({ userPrincipalName: name }), null, name);
    }
    assert.equal(homeName({ userPrincipalName: null }), null);
  });

  it("is not told before the invitation was accepted", () => {
    for (const externalUserState of ["PendingAcceptance", null, ""])
      assert.equal(homeName({ externalUserState }), null);
    const { externalUserState: _unread, ...rest } = invited();
    assert.equal(guestOf(rest), null);
  });

  it("is no Entra tenant's where somebody else answers for the sign-in", () => {
    const federated = (issuer: string): Attributes => ({
      identities: [
        { signInType: "userPrincipalName", issuer: "contoso.onmicrosoft.com", issuerAssignedId: "x" },
        { signInType: "federated", issuer, issuerAssignedId: null },
      ],
    });
    assert.equal(homeName(federated("ExternalAzureAD")), "ana.lopez@fabrikam.com");
    for (const issuer of ["google.com", "MicrosoftAccount", "mail"])
      assert.equal(homeName(federated(issuer)), null, issuer);
    assert.equal(homeName({ identities: [] }), null);
  });

  it("is with who signs in by that name and is no guest there", () => {
    const guest = guestOf(invited());
    assert.ok(guest);
    assert.ok(isAtHome(guest, { userPrincipalName: "Ana.Lopez@Fabrikam.com" }));
    assert.ok(!isAtHome(guest, { userPrincipalName: "ana@fabrikam.com", mail: "ana.lopez@fabrikam.com" }));
    assert.ok(!isAtHome(guest, invited()));
    assert.ok(!isAtHome(guest, {}));
  });
});
