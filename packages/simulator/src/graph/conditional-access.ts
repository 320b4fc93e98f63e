import { randomUUID } from "node:crypto";
import type { Json } from "../tenant/types.ts";
import type { Context } from "./context.ts";
import { type PlainRecord, plainEntity, plainPage } from "./plain-list.ts";
import { badRequest, denied, GraphError, type GraphResponse, notFound } from "./request.ts";
import type { Endpoint, Parameters } from "./routes.ts";
import { type Body, bodyOf } from "./validate.ts";

const PATH = "/identity/conditionalAccess/policies";
const SET = "conditionalAccess/policies";
const STATES = ["enabled", "disabled", "enabledForReportingButNotEnforced"];
/** "Create conditionalAccessPolicy": all three are needed. */
const WRITE_NEEDS = ["Policy.Read.All", "Policy.ReadWrite.ConditionalAccess", "Application.Read.All"];

/** Conditional access policies; one request a second for the whole tenant. */
export const CONDITIONAL_ACCESS: readonly Endpoint[] = [
  endpoint("GET", PATH, (c) => plainPage(c, SET, c.policies.list())),
  endpoint("POST", PATH, create),
  endpoint("GET", `${PATH}/{policy}`, (c, p) => plainEntity(c, SET, find(c, p))),
  endpoint("PATCH", `${PATH}/{policy}`, update),
  endpoint("DELETE", `${PATH}/{policy}`, (c, p) => {
    c.policies.remove(String(find(c, p).id));
    return { status: 204 };
  }),
];

function endpoint(
  method: string,
  path: string,
  handle: (context: Context, parameters: Parameters) => GraphResponse,
): Endpoint {
  return {
    method,
    path,
    rule: "readPolicies",
    cost: 1,
    service: "conditionalAccess",
    handle: (context, parameters) => {
      if (method !== "GET" && !WRITE_NEEDS.every((role) => context.roles.has(role))) throw denied();
      if (!context.licences.premium) {
        throw new GraphError(403, "AccessDenied", "Your tenant is not licensed for this feature.");
      }
      return handle(context, parameters);
    },
  };
}

function find({ policies }: Context, { policy: id = "" }: Parameters): PlainRecord {
  const policy = policies.get(id);
  if (policy === undefined) throw notFound(id);
  return policy;
}

function create(context: Context): GraphResponse {
  const body = bodyOf(context.request);
  for (const name of ["displayName", "state", "conditions"]) {
    if (body[name] === undefined || body[name] === null) throw badRequest(`The property '${name}' is required.`);
  }
  check(body);
  const { applications, users, clientAppTypes } = body.conditions as Body;
  if (!isBody(applications) || !isBody(users)) {
    throw badRequest("1032: A policy needs conditions for applications and for users.");
  }
  if (body.grantControls == null && body.sessionControls == null) {
    throw badRequest("1033: A policy needs a grant control or a session control.");
  }
  const policy: PlainRecord = {
    id: randomUUID(),
    displayName: body.displayName ?? null,
    createdDateTime: new Date(context.now).toISOString(),
    modifiedDateTime: null,
    state: body.state ?? null,
    sessionControls: body.sessionControls ?? null,
    conditions: {
      signInRiskLevels: [],
      platforms: null,
      ...(body.conditions as Body),
      clientAppTypes: clientAppTypes ?? ["all"],
      applications: lists(applications, "includeApplications excludeApplications includeUserActions"),
      users: lists(users, "includeUsers excludeUsers includeGroups excludeGroups includeRoles excludeRoles"),
      ...located(body.conditions as Body),
    },
    grantControls: isBody(body.grantControls)
      ? lists(body.grantControls, "builtInControls customAuthenticationFactors termsOfUse")
      : null,
  };
  context.policies.put(policy);
  return plainEntity(context, SET, policy, 201);
}

function located({ locations }: Body): Body {
  return isBody(locations) ? { locations: lists(locations, "includeLocations excludeLocations") } : {};
}

function lists(value: Body, names: string): Body {
  return { ...value, ...Object.fromEntries(names.split(" ").map((name) => [name, value[name] ?? []])) };
}

function update(context: Context, parameters: Parameters): GraphResponse {
  const policy = find(context, parameters);
  const { "@odata.type": _, ...body } = bodyOf(context.request);
  check(body);
  const conditions = { ...(policy.conditions as Body), ...(isBody(body.conditions) ? body.conditions : {}) };
  const modifiedDateTime = new Date(context.now).toISOString();
  context.policies.put({ ...policy, ...body, conditions, id: policy.id ?? null, modifiedDateTime });
  return { status: 204 };
}

const WRITABLE = new Set(["displayName", "state", "conditions", "grantControls", "sessionControls"]);

function check(body: Body): void {
  for (const [name, value] of Object.entries(body)) {
    if (!WRITABLE.has(name)) throw badRequest(`The property '${name}' of a policy cannot be written.`);
    if (name === "state" && !STATES.includes(String(value)))
      throw badRequest(`The state '${String(value)}' is invalid.`);
    if (name === "conditions" && !isBody(value)) throw badRequest("The property 'conditions' must be an object.");
  }
}

function isBody(value: Json | undefined): value is Body {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
