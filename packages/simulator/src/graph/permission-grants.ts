import { scopesIn } from "../applications/applications.ts";
import { scopeNamed } from "../applications/catalogue.ts";
import type { PermissionGrant } from "../applications/model.ts";
import type { Json } from "../tenant/types.ts";
import { findObject } from "./collections.ts";
import type { Context } from "./context.ts";
import { type PlainRecord, plainEntity, plainPage } from "./plain-list.ts";
import { badRequest, type GraphResponse, notFound } from "./request.ts";
import type { Endpoint, Parameters } from "./routes.ts";
import { findPrincipal } from "./service-principals.ts";
import { bodyOf } from "./validate.ts";

const SET = "oauth2PermissionGrants";

/** Delegated permissions that were consented to ("oAuth2PermissionGrant resource type"). */
export const PERMISSION_GRANTS: readonly Endpoint[] = [
  { method: "GET", path: `/${SET}`, rule: "readGrants", cost: 1, handle: (c) => plainPage(c, SET, listed(c)) },
  {
    method: "GET",
    path: `/${SET}/{grant}`,
    rule: "readGrants",
    cost: 1,
    handle: (c, p) => plainEntity(c, SET, render(find(c, p))),
  },
  {
    method: "GET",
    path: `/servicePrincipals/{principal}/${SET}`,
    rule: "readGrants",
    cost: 1,
    handle: (c, { principal = "" }) => {
      const { id } = findPrincipal(c, principal);
      return plainPage(
        c,
        SET,
        listed(c).filter(({ clientId }) => clientId === id),
      );
    },
  },
  { method: "POST", path: `/${SET}`, rule: "writeGrants", cost: 1, handle: create },
  { method: "PATCH", path: `/${SET}/{grant}`, rule: "writeGrants", cost: 1, handle: update },
  { method: "DELETE", path: `/${SET}/{grant}`, rule: "writeGrants", cost: 1, handle: remove },
];

function listed({ identity, realm }: Context): readonly PlainRecord[] {
  return identity.applications.grants(realm.profile.id).map(render);
}

function create(context: Context): GraphResponse {
  const { identity, realm } = context;
  const { clientId, consentType, principalId = null, resourceId, scope } = bodyOf(context.request);
  if (consentType !== "AllPrincipals" && consentType !== "Principal") {
    throw badRequest("Property consentType must be 'AllPrincipals' or 'Principal'.");
  }
  if ((consentType === "Principal") !== (typeof principalId === "string")) {
    throw badRequest("Property principalId must be given for consentType 'Principal', and for no other.");
  }
  const client = findPrincipal(context, String(clientId));
  const resource = findPrincipal(context, String(resourceId));
  const person = typeof principalId === "string" ? findObject(context, "user", principalId).id : null;
  const known = identity.applications
    .grants(realm.profile.id)
    .some((grant) => grant.clientId === client.id && grant.resourceId === resource.id && grant.principalId === person);
  if (known) throw badRequest("Permission entry already exists.");
  const text = scopeOf(scope ?? "");
  const grant = identity.applications.addGrant({
    tenant: realm.profile.id,
    clientId: client.id,
    principalId: person,
    resourceId: resource.id,
  });
  identity.applications.writeGrant(grant, text);
  return plainEntity(context, SET, render(grant), 201);
}

function update(context: Context, parameters: Parameters): GraphResponse {
  const grant = find(context, parameters);
  context.identity.applications.writeGrant(grant, scopeOf(bodyOf(context.request).scope ?? ""));
  return { status: 204 };
}

function remove(context: Context, parameters: Parameters): GraphResponse {
  context.identity.applications.removeGrant(find(context, parameters));
  return { status: 204 };
}

function scopeOf(value: Json): string {
  const names = String(value)
    .split(" ")
    .filter((name) => name !== "");
  const unknown = names.find((name) => scopeNamed(name) === undefined);
  if (unknown !== undefined) throw badRequest(`The scope '${unknown}' does not exist on the resource application.`);
  return names.join(" ");
}

function find({ identity, realm }: Context, { grant = "" }: Parameters): PermissionGrant {
  const found = identity.applications.grants(realm.profile.id).find(({ id }) => id === grant);
  if (found === undefined) throw notFound(grant);
  return found;
}

function render(grant: PermissionGrant): PlainRecord {
  const { id, clientId, consentType, principalId, resourceId } = grant;
  return { id, clientId, consentType, principalId, resourceId, scope: scopesIn(grant).join(" ") };
}
