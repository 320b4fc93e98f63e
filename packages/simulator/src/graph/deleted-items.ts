import { permits } from "../permissions.ts";
import type { DirectoryObject, Kind } from "../state/objects.ts";
import type { Collection } from "./collection.ts";
import { castOf } from "./collections.ts";
import type { Context } from "./context.ts";
import { countOnly, listPage } from "./list.ts";
import { contextUrl, renderMember } from "./render.ts";
import { denied, type GraphResponse, notFound } from "./request.ts";
import type { Endpoint, Parameters } from "./routes.ts";
import { setName } from "./schema.ts";
import { conflict } from "./validate.ts";

const PATH = "/directory/deletedItems";

/** The recycle bin ("List deletedItems", "Get deleted item", "Restore deleted item", "Permanently delete item"). */
export const DELETED_ITEMS: readonly Endpoint[] = [
  { method: "GET", path: PATH, rule: "deletedAny", cost: 1, handle: (c) => listPage(c, deletedItems(c, null)) },
  {
    method: "GET",
    path: `${PATH}/{cast}`,
    rule: "deletedAny",
    cost: 1,
    handle: (c, p) => listPage(c, castItems(c, p)),
  },
  {
    method: "GET",
    path: `${PATH}/{cast}/$count`,
    rule: "deletedAny",
    cost: 1,
    handle: (c, p) => countOnly(c, castItems(c, p)),
  },
  { method: "GET", path: `${PATH}/{item}`, rule: "deletedAny", cost: 1, handle: getItem },
  { method: "POST", path: `${PATH}/{item}/restore`, rule: "restoreAny", cost: 1, handle: restoreItem },
  { method: "DELETE", path: `${PATH}/{item}`, rule: "restoreAny", cost: 1, handle: purgeItem },
];

function castItems(context: Context, { cast }: Parameters): Collection {
  const kind = castOf(cast);
  if (!permits(kind === "group" ? "deletedGroups" : "deletedUsers", context.roles)) throw denied();
  return deletedItems(context, kind);
}

function deletedItems(context: Context, kind: Kind | null): Collection {
  const set = kind === null ? "directoryObjects" : setName(kind);
  return {
    kind: kind ?? "user",
    mixed: kind === null,
    set,
    path: `directory/deletedItems${kind === null ? "" : `/microsoft.graph.${kind}`}`,
    after: (ordinal) =>
      [...context.directory.deletedItems()]
        .filter((object) => object.ordinal > ordinal && (kind === null || object.kind === kind))
        .filter((object) => context.view.isDeleted(object))
        .sort((a, b) => a.ordinal - b.ordinal),
  };
}

function findItem(context: Context, id: string): DirectoryObject {
  const object = context.directory.byId(id);
  if (object === undefined || !context.view.isDeleted(object)) throw notFound(id);
  return object;
}

function itemBody(context: Context, object: DirectoryObject): GraphResponse {
  const json = {
    "@odata.context": contextUrl(context, "directoryObjects", null, true),
    ...renderMember(context, object, context.options.select),
  };
  return { status: 200, json };
}

function getItem(context: Context, { item: id = "" }: Parameters): GraphResponse {
  return itemBody(context, findItem(context, id));
}

function checkRestore(context: Context, object: DirectoryObject): void {
  if (!permits(object.kind === "user" ? "restoreUser" : "restoreGroup", context.roles)) throw denied();
}

function restoreItem(context: Context, { item: id = "" }: Parameters): GraphResponse {
  const object = findItem(context, id);
  checkRestore(context, object);
  const name = object.kept?.userPrincipalName ?? null;
  if (name !== null && context.directory.byUserPrincipalName(name) !== undefined) throw conflict("userPrincipalName");
  context.directory.restore(object);
  return itemBody({ ...context, view: context.directory.current }, object);
}

function purgeItem(context: Context, { item: id = "" }: Parameters): GraphResponse {
  const object = findItem(context, id);
  checkRestore(context, object);
  context.directory.purge(object);
  return { status: 204 };
}
