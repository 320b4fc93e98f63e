import { EXTENSION_TYPES, type ExtensionProperty } from "../tenancy/extension-properties.ts";
import type { Json } from "../tenant/types.ts";
import { find as findApplication } from "./applications.ts";
import { findObject } from "./collections.ts";
import type { Context } from "./context.ts";
import { plainEntity, plainPage } from "./plain-list.ts";
import { badRequest, type GraphResponse, notFound } from "./request.ts";
import type { Endpoint, Parameters } from "./routes.ts";
import { bodyOf, conflict } from "./validate.ts";

const PATH = "/applications/{app}/extensionProperties";
const OPEN = "/users/{user}/extensions";

/** Directory extensions ("extensionProperty resource type") and open extensions ("openTypeExtension resource type"). */
export const EXTENSIONS: readonly Endpoint[] = [
  { method: "GET", path: PATH, rule: "readExtensions", cost: 1, handle: list },
  { method: "POST", path: PATH, rule: "writeExtensions", cost: 1, handle: declare },
  { method: "GET", path: `${PATH}/{extension}`, rule: "readExtensions", cost: 1, handle: get },
  { method: "DELETE", path: `${PATH}/{extension}`, rule: "writeExtensions", cost: 1, handle: remove },
  {
    method: "POST",
    path: "/directoryObjects/getAvailableExtensionProperties",
    rule: "readExtensions",
    cost: 1,
    reads: true,
    handle: available,
  },
  { method: "GET", path: OPEN, rule: "readOpenExtensions", cost: 1, handle: listOpen },
  { method: "POST", path: OPEN, rule: "writeOpenExtensions", cost: 1, handle: createOpen },
  { method: "GET", path: `${OPEN}/{extension}`, rule: "readOpenExtensions", cost: 1, handle: getOpen },
  { method: "DELETE", path: `${OPEN}/{extension}`, rule: "writeOpenExtensions", cost: 1, handle: removeOpen },
];

function rendered({ appId: _, ...extension }: ExtensionProperty): Readonly<Record<string, Json>> {
  return { deletedDateTime: null, ...extension };
}

function of(context: Context, parameters: Parameters): readonly ExtensionProperty[] {
  const { appId } = findApplication(context, parameters);
  return context.extensions.list().filter((extension) => extension.appId === appId);
}

function one(context: Context, parameters: Parameters): ExtensionProperty {
  const { extension: id = "" } = parameters;
  const found = of(context, parameters).find((extension) => extension.id === id.toLowerCase());
  if (found === undefined) throw notFound(id);
  return found;
}

function setOf(context: Context, parameters: Parameters): string {
  return `applications('${findApplication(context, parameters).id}')/extensionProperties`;
}

function list(context: Context, parameters: Parameters): GraphResponse {
  return plainPage(context, setOf(context, parameters), of(context, parameters).map(rendered));
}

function get(context: Context, parameters: Parameters): GraphResponse {
  return plainEntity(context, setOf(context, parameters), rendered(one(context, parameters)));
}

function remove(context: Context, parameters: Parameters): GraphResponse {
  context.extensions.remove(one(context, parameters));
  return { status: 204 };
}

function declare(context: Context, parameters: Parameters): GraphResponse {
  const application = findApplication(context, parameters);
  const { name, dataType, targetObjects, isMultiValued = false } = bodyOf(context.request);
  if (typeof name !== "string" || !/^[A-Za-z]\w*$/.test(name)) throw badRequest("The property 'name' is not valid.");
  const type = EXTENSION_TYPES.find((candidate) => candidate === dataType);
  if (type === undefined) throw badRequest(`The property 'dataType' must be one of ${EXTENSION_TYPES.join(", ")}.`);
  const targets = Array.isArray(targetObjects) ? targetObjects.map(String) : [];
  const known = ["User", "Group", "AdministrativeUnit", "Application", "Device", "Organization"];
  if (targets.length === 0 || targets.some((target) => !known.includes(target))) {
    throw badRequest(`The property 'targetObjects' must name one or more of ${known.join(", ")}.`);
  }
  const declared = context.extensions.declare({
    appId: application.appId,
    appDisplayName: String(application.properties.displayName ?? ""),
    name: `extension_${application.appId.replaceAll("-", "")}_${name}`,
    dataType: type,
    isMultiValued: isMultiValued === true,
    isSyncedFromOnPremises: false,
    targetObjects: targets,
  });
  if (declared === null) throw conflict("name");
  return plainEntity(context, setOf(context, parameters), rendered(declared), 201);
}

function available(context: Context): GraphResponse {
  const { isSyncedFromOnPremises: synced } = bodyOf(context.request);
  const value = context.extensions
    .list()
    .filter((extension) => typeof synced !== "boolean" || extension.isSyncedFromOnPremises === synced)
    .map((extension) => ({ "@odata.type": "#microsoft.graph.extensionProperty", ...rendered(extension) }));
  return { status: 200, json: { "@odata.context": `${context.base}/$metadata#extensionProperties`, value } };
}

type OpenExtension = Readonly<Record<string, Json>>;

function openOf(context: Context, { user: key = "" }: Parameters): readonly OpenExtension[] {
  const { extensions } = context.view.properties(findObject(context, "user", key));
  return Array.isArray(extensions) ? (extensions as readonly OpenExtension[]) : [];
}

function openSet(context: Context, { user: key = "" }: Parameters): string {
  return `users('${findObject(context, "user", key).id}')/extensions`;
}

function listOpen(context: Context, parameters: Parameters): GraphResponse {
  return plainPage(context, openSet(context, parameters), openOf(context, parameters));
}

function findOpen(context: Context, parameters: Parameters): OpenExtension {
  const { extension: name = "" } = parameters;
  const short = name.replace(/^microsoft\.graph\.openTypeExtension\./i, "");
  const found = openOf(context, parameters).find(({ extensionName }) => extensionName === short);
  if (found === undefined) throw notFound(name);
  return found;
}

function getOpen(context: Context, parameters: Parameters): GraphResponse {
  return plainEntity(context, openSet(context, parameters), findOpen(context, parameters));
}

function createOpen(context: Context, parameters: Parameters): GraphResponse {
  const user = findObject(context, "user", parameters.user ?? "");
  const { "@odata.type": _, ...body } = bodyOf(context.request);
  const name = body.extensionName;
  if (typeof name !== "string" || !/^[\w.]{1,128}$/.test(name)) {
    throw badRequest("The property 'extensionName' is required and must be a name of at most 128 characters.");
  }
  const old = openOf(context, parameters);
  if (old.some(({ extensionName }) => extensionName === name)) throw conflict("extensionName");
  const created = { "@odata.type": "#microsoft.graph.openTypeExtension", ...body, id: name };
  context.directory.update(user, { extensions: [...old, created] });
  return plainEntity(context, openSet(context, parameters), created, 201);
}

function removeOpen(context: Context, parameters: Parameters): GraphResponse {
  const user = findObject(context, "user", parameters.user ?? "");
  const gone = findOpen(context, parameters);
  context.directory.update(user, { extensions: openOf(context, parameters).filter((other) => other !== gone) });
  return { status: 204 };
}
