import { castOf, everything, findObject, related, transitiveGroups } from "./collections.ts";
import type { Context } from "./context.ts";
import { deltaPage } from "./delta.ts";
import { countOnly, listPage } from "./list.ts";
import { checkSelect, contextUrl, renderObject } from "./render.ts";
import type { GraphResponse } from "./request.ts";
import type { Endpoint, Parameters } from "./routes.ts";

/** Organizational contacts, which Graph only reads ("orgContact resource type"). */
export const CONTACTS: readonly Endpoint[] = [
  {
    method: "GET",
    path: "/contacts",
    rule: "readContacts",
    cost: 1,
    handle: (c) => listPage(c, everything(c, "orgContact")),
  },
  {
    method: "GET",
    path: "/contacts/$count",
    rule: "readContacts",
    cost: 1,
    handle: (c) => countOnly(c, everything(c, "orgContact")),
  },
  { method: "GET", path: "/contacts/delta", rule: "readContacts", cost: 1, handle: (c) => deltaPage(c, "orgContact") },
  { method: "GET", path: "/contacts/{contact}", rule: "readContacts", cost: 1, handle: getContact },
  ...memberships("memberOf", (c, contact) => c.view.memberOf(contact)),
  ...memberships("transitiveMemberOf", transitiveGroups),
];

function memberships(
  name: string,
  ordinals: (context: Context, contact: ReturnType<typeof findObject>) => readonly number[],
): readonly Endpoint[] {
  return ["", "/{cast}"].map((cast) => ({
    method: "GET",
    path: `/contacts/{contact}/${name}${cast}`,
    rule: "contactMemberOf",
    cost: 2,
    handle: (c, { contact = "", cast: type }) => {
      const found = findObject(c, "orgContact", contact);
      const path = `contacts/${found.id}/${name}`;
      return listPage(c, related(c, path, ordinals(c, found), castOf(type), name.startsWith("transitive")));
    },
  }));
}

function getContact(context: Context, { contact: key = "" }: Parameters): GraphResponse {
  const select = checkSelect("orgContact", context.options.select, false);
  const contact = findObject(context, "orgContact", key);
  const json = {
    "@odata.context": contextUrl(context, "contacts", context.options.select, true),
    ...renderObject(context, contact, select),
  };
  return { status: 200, json };
}
