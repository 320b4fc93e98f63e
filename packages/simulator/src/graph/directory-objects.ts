import type { DirectoryObject, Kind } from "../state/objects.ts";
import type { Json } from "../tenant/types.ts";
import { findObject, transitiveGroups } from "./collections.ts";
import type { Context } from "./context.ts";
import { contextUrl, renderMember } from "./render.ts";
import { badRequest, type GraphResponse, notFound } from "./request.ts";
import type { Endpoint, Parameters } from "./routes.ts";
import { setName } from "./schema.ts";
import { bodyOf } from "./validate.ts";

const IDS_MOST = 1000; // "directoryObject: getByIds".
const CHECKED_MOST = 20; // "directoryObject: checkMemberGroups".

/** Objects of any type by id, and membership questions that follow nesting. */
export const DIRECTORY_OBJECTS: readonly Endpoint[] = [
  {
    method: "POST",
    path: "/directoryObjects/getByIds",
    rule: "directoryObjects",
    cost: 3,
    reads: true,
    handle: getByIds,
  },
  { method: "GET", path: "/directoryObjects/{id}", rule: "directoryObjects", cost: 1, handle: getObject },
  ...(["user", "group", "orgContact"] as const).flatMap((kind) => [
    question(kind, "getMemberGroups", 2, memberGroups),
    question(kind, "getMemberObjects", 2, memberGroups),
    question(kind, "checkMemberGroups", 4, checkMemberGroups),
  ]),
];

function question(
  kind: Kind,
  name: string,
  cost: number,
  answer: (context: Context, object: DirectoryObject) => readonly string[],
): Endpoint {
  return {
    method: "POST",
    path: `/${setName(kind)}/{id}/${name}`,
    rule: "transitiveMemberOf",
    cost,
    reads: true,
    handle: (context, { id = "" }) => ({
      status: 200,
      json: {
        "@odata.context": `${context.base}/$metadata#Collection(Edm.String)`,
        value: answer(context, findObject(context, kind, id)),
      },
    }),
  };
}

function getByIds(context: Context): GraphResponse {
  const body = bodyOf(context.request);
  const ids = textsIn(body.ids, "ids");
  if (ids.length > IDS_MOST) throw badRequest(`The number of ids exceeds the limit of ${IDS_MOST}.`);
  const types = body.types === undefined ? null : textsIn(body.types, "types").map((type) => type.toLowerCase());
  const wanted = (kind: Kind): boolean =>
    types === null || types.some((type) => type === kind.toLowerCase() || type === "directoryobject");
  const found = [...new Set(ids.flatMap((id) => context.directory.byId(id) ?? []))];
  const value = found
    .filter((object) => context.view.isLive(object) && wanted(object.kind))
    .map((object) => renderMember(context, object, context.options.select));
  return { status: 200, json: { "@odata.context": contextUrl(context, "directoryObjects", null), value } };
}

function getObject(context: Context, { id = "" }: Parameters): GraphResponse {
  const object = context.directory.byId(id);
  if (object === undefined || !context.view.isLive(object)) throw notFound(id);
  const json = {
    "@odata.context": contextUrl(context, "directoryObjects", null, true),
    ...renderMember(context, object, context.options.select),
  };
  return { status: 200, json };
}

function memberGroups(context: Context, object: DirectoryObject): readonly string[] {
  const { securityEnabledOnly } = bodyOf(context.request);
  if (typeof securityEnabledOnly !== "boolean") {
    throw badRequest("The parameter 'securityEnabledOnly' is required and must be a boolean.");
  }
  return groupsAbove(context, object)
    .filter((group) => !securityEnabledOnly || context.view.properties(group).securityEnabled === true)
    .map(({ id }) => id);
}

function checkMemberGroups(context: Context, object: DirectoryObject): readonly string[] {
  const ids = textsIn(bodyOf(context.request).groupIds, "groupIds");
  if (ids.length > CHECKED_MOST) throw badRequest(`The number of groupIds exceeds the limit of ${CHECKED_MOST}.`);
  const wanted = new Set(ids.map((id) => id.toLowerCase()));
  return groupsAbove(context, object)
    .map(({ id }) => id)
    .filter((id) => wanted.has(id.toLowerCase()));
}

function groupsAbove(context: Context, object: DirectoryObject): readonly DirectoryObject[] {
  return transitiveGroups(context, object).flatMap((ordinal) => context.directory.at(ordinal) ?? []);
}

function textsIn(value: Json | undefined, name: string): readonly string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value as string[];
  throw badRequest(`The parameter '${name}' is required and must be a collection of strings.`);
}
