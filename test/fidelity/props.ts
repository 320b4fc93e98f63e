import type { Example } from "./examples.ts";
import type { Graph } from "./graph.ts";
import { isObject, type Json, type JsonObject, listIn, textIn } from "./json.ts";
import { OTHER, PERSON, relationOf, type Stage, TEAM } from "./stage.ts";

/** What an example needs beyond the tenant file: ids for its path, and its body where the documented one names strangers. */
export interface Props {
  readonly ids?: readonly string[];
  readonly body?: Json;
  /** In place of the documented query, where that names strangers. */
  readonly query?: string;
}

type Maker = (client: Graph, example: Example, stage: Stage) => Promise<Props>;

const NO_ROLE = "00000000-0000-0000-0000-000000000000"; // "appRoleAssignment": access without a role.

const application: Maker = async (client, example, { names }) => {
  const { method, segments } = example;
  const [, key = "", verb = ""] = segments;
  if (method === "POST" && key === "") return {};
  const apps = await Promise.all(names.map((displayName) => createdApp(client, displayName)));
  const id = apps[0]?.id ?? "";
  if (verb !== "removePassword") return { ids: [id] };
  const keyId = textIn(await created(client, `/applications/${id}/addPassword`, { passwordCredential: {} }), "keyId");
  return { ids: [id], body: { keyId } };
};

const principal: Maker = async (client, example, { names }) => {
  const { method, segments } = example;
  const [, key = "", verb = ""] = segments;
  if (method === "POST" && key === "") return { body: { appId: (await createdApp(client, "App")).appId } };
  const [id = ""] = await Promise.all(names.map((displayName) => createdPrincipal(client, displayName)));
  if (verb === "removePassword") {
    const made = await created(client, `/servicePrincipals/${id}/addPassword`, { passwordCredential: {} });
    return { ids: [id], body: { keyId: textIn(made, "keyId") } };
  }
  if (verb === "oauth2PermissionGrants") {
    await grant(client, id);
    return { ids: [id] };
  }
  if (verb === "appRoleAssignedTo") {
    const assignment = { principalId: PERSON, resourceId: id, appRoleId: NO_ROLE };
    if (method === "POST") return { ids: [id], body: assignment };
    const made = await created(client, `/users/${PERSON}/appRoleAssignments`, assignment);
    return { ids: [id, textIn(made, "id") ?? ""] };
  }
  if (verb === "appRoleAssignments") {
    const resourceId = await createdPrincipal(client, "Resource");
    const assignment = { principalId: id, resourceId, appRoleId: NO_ROLE };
    await created(client, `/servicePrincipals/${id}/appRoleAssignments`, assignment);
  }
  return { ids: [id] };
};

/** Assignments below a person or a group. */
const assigned: Maker = async (client, example) => {
  const subject = example.segments[0] === "groups" ? TEAM : PERSON;
  const resourceId = await createdPrincipal(client, "Resource");
  const assignment = { principalId: subject, resourceId, appRoleId: NO_ROLE };
  if (example.method === "POST") return { ids: [subject], body: assignment };
  const made = await created(client, `/${example.segments[0] ?? ""}/${subject}/appRoleAssignments`, assignment);
  const query = example.target.includes("resourceId eq") ? { query: `?$filter=resourceId eq ${resourceId}` } : {};
  return { ids: [subject, textIn(made, "id") ?? ""], ...query };
};

const subscription: Maker = async (client, example) => {
  const url = await client.webhook();
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
  const own = { notificationUrl: url, expirationDateTime: inAnHour, resource: "/users", changeType: "updated" };
  if (example.method === "POST") {
    const lifecycle = isObject(example.body) && "lifecycleNotificationUrl" in example.body;
    const body = isObject(example.body) ? example.body : {};
    return { body: { ...body, ...own, ...(lifecycle ? { lifecycleNotificationUrl: url } : {}) } };
  }
  const made = await created(client, "/subscriptions", { ...own, clientState: "secretClientValue" });
  const body = example.method === "PATCH" ? { body: { expirationDateTime: inAnHour } } : {};
  return { ids: [textIn(made, "id") ?? ""], ...body };
};

/** What is made by the page of its own, such as a conditional access policy. */
const posted =
  (path: string, ...bodies: readonly JsonObject[]): Maker =>
  async (client, { method, segments }) => {
    if (method === "POST" && segments.length === path.split("/").length - 1) return {};
    const ids = await Promise.all(bodies.map(async (body) => textIn(await created(client, path, body), "id") ?? ""));
    return { ids };
  };

const IP_RANGE = { "@odata.type": "#microsoft.graph.iPv4CidrRange", cidrAddress: "12.34.221.11/22" };
const NAMED_LOCATIONS: readonly JsonObject[] = [
  {
    "@odata.type": "#microsoft.graph.ipNamedLocation",
    displayName: "Untrusted IP named location",
    isTrusted: false,
    ipRanges: [IP_RANGE],
  },
  {
    "@odata.type": "#microsoft.graph.countryNamedLocation",
    displayName: "Named location with unknown countries",
    countriesAndRegions: ["US", "CA"],
    includeUnknownCountriesAndRegions: true,
  },
];
const POLICY: JsonObject = {
  displayName: "Access to EXO requires MFA",
  state: "enabled",
  conditions: {
    clientAppTypes: ["mobileAppsAndDesktopClients", "browser"],
    applications: { includeApplications: ["00000002-0000-0ff1-ce00-000000000000"] },
    users: { includeGroups: [TEAM] },
    locations: { includeLocations: ["All"], excludeLocations: ["AllTrusted"] },
  },
  grantControls: { operator: "OR", builtInControls: ["mfa"] },
};
const REVIEW: JsonObject = {
  displayName: "Test create",
  descriptionForAdmins: "New scheduled access review",
  descriptionForReviewers: "If you have any questions, contact jerry@contoso.com",
  scope: {
    "@odata.type": "#microsoft.graph.accessReviewQueryScope",
    query: `/groups/${TEAM}/transitiveMembers`,
    queryType: "MicrosoftGraph",
  },
  reviewers: [{ query: `/users/${PERSON}`, queryType: "MicrosoftGraph" }],
  settings: { mailNotificationsEnabled: true, instanceDurationInDays: 1 },
};

