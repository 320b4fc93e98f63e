import { uuidFrom } from "../state/identifiers.ts";

/** Application (client) id of Microsoft Graph in every tenant. */
export const GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000";

/** One permission of Microsoft Graph: an app role when `kind` is Role, a delegated scope when it is Scope. */
export interface Permission {
  readonly id: string;
  readonly value: string;
  readonly kind: "Role" | "Scope";
  /** Scopes alone: whether a person without a directory role may consent. */
  readonly userConsent: boolean;
}

/**
 * Name, id as an application permission, id as a delegated one ("Microsoft Graph permissions reference"). `+` stands
 * for an id that is made from the name here, `-` for a permission that there is not in that form.
 */
const TABLE = `
AccessReview.Read.All d07a8cc0-3d51-4b77-b3b0-32704d1f69fa ebfcd32b-babb-40f4-a14b-42706e83bd28
AccessReview.ReadWrite.All ef5f7d5c-338f-44b0-86c3-351f46c8bb5f e4aa47b9-9a69-4109-82ed-36ec70d85ff1
AgentIdUser.ReadWrite.All + +
AgentIdUser.ReadWrite.IdentityParentedBy + +
AgentIdentity.DeleteRestore.All + +
AgentIdentityBlueprint.DeleteRestore.All + +
AgentIdentityBlueprintPrincipal.DeleteRestore.All + +
Application.Read.All 9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30 c79f8feb-a9db-4090-85f9-90d820caa0eb
Application.ReadWrite.All 1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9 bdfbf15f-ee85-4955-8675-146e8e5296b5
Application.ReadWrite.OwnedBy 18a4783c-866b-4cc7-a460-3d5e5662c884 -
AppRoleAssignment.ReadWrite.All 06b708a9-e830-4db3-a914-8e69da51d44f 84bccea3-f856-4a8a-967b-dbe0a3d53a64
AuditLog.Read.All b0afded3-3588-46d8-8b3d-9842eff778da e4c9e354-4dc5-45b8-9e7c-e1393b0b1a20
DelegatedPermissionGrant.ReadWrite.All 8e8e4742-1d95-4f68-9d56-6ee75648c72a 41ce6ca6-6826-4807-84f1-1c82854f7ee5
Device.Read.All 7438b122-aefc-4978-80ed-43db9fcc7715 951183d1-1a61-466f-a6d1-1fde911bfd95
DeviceManagementApps.Read.All 7a6ee1e7-141e-4cec-ae74-d9db155731ff 4edf5f54-4666-44af-9de9-0144fb4b6e8c
DeviceManagementApps.ReadWrite.All 78145de6-330d-4800-a6ce-494ff2d33d07 7b3f05d5-f68c-4b8d-8c59-a2ecd12f24af
DeviceManagementConfiguration.Read.All dc377aa6-52d8-4e23-b271-2a7ae04cedf3 f1493658-876a-4c87-8fa7-edb559b3476a
DeviceManagementConfiguration.ReadWrite.All 9241abd9-d0e6-425a-bd4f-47ba86e767a4 0883f392-0a7a-443d-8c76-16a6d39c7b63
DeviceManagementManagedDevices.Read.All 2f51be20-0bb4-4fed-bf7b-db946066c75e 314874da-47d6-4978-88dc-cf0d37f0bb82
DeviceManagementManagedDevices.ReadWrite.All 243333ab-4d21-40cb-a475-36241daa0842 44642bfe-8385-4adc-8fc6-fe3cb2c375c3
DeviceManagementServiceConfig.Read.All 06a5fe6d-c49d-46a7-b082-56b1b14103c7 8696daa5-bce5-4b2e-83f9-51b6defc4e1e
DeviceManagementServiceConfig.ReadWrite.All 5ac13192-7ace-4fcf-b828-1a26f28068ee 662ed50a-ac44-4eef-ad86-62eed9be2a29
Directory.AccessAsUser.All - 0e263e50-5827-48a4-b97c-d940288653c7
Directory.Read.All 7ab1d382-f21e-4acd-a863-ba3e13f7da61 06da0dbc-49e2-44d2-8312-53f166ab848a
Directory.ReadWrite.All 19dbc75e-c2e2-444c-a770-ec69d8559fc7 c5366453-9fb0-48a5-a156-24f0c49a4b84
Domain.Read.All dbb9058a-0e50-45d7-ae91-66909b5d4664 2f9ee017-59c1-4f1d-9472-bd5529a7b311
Group-NestingSupport.ReadWrite.All + +
Group-PreferredDataLocation.ReadWrite.All + +
Group.Create bf7b1a76-6e77-406b-b258-bf5c7720e98f -
Group.ManageProtection.All + +
Group.Read.All 5b567255-7703-4780-807c-7be8301ae99b 5f8c59db-677d-491f-a6b8-5f174b11ec1d
Group.ReadBasic.All + +
Group.ReadWrite.All 62a82d76-70ea-41e2-9197-370581804d09 4e46008b-f24c-477d-8fff-7bb4ec7aafe0
GroupMember.Read.All 98830695-27a2-44f7-8c18-0c3ebc9698f6 bc024368-1153-4739-b217-4326f2e966d0
GroupMember.ReadBasic.All + +
GroupMember.ReadWrite.All dbaae8cf-10b5-4b86-a4a1-f871c94c6695 f81125ac-d3b7-4573-a3b2-7099cc39df9e
LicenseAssignment.Read.All e2f98668-2877-4f38-a2f4-8202e0717aa1 +
Mail.Send b633e1c5-b582-4048-a93e-9f11b44c7e96 e383f46e-2787-4529-855e-0e479a3ffac0
Member.Read.Hidden 658aa5d8-239f-45c4-aa12-864f4fc7e490 f6a3db3e-f7e8-4ed2-a414-557c8c9830be
Organization.Read.All 498476ce-e0fe-48b0-b801-37ba7e2685c6 4908d5b9-3fb2-4b1e-9336-1888b7937185
Organization.ReadWrite.All 292d869f-3427-49a8-9dab-8c70152b74e9 46ca0847-7e6b-426e-9775-ea810a948356
OrgContact.Read.All e1a88a34-94c4-4418-be12-c87b00e26bea 08432d1b-5911-483c-86df-7980af5cdee0
Policy.Read.All 246dd0d5-5bd0-4def-940b-0421030a5b68 572fea84-0151-49b2-9301-11cb16974376
Policy.ReadWrite.ConditionalAccess 01c0a623-fc9b-48e9-b794-0756f8e8f067 ad902697-1014-4ef5-81ef-2b4301988e8c
ProfilePhoto.Read.All + +
ProfilePhoto.ReadWrite.All + +
ProvisioningLog.Read.All + +
RoleManagement.Read.Directory 483bed4a-2ad3-4361-a73b-c83ccdbdc53c 741c54c3-0c1e-44a1-818b-3f97ab4e8c83
RoleManagement.ReadWrite.Directory 9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8 d01b97e9-cbc0-49fe-810a-750afd5527a3
User-Mail.ReadWrite.All 280d0935-0796-47d1-8d26-273470a3f17a +
User-PasswordProfile.ReadWrite.All cc117bb9-00cf-4eb8-b580-ea2a878fe8f7 56760768-b641-451f-8906-e1b8ab31bca7
User-Phone.ReadWrite.All 86ceff06-c822-49ff-989a-d912845ffe69 +
User.DeleteRestore.All eccc023d-eccf-4e7b-9683-8813ab36cecc 4bb440cd-2cf2-4f90-8004-aa2acd2537c5
User.EnableDisableAccount.All 3011c876-62b7-4ada-afa2-506cbbecc68c f92e74e7-2563-467f-9dd0-902688cb5863
User.Invite.All 09850681-111b-4a89-9bed-3f2cae46d706 63dd7cd9-b489-4adf-a28c-ac38b9a0f962
User.ManageIdentities.All c529cfca-c91b-489c-af2b-d92990b66ce6 637d7bec-b31e-4deb-acc9-24275642a2c9
User.Read - e1fe6dd8-ba31-4d61-89e7-88639da4683d
User.Read.All df021288-bdef-4463-88db-98f22de89214 a154be20-db9c-4678-8ab7-66f6cc099a59
User.ReadBasic.All 97235f07-e226-4f63-ace3-39588e11d3a1 b340eb25-3456-403f-be2f-af7a0d370277
User.ReadWrite - b4e74841-8e56-480b-be8b-910348b18b4c
User.ReadWrite.All 741f803b-c850-494e-b5df-cde7c675a1ca 204e0828-b5ca-4ad8-b9f3-f32a958e7cc4
User.ReadWrite.CrossCloud + -
User.RevokeSessions.All + +
email - 64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0
offline_access - 7427e0e9-2fba-42fe-b0c0-848c9e6a8182
openid - 37f7f235-527c-4136-accd-4a02d197296e
profile - 14dad69e-099b-42c9-810b-d002981feec1
`;

