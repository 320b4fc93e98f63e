import { type AssignedApplication, type Assignment, type AssignmentReader, ConnectorError } from "@entrain/core";
import { type Entity, type GraphClient, GraphRefusal, type GraphRequest } from "./client.ts";
import type { EntraOptions } from "./options.ts";
import { exist } from "./presence.ts";
import { wholeList } from "./whole-list.ts";

/** The largest page of `appRoleAssignedTo` ("List appRoleAssignments granted for a service principal"). */
const PAGE = 999;
const REQUEST: GraphRequest = { permission: "Application.Read.All" };
/** "Default Access": assigned without a role ("appRoleAssignment resource type"). */
const NO_ROLE = "00000000-0000-0000-0000-000000000000";
const FIELDS = "id,displayName,appRoles";

interface Options {
  readonly client: GraphClient;
  readonly runtime: Pick<EntraOptions, "clock" | "random" | "sleep">;
  readonly concurrency: number;
}

/** Reads `/servicePrincipals(appId='…')` and its `appRoleAssignedTo`. Service principals among the assigned are left out. */
export function assignmentReader(options: () => Options): AssignmentReader {
  return {
    read: (application, signal) => readAssigned(options().client, application, signal),
    standing: async (application, ids, signal) => {
      const path = `/servicePrincipals/${encodeURIComponent(application)}/appRoleAssignedTo`;
      const found = await exist(options(), { ...REQUEST, path, ids: [...new Set(ids)] }, signal);
      return new Set([...found].filter(([, there]) => there).map(([id]) => id));
    },
  };
}

async function readAssigned(
  client: GraphClient,
  application: string,
  signal: AbortSignal,
): Promise<AssignedApplication | null> {
  const principal = await findPrincipal(client, application, signal);
  if (principal === null) return null;
  const roles = rolesOf(principal);
  const assignments: Assignment[] = [];
  const first = `/servicePrincipals/${encodeURIComponent(principal.id)}/appRoleAssignedTo?$top=${PAGE}`;
  const list = { first, request: REQUEST, what: "Reading who is assigned to the application" };
  for await (const entity of wholeList(client, list, signal)) assignments.push(...assignmentIn(entity, roles));
  const { displayName } = principal;
  return { id: principal.id, name: typeof displayName === "string" ? displayName : "", assignments };
}

/** By client id, which is what people have at hand, else by object id. */
async function findPrincipal(client: GraphClient, application: string, signal: AbortSignal): Promise<Entity | null> {
  const id = encodeURIComponent(application);
  for (const path of [`/servicePrincipals(appId='${id}')`, `/servicePrincipals/${id}`]) {
    try {
      const { body } = await client.request(`${path}?$select=${FIELDS}`, REQUEST, signal);
      if (isEntity(body)) return body;
      const message = `GET ${path}: the answer has no id.`;
      throw new ConnectorError("answer_invalid", message, { stops: "run", retry: "later" });
    } catch (error) {
      if (!(error instanceof GraphRefusal) || error.status !== 404 || error.graphCode === "") throw error;
    }
  }
  return null;
}

function isEntity(body: unknown): body is Entity {
  return typeof body === "object" && body !== null && "id" in body && typeof body.id === "string" && body.id !== "";
}

/** Role id to the value that the application's tokens carry; roles made for display alone have none. */
function rolesOf({ appRoles }: Entity): ReadonlyMap<string, string> {
  const list: readonly { readonly [name: string]: unknown }[] = Array.isArray(appRoles) ? appRoles : [];
  return new Map(
    list.flatMap(({ id, value, displayName }): readonly (readonly [string, string])[] => {
      const name = typeof value === "string" && value !== "" ? value : displayName;
      return typeof id === "string" && typeof name === "string" ? [[id, name]] : [];
    }),
  );
}

/** @throws ConnectorError `answer_invalid` for an assignment of nobody: leaving it out would look like a removal */
function assignmentIn(entity: Entity, roles: ReadonlyMap<string, string>): readonly Assignment[] {
  const { id, principalId, principalType, appRoleId } = entity;
  if (typeof principalId !== "string" || typeof principalType !== "string") {
    const message = `The assignment ${id} does not say whose it is.`;
    throw new ConnectorError("answer_invalid", message, { stops: "run", retry: "later" });
  }
  if (principalType !== "User" && principalType !== "Group") return [];
  const role = typeof appRoleId === "string" && appRoleId !== NO_ROLE ? (roles.get(appRoleId) ?? appRoleId) : null;
  return [{ id, principal: principalId, type: principalType === "User" ? "user" : "group", role }];
}