/** A review with its first instance and that one's first decision, as far as the path goes. */
const review: Maker = async (client, { method, segments }) => {
  const path = "/identityGovernance/accessReviews/definitions";
  if (method === "POST" && segments.length === 3) return {};
  const definition = textIn(await created(client, path, REVIEW), "id") ?? "";
  const ids = [definition];
  const body = method === "PUT" ? { body: { ...REVIEW, id: definition } } : {};
  for (const below of ["instances", "decisions"]) {
    if (!segments.includes(below)) break;
    const found = listIn(await client.get(`${path}/${ids.join("/instances/")}/${below}`), "value")[0];
    ids.push(textIn(found, "id") ?? "");
  }
  return { ids, ...body };
};

const deleted: Maker = async (client, _, { players }) => {
  for (const { kind, id } of players) await client.send("DELETE", `/${kind}s/${id}`);
  if (players.length === 0) await client.send("DELETE", `/users/${PERSON}`);
  return { ids: [players[0]?.id ?? PERSON] };
};

const owned: Maker = async (client, { method }, { players }) => {
  const owners = method === "GET" ? players.map(({ id }) => id) : [PERSON, OTHER];
  for (const id of owners) await created(client, `/groups/${TEAM}/owners/$ref`, reference(client, id));
  return { ids: [TEAM, PERSON] };
};

/** A licence that the tenant has and the person gets. */
const licence: Maker = async (client, { segments }) => {
  const skuId = textIn(listIn(await client.get("/subscribedSkus"), "value")[0], "skuId");
  const body = { addLicenses: [{ skuId, disabledPlans: [] }], removeLicenses: [] };
  await client.send("PATCH", `/users/${PERSON}`, { usageLocation: "DE" });
  if (!segments.includes("assignLicense")) await client.send("POST", `/users/${PERSON}/assignLicense`, body);
  return { ids: [PERSON], body };
};

/** By the first segments of the path. */
const MAKERS: Readonly<Record<string, Maker>> = {
  "groups/owners": owned,
  "groups/appRoleAssignments": assigned,
  "users/appRoleAssignments": assigned,
  "users/licenseDetails": licence,
  "users/assignLicense": licence,
  "directory/deletedItems": deleted,
  applications: application,
  servicePrincipals: principal,
  subscriptions: subscription,
  "directoryObjects/getAvailableExtensionProperties": async (client) => {
    const { id } = await createdApp(client, "Extender");
    const extension = { name: "jobGroup", dataType: "String", targetObjects: ["User"] };
    await created(client, `/applications/${id}/extensionProperties`, extension);
    return { body: {} };
  },
  oauth2PermissionGrants: async (client) => {
    await grant(client, await createdPrincipal(client, "Client"));
    return {};
  },
  "identity/conditionalAccess/policies": posted("/identity/conditionalAccess/policies", POLICY),
  "identity/conditionalAccess/namedLocations": posted("/identity/conditionalAccess/namedLocations", ...NAMED_LOCATIONS),
  "identityGovernance/accessReviews/definitions": review,
};

/** Sets the stage by requests of its own. Throws where the simulator refuses one of them. */
export async function propsFor(client: Graph, example: Example, stage: Stage): Promise<Props> {
  const { segments } = example;
  const [set = "", second = ""] = segments;
  const keys = [segments.slice(0, 3).join("/"), `${set}/${relationOf(example)}`, `${set}/${second}`, set];
  const maker = keys.map((key) => MAKERS[key]).find((one) => one !== undefined);
  return maker === undefined ? {} : maker(client, example, stage);
}

async function createdApp(
  client: Graph,
  displayName: string,
): Promise<{ readonly id: string; readonly appId: string }> {
  const made = await created(client, "/applications", { displayName });
  return { id: textIn(made, "id") ?? "", appId: textIn(made, "appId") ?? "" };
}

async function createdPrincipal(client: Graph, displayName: string): Promise<string> {
  const { appId } = await createdApp(client, displayName);
  return textIn(await created(client, "/servicePrincipals", { appId }), "id") ?? "";
}

async function grant(client: Graph, clientId: string): Promise<void> {
  const graph = await client.get("/servicePrincipals?$filter=appId eq '00000003-0000-0000-c000-000000000000'");
  const resourceId = textIn(listIn(graph, "value")[0], "id");
  await created(client, "/oauth2PermissionGrants", {
    clientId,
    consentType: "AllPrincipals",
    resourceId,
    scope: "User.Read",
  });
}

async function created(client: Graph, path: string, body: object): Promise<Json> {
  const answer = await client.send("POST", path, body);
  if (answer.status >= 300) throw new Refused(`POST ${path} to set the stage: ${answer.status} ${answer.text}`);
  return answer.json;
}

/** The simulator refused what sets the stage. */
export class Refused extends Error {}

function reference(client: Graph, id: string): object {
  return { "@odata.id": `${client.base}/directoryObjects/${id}` };
}