/** Delegated permissions that a person may consent to alone, where the tenant lets people consent. */
const USER_CONSENT = new Set(
  "User.Read User.ReadBasic.All User.ReadWrite Mail.Send openid profile email offline_access".split(" "),
);

/** Every permission of the simulated Microsoft Graph. */
export const GRAPH_PERMISSIONS: readonly Permission[] = TABLE.trim()
  .split("\n")
  .flatMap((line) => {
    const [value = "", role = "-", scope = "-"] = line.split(" ");
    return [permission("Role", value, role), permission("Scope", value, scope)].filter((found) => found !== null);
  });

function permission(kind: Permission["kind"], value: string, id: string): Permission | null {
  if (id === "-") return null;
  return {
    id: id === "+" ? madeId(kind, value) : id,
    value,
    kind,
    userConsent: kind === "Scope" && USER_CONSENT.has(value),
  };
}

function madeId(kind: Permission["kind"], value: string): string {
  return uuidFrom("permission", kind, value);
}

/** The id of a permission. Names that Graph does not have get one too: tests may invent roles. */
export function permissionId(kind: Permission["kind"], value: string): string {
  return GRAPH_PERMISSIONS.find((known) => known.kind === kind && known.value === value)?.id ?? madeId(kind, value);
}

/** A delegated permission by name, in any case; undefined when Graph has none of that name. */
export function scopeNamed(value: string): Permission | undefined {
  const wanted = value.toLowerCase();
  return GRAPH_PERMISSIONS.find((known) => known.kind === "Scope" && known.value.toLowerCase() === wanted);
}
