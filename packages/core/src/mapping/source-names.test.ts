import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { entraNameOf, sourceNameOf, sourcePathOf } from "./source-names.ts";

describe("the names of source attributes", () => {
  it("turns Entra's names into Graph's", () => {
    const cases: readonly (readonly [string, string])[] = [
      ["objectId", "id"],
      ["telephoneNumber", "businessPhones.0"],
      ["mobile", "mobilePhone"],
      ["physicalDeliveryOfficeName", "officeLocation"],
      ["facsimileTelephoneNumber", "faxNumber"],
      ["originalUserPrincipalName", "userPrincipalName"],
      ["dirSyncEnabled", "onPremisesSyncEnabled"],
      ["extensionAttribute1", "onPremisesExtensionAttributes.extensionAttribute1"],
      ["extensionAttribute15", "onPremisesExtensionAttributes.extensionAttribute15"],
      ["appRoleAssignments", "appRoles"],
    ];
    for (const [entra, path] of cases) assert.deepEqual(sourceNameOf(entra), { path }, entra);
  });

  it("leaves Graph's names, extensions and what it does not know as they are", () => {
    const names = [
      "userPrincipalName",
      "mail",
      "manager",
      "id",
      "businessPhones.0",
      "onPremisesExtensionAttributes.extensionAttribute3",
      "extension_0123456789abcdef0123456789abcdef_badge",
      "extensionAttribute16",
      "StatusHireDate",
      "constructor",
      "__proto__",
    ];
    for (const name of names) assert.deepEqual(sourceNameOf(name), { path: name }, name);
  });

  it("takes the names that it knows in any case", () => {
    assert.deepEqual(sourceNameOf("ObjectID"), { path: "id" });
    assert.deepEqual(sourceNameOf("surName"), { path: "surname" });
    assert.deepEqual(sourceNameOf("DisplayName"), { path: "displayName" });
  });

  it("takes a manager's attributes by either name", () => {
    assert.deepEqual(sourcePathOf("Manager.mobile"), { path: "manager.mobilePhone" });
    assert.deepEqual(sourcePathOf("manager.department"), { path: "manager.department" });
    assert.deepEqual(sourcePathOf("mobile"), { path: "mobilePhone" });
    assert.ok("flaw" in sourcePathOf("manager.netId"));
  });

  it("says what stands in place of what is no attribute here", () => {
    const flaw = (name: string): string => {
      const found = sourceNameOf(name);
      return "flaw" in found ? found.flaw : assert.fail(`${name} is ${found.path}`);
    };
    assert.match(flaw("IsSoftDeleted"), /^IsSoftDeleted is no attribute of a person: .*deprovision/);
    assert.match(flaw("isSoftDeleted"), /^IsSoftDeleted /);
    assert.match(flaw("passwordProfile.password"), /cannot be read/);
    assert.match(flaw("thumbnailPhoto"), /photo\.hash/);
    assert.match(flaw("members"), /provisioned by themselves/);
  });

  it("gives back Entra's name of what Graph calls otherwise, and every other name as it is", () => {
    assert.equal(entraNameOf("id"), "objectId");
    assert.equal(entraNameOf("businessPhones.0"), "telephoneNumber");
    assert.equal(entraNameOf("onPremisesLastSyncDateTime"), "lastDirSyncTime");
    assert.equal(entraNameOf("onPremisesExtensionAttributes.extensionAttribute7"), "extensionAttribute7");
    for (const same of ["userPrincipalName", "mail", "businessPhones.1", "licences"])
      assert.equal(entraNameOf(same), same);
    for (const path of ["id", "businessPhones.0", "appRoles", "imAddresses.0", "userPrincipalName", "department"]) {
      assert.deepEqual(sourceNameOf(entraNameOf(path)), { path });
    }
  });
});
