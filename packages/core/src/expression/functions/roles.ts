import { byCodeUnits } from "../../model/compare.ts";
import { isList, isNullish, listOf } from "../coerce.ts";
import type { Argument, FunctionDefinition, Parameter } from "../function.ts";
import { Moment, type Operand } from "../operand.ts";
import { anyIn, failed, type Reader } from "./readers.ts";

const ROLES: Parameter = {
  name: "appRoleAssignments",
  type: "list",
  summary: "The roles that a person or group has in the application: [appRoles] here, [appRoleAssignments] in Entra.",
};

/**
 * Functions on roles in an application ("Reference for writing expressions for attribute mappings in Microsoft Entra ID",
 * "Customize user provisioning attribute-mappings"). They take names, or objects with a `value` or `displayName`, and answer
 * names. In Entra the last two answer SCIM role objects and differ in how they are patched, so that with the first of them
 * roles that were taken away stay in the target; here a plan writes the whole list, so that both take them away.
 */
export const ROLE_FUNCTIONS: readonly FunctionDefinition[] = [
  {
    name: "SingleAppRoleAssignment",
    summary: "The name of the one role in the application; of several, the first in the order of their names.",
    parameters: [ROLES],
    example: {
      expression: "SingleAppRoleAssignment([appRoles])",
      attributes: { appRoles: ["Editor", "Admin"] },
      value: "Admin",
    },
    bind: ([first]) => {
      const roles = rolesIn("SingleAppRoleAssignment", first);
      return (context) => roles(context)?.[0] ?? null;
    },
  },
  listing("AppRoleAssignmentsComplex", "The names of all roles in the application."),
  listing("AssertiveAppRoleAssignmentsComplex", "The names of all roles in the application, and no others."),
];

function listing(name: string, summary: string): FunctionDefinition {
  return {
    name,
    summary,
    parameters: [ROLES],
    example: {
      expression: `${name}([appRoles])`,
      attributes: { appRoles: ["Editor", { displayName: "Administrator", value: "Admin" }, "Editor"] },
      value: ["Admin", "Editor"],
    },
    bind: ([first]) => rolesIn(name, first),
  };
}

/** Each name once, in the order of their code units: the same roles give the same answer, however they are read. */
function rolesIn(of: string, argument: Argument | undefined): Reader<readonly string[] | null> {
  const source = anyIn(argument);
  return (context) => {
    const operand = source(context);
    if (isNullish(operand)) return null;
    const names = listOf(operand).map((role) => {
      const name = nameOf(role);
      if (name !== null) return name;
      const place = { of, parameter: ROLES.name, argument };
      throw failed(place, "takes the names of roles, or objects with a value or displayName");
    });
    return [...new Set(names)].filter((name) => name !== "").sort(byCodeUnits);
  };
}

function nameOf(role: Operand): string | null {
  if (typeof role === "string") return role;
  if (typeof role !== "object" || role === null || isList(role) || role instanceof Moment) return null;
  const { value, displayName } = role as { readonly [name: string]: Operand };
  const name = value === undefined || value === null || value === "" ? displayName : value;
  return typeof name === "string" ? name : null;
}
