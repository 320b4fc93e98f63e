import { ConnectorError, type SourceAttributes } from "@entrain/core";
import { type Entity, type GraphClient, GraphRefusal, type GraphRequest } from "./client.ts";
import { HASTY } from "./sender.ts";
import { wholeList } from "./whole-list.ts";

/** A directory extension as its application declared it ("extensionProperty resource type"). */
export interface Extension {
  /** `extension_{application without dashes}_{name}`. */
  readonly name: string;
  readonly type: string;
  readonly list: boolean;
  readonly users: boolean;
  readonly groups: boolean;
  /** The declaring application's name; empty where Graph does not tell it. */
  readonly declaredBy: string;
}

const ALL = "/directoryObjects/getAvailableExtensionProperties";
const FIELDS = "$select=id,name,dataType,isMultiValued,targetObjects,appDisplayName";
/** The application under which Microsoft Entra Connect declares what it brings from Active Directory. */
const SYNCHRONIZED = "Tenant Schema Extension App";

/**
 * The directory extensions of the tenant. All of them take Directory.Read.All, and Graph answers none at all in a tenant with
 * more than 1,000 service principals ("getAvailableExtensionProperties", known issue); then those of the given applications and of
 * Entra Connect's are asked for one by one, which Application.Read.All opens.
 */
export async function tenantExtensions(
  client: GraphClient,
  applications: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly extensions: readonly Extension[]; readonly issues: SourceAttributes["issues"] }> {
  try {
    const all = await client.page(ALL, { permission: "Directory.Read.All", patience: HASTY, body: {} }, signal);
    if (all.entities.length > 0) return { extensions: all.entities.flatMap(extensionsIn), issues: [] };
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  try {
    return { extensions: await single(client, applications, signal), issues: [] };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const detail = `Directory extensions cannot be listed: ${error.message} Grant Application.Read.All (or Directory.Read.All) to see them here; one whose name is known can be mapped without.`;
    return { extensions: [], issues: [{ code: "permission_missing", detail }] };
  }
}

async function single(
  client: GraphClient,
  applications: readonly string[],
  signal: AbortSignal,
): Promise<readonly Extension[]> {
  const filter = `$filter=startswith(displayName,'${SYNCHRONIZED}')`;
  const synchronized = await pages(client, `/applications?$select=id,appId&${filter}`, signal);
  const found = synchronized.map(({ appId }) => appId).filter((appId) => typeof appId === "string");
  const all = new Map<string, Extension>();
  for (const appId of new Set([...applications, ...found])) {
    for (const entity of await declaredBy(client, appId, signal)) {
      for (const extension of extensionsIn(entity)) all.set(extension.name, extension);
    }
  }
  return [...all.values()];
}

/** What an application declared; nothing for one that is registered in another tenant or gone. */
async function declaredBy(client: GraphClient, appId: string, signal: AbortSignal): Promise<readonly Entity[]> {
  try {
    const path = `/applications(appId='${encodeURIComponent(appId)}')/extensionProperties`;
    return await pages(client, `${path}?${FIELDS}`, signal);
  } catch (error) {
    if (error instanceof GraphRefusal && error.status === 404) return [];
    throw error;
  }
}

async function pages(client: GraphClient, first: string, signal: AbortSignal): Promise<readonly Entity[]> {
  const request: GraphRequest = { permission: "Application.Read.All", patience: HASTY };
  const all: Entity[] = [];
  const list = { first, request, what: "Reading directory extensions" };
  for await (const entity of wholeList(client, list, signal)) all.push(entity);
  return all;
}

function extensionsIn(entity: Entity): readonly Extension[] {
  const { name, dataType, isMultiValued, targetObjects, appDisplayName } = entity;
  if (typeof name !== "string") return [];
  const targets: readonly unknown[] = Array.isArray(targetObjects) ? targetObjects : [];
  return [
    {
      name,
      type: typeof dataType === "string" ? dataType : "String",
      list: isMultiValued === true,
      users: targets.includes("User"),
      groups: targets.includes("Group"),
      declaredBy: typeof appDisplayName === "string" ? appDisplayName : "",
    },
  ];
}

/** Graph refused for want of a permission, or does not know the request here: what is asked for is left out. */
function isRefusal(error: unknown): error is ConnectorError {
  return error instanceof ConnectorError && (error.code === "permission_missing" || error.code === "request_refused");
}
