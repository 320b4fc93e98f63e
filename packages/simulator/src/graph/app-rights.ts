import type { Principal } from "../applications/model.ts";
import type { Context } from "./context.ts";
import { denied } from "./request.ts";

const ADMINISTRATORS: Readonly<Record<string, readonly string[]>> = {
  applications: ["Application Administrator", "Cloud Application Administrator"],
  servicePrincipals: ["Application Administrator", "Cloud Application Administrator"],
  oauth2PermissionGrants: ["Privileged Role Administrator"],
  users: ["User Administrator"],
  groups: ["Groups Administrator", "User Administrator"],
};

/** What even reading needs a role for: "List policies" (conditional access) and "List definitions" (access reviews). */
const READERS: Readonly<Record<string, readonly string[]>> = {
  "identity/conditionalAccess": [
    "Security Reader",
    "Security Administrator",
    "Global Reader",
    "Conditional Access Administrator",
  ],
  "identityGovernance/accessReviews": [
    "Global Reader",
    "Security Reader",
    "Security Administrator",
    "User Administrator",
    "Identity Governance Administrator",
  ],
};

/**
 * A signed-in person can do through an app only what they could do themselves ("Overview of permissions and consent":
 * delegated access). Refuses guests everything but themselves, and writes, and some reads, without a directory role for them.
 */
export function checkDelegated(context: Context, writes: boolean): void {
  const { caller, request, realm } = context;
  if (!caller.delegated) return;
  const [set = ""] = request.segments;
  if (set === "me") return;
  const person = context.directory.byId(caller.principal);
  if (person?.properties.userType === "Guest") throw denied();
  const readers = READERS[request.segments.slice(0, 2).join("/")];
  if (!writes && readers === undefined) return;
  const roles = realm.roles.rolesOf(caller.principal);
  const allowed = ["Global Administrator", ...((writes ? ADMINISTRATORS[set] : readers) ?? [])];
  if (!roles.some((role) => allowed.includes(role))) throw denied();
}

/** Application.ReadWrite.OwnedBy reaches only the apps that the calling app created. */
export function checkOwned(
  { roles, caller }: Context,
  principal: Principal & { readonly createdBy: string | null },
): void {
  if (roles.has("Application.ReadWrite.All") || roles.has("Directory.ReadWrite.All")) return;
  if (principal.createdBy !== caller.client && principal.appId !== caller.client) throw denied();
}
