import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkCases, faultOf } from "./testing.ts";

describe("functions on roles", () => {
  it("SingleAppRoleAssignment takes the first name, however the roles are read", () => {
    checkCases([
      ["SingleAppRoleAssignment([appRoles])", { appRoles: ["User"] }, "User"],
      ["SingleAppRoleAssignment([appRoles])", { appRoles: ["User", "Admin"] }, "Admin"],
      ["SingleAppRoleAssignment([appRoles])", { appRoles: "User" }, "User"],
      ["SingleAppRoleAssignment([appRoles])", { appRoles: [] }, null],
      ["SingleAppRoleAssignment([appRoles])", { appRoles: null }, null],
      ["SingleAppRoleAssignment([appRoles])", { appRoles: [""] }, null],
    ]);
  });

  it("the lists hold each name once, by value or else by display name", () => {
    const roles = [{ displayName: "Editor", value: "" }, { displayName: "Boss", value: "Admin" }, "Editor", ""];
    for (const name of ["AppRoleAssignmentsComplex", "AssertiveAppRoleAssignmentsComplex"]) {
      checkCases([
        [`${name}([appRoles])`, { appRoles: roles }, ["Admin", "Editor"]],
        [`${name}([appRoles])`, { appRoles: { displayName: "Editor" } }, ["Editor"]],
        [`${name}([appRoles])`, { appRoles: [] }, []],
        [`${name}([appRoles])`, { appRoles: null }, null],
      ]);
    }
  });

  it("names the function where something else than a role is given", () => {
    for (const role of [7, true, { id: "x" }, ["x"]]) {
      const fault = faultOf("AppRoleAssignmentsComplex([appRoles])", { appRoles: [role] });
      assert.match(
        fault,
        /^expression_failed 27: AppRoleAssignmentsComplex: appRoleAssignments takes the names of roles/,
      );
    }
  });
});
