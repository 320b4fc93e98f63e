import {
  castOf,
  everything,
  findObject,
  membersOf,
  related,
  transitiveGroups,
  transitiveMembers,
} from "./collections.ts";
import type { Context } from "./context.ts";
import { deltaPage } from "./delta.ts";
import { parseExpand } from "./expand.ts";
import { countOnly, listPage } from "./list.ts";
import { checkSelect, contextUrl, type Rendered, renderObject } from "./render.ts";
import type { GraphResponse } from "./request.ts";
import type { Endpoint, Parameters } from "./routes.ts";

type Group = ReturnType<typeof findObject>;

/** Reading groups and their memberships. */
export const GROUP_READS: readonly Endpoint[] = [
  { method: "GET", path: "/groups", rule: "readGroups", cost: 1, handle: (c) => listPage(c, everything(c, "group")) },
  {
    method: "GET",
    path: "/groups/$count",
    rule: "readGroups",
    cost: 1,
    handle: (c) => countOnly(c, everything(c, "group")),
  },
  { method: "GET", path: "/groups/delta", rule: "deltaGroups", cost: 1, handle: (c) => deltaPage(c, "group") },
  { method: "GET", path: "/groups/{group}", rule: "readGroups", cost: 1, handle: getGroup },
  { method: "GET", path: "/groups/{group}/members/$ref", rule: "readMembers", cost: 3, handle: memberReferences },
  ...relationship("members", "readMembers", 3, membersOf),
  ...relationship("transitiveMembers", "readMembers", 5, transitiveMembers),
  ...relationship("memberOf", "readMembers", 2, (c, group) => c.view.memberOf(group)),
  ...relationship("transitiveMemberOf", "readMembers", 2, transitiveGroups),
  ...relationship("owners", "readMembers", 1, () => []),
];

function relationship(
  name: string,
  rule: Endpoint["rule"],
  cost: number,
  ordinals: (context: Context, group: Group) => readonly number[],
): readonly Endpoint[] {
  const collection = (c: Context, { group = "", cast }: Parameters): ReturnType<typeof related> => {
    const found = findObject(c, "group", group);
    return related(c, `groups/${found.id}/${name}`, ordinals(c, found), castOf(cast), name.startsWith("transitive"));
  };
  return ["", "/{cast}"].flatMap((cast) => [
    {
      method: "GET",
      path: `/groups/{group}/${name}${cast}`,
      rule,
      cost,
      handle: (c, p) => listPage(c, collection(c, p)),
    },
    {
      method: "GET",
      path: `/groups/{group}/${name}${cast}/$count`,
      rule,
      cost,
      handle: (c, p) => countOnly(c, collection(c, p)),
    },
  ]);
}

function getGroup(context: Context, { group: key = "" }: Parameters): GraphResponse {
  const { options } = context;
  const select = checkSelect("group", options.select, false);
  const group = findObject(context, "group", key);
  const json: Rendered = {
    "@odata.context": contextUrl(context, "groups", options.select, true),
    ...renderObject(context, group, select),
  };
  if (options.expand !== null) {
    const expansion = parseExpand("group", options.expand);
    json[expansion.property] = expansion.valueOf(context, group);
  }
  return { status: 200, json };
}

function memberReferences(context: Context, { group: key = "" }: Parameters): GraphResponse {
  const group = findObject(context, "group", key);
  const page = listPage(context, related(context, `groups/${group.id}/members/$ref`, membersOf(context, group), null));
  const json = page.json as { readonly value: readonly Rendered[] };
  const value = json.value.map(({ id }) => ({ "@odata.id": `${context.base}/directoryObjects/${String(id)}` }));
  return { ...page, json: { ...json, "@odata.context": contextUrl(context, "Collection($ref)", null), value } };
}
