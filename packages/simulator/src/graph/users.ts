import { castOf, everything, findObject, related, transitiveGroups } from "./collections.ts";
import type { Context } from "./context.ts";
import { deltaPage } from "./delta.ts";
import { parseExpand } from "./expand.ts";
import { countOnly, listPage } from "./list.ts";
import { checkSignInActivity, namesSignInActivity } from "./premium.ts";
import { checkSelect, contextUrl, type Rendered, renderMember, renderObject } from "./render.ts";
import { denied, GraphError, type GraphResponse, malformed } from "./request.ts";
import type { Endpoint, Parameters } from "./routes.ts";

/** Reading people and what hangs on them. */
export const USER_READS: readonly Endpoint[] = [
  { method: "GET", path: "/users", rule: "readUsers", cost: 2, handle: (c) => listPage(c, everything(c, "user")) },
  {
    method: "GET",
    path: "/users/$count",
    rule: "readUsers",
    cost: 2,
    handle: (c) => countOnly(c, everything(c, "user")),
  },
  { method: "GET", path: "/users/delta", rule: "deltaUsers", cost: 2, handle: (c) => deltaPage(c, "user") },
  { method: "GET", path: "/users/{user}", rule: "readUsers", cost: 1, handle: getUser },
  { method: "GET", path: "/users/{user}/manager", rule: "readManager", cost: 1, handle: getManager },
  { method: "GET", path: "/users/{user}/manager/$ref", rule: "readManager", cost: 1, handle: getManagerReference },
  ...relationship("directReports", "readManager", 1, (c, user) => c.view.reports(user)),
  ...relationship("memberOf", "memberOf", 2, (c, user) => c.view.memberOf(user)),
  ...relationship("transitiveMemberOf", "transitiveMemberOf", 2, transitiveGroups),
  { method: "GET", path: "/me", rule: "none", cost: 1, handle: getMe },
];

function relationship(
  name: string,
  rule: Endpoint["rule"],
  cost: number,
  ordinals: (context: Context, user: ReturnType<typeof findObject>) => readonly number[],
): readonly Endpoint[] {
  const collection = (c: Context, { user = "", cast }: Parameters): ReturnType<typeof related> => {
    const found = findObject(c, "user", user);
    return related(c, `users/${found.id}/${name}`, ordinals(c, found), castOf(cast), name.startsWith("transitive"));
  };
  return ["", "/{cast}"].flatMap((cast) => [
    {
      method: "GET",
      path: `/users/{user}/${name}${cast}`,
      rule,
      cost,
      handle: (c, p) => listPage(c, collection(c, p)),
    },
    {
      method: "GET",
      path: `/users/{user}/${name}${cast}/$count`,
      rule,
      cost,
      handle: (c, p) => countOnly(c, collection(c, p)),
    },
  ]);
}

function getUser(context: Context, { user: key = "" }: Parameters): GraphResponse {
  const { options } = context;
  if (namesSignInActivity(context)) checkSignInActivity(context);
  const select = checkSelect("user", options.select, false);
  const user = findObject(context, "user", key);
  const json: Rendered = {
    "@odata.context": contextUrl(context, "users", options.select, true),
    ...renderObject(context, user, select),
  };
  if (options.expand !== null) {
    const expansion = parseExpand("user", options.expand);
    json[expansion.property] = expansion.valueOf(context, user);
  }
  return { status: 200, json };
}

function managerOf(context: Context, key: string): ReturnType<typeof findObject> {
  const manager = context.view.manager(findObject(context, "user", key));
  if (manager === null) {
    const text = "Resource 'manager' does not exist or one of its queried reference-property objects are not present.";
    throw new GraphError(404, "Request_ResourceNotFound", text);
  }
  return manager;
}

function getManager(context: Context, { user: key = "" }: Parameters): GraphResponse {
  const select = context.options.select;
  if (select !== null) checkSelect("user", select, false);
  const json = {
    "@odata.context": contextUrl(context, "directoryObjects", select, true),
    ...renderMember(context, managerOf(context, key), select),
  };
  return { status: 200, json };
}

function getManagerReference(context: Context, { user: key = "" }: Parameters): GraphResponse {
  const manager = managerOf(context, key);
  return {
    status: 200,
    json: {
      "@odata.context": contextUrl(context, "$ref", null),
      "@odata.id": `${context.base}/directoryObjects/${manager.id}/Microsoft.DirectoryServices.User`,
    },
  };
}

/** "Get a user" for the person who is signed in. */
function getMe(context: Context): GraphResponse {
  const { caller, roles } = context;
  if (!caller.delegated) throw malformed("/me request is only valid with delegated authentication flow.");
  if (![...roles].some((role) => /^(User\.Read|Directory\.Read)/.test(role))) throw denied();
  // One's own profile shows in full, whatever may be seen of others.
  const access = { ...context.access, user: "full" } as const;
  return getUser({ ...context, access }, { user: caller.principal });
}
