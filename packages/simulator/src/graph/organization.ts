import type { Context } from "./context.ts";
import { type GraphResponse, notFound } from "./request.ts";
import type { Endpoint } from "./routes.ts";

/** The tenant itself ("List organization", "Get organization"). */
export const ORGANIZATION: readonly Endpoint[] = [
  { method: "GET", path: "/organization", rule: "organization", cost: 1, handle: listOrganization },
  {
    method: "GET",
    path: "/organization/{id}",
    rule: "organization",
    cost: 1,
    handle: (context, { id = "" }) => {
      if (id.toLowerCase() !== context.tenant.id) throw notFound(id);
      return {
        status: 200,
        json: { "@odata.context": `${context.base}/$metadata#organization/$entity`, ...selected(context) },
      };
    },
  },
];

function listOrganization(context: Context): GraphResponse {
  return {
    status: 200,
    json: { "@odata.context": `${context.base}/$metadata#organization`, value: [selected(context)] },
  };
}

function selected({ tenant, options }: Context): Readonly<Record<string, unknown>> {
  if (options.select === null) return tenant.organization;
  return Object.fromEntries(options.select.map((name) => [name, tenant.organization[name] ?? null]));
}
