import { randomUUID } from "node:crypto";
import type { FederatedCredential } from "../applications/model.ts";
import type { Json } from "../tenant/types.ts";
import { find, writable } from "./applications.ts";
import type { Context } from "./context.ts";
import { type PlainRecord, plainEntity, plainPage } from "./plain-list.ts";
import { badRequest, type GraphResponse, notFound } from "./request.ts";
import type { Endpoint, Parameters } from "./routes.ts";
import { type Body, bodyOf } from "./validate.ts";

const MOST = 20; // "Important considerations and restrictions for federated identity credentials".
const LONGEST = 600;
const PATH = "/applications/{app}/federatedIdentityCredentials";
const SET = "federatedIdentityCredentials";

/** Trust in other issuers ("federatedIdentityCredential resource type"). */
export const FEDERATED_CREDENTIALS: readonly Endpoint[] = [
  {
    method: "GET",
    path: PATH,
    rule: "readApplications",
    cost: 1,
    handle: (c, p) => plainPage(c, SET, find(c, p).federated.map(render)),
  },
  {
    method: "GET",
    path: `${PATH}/{credential}`,
    rule: "readApplications",
    cost: 1,
    handle: (c, p) => plainEntity(c, SET, render(credentialOf(find(c, p).federated, p))),
  },
  { method: "POST", path: PATH, rule: "writeApplications", cost: 1, handle: create },
  { method: "PATCH", path: `${PATH}/{credential}`, rule: "writeApplications", cost: 1, handle: update },
  { method: "DELETE", path: `${PATH}/{credential}`, rule: "writeApplications", cost: 1, handle: remove },
];

function create(context: Context, parameters: Parameters): GraphResponse {
  const application = writable(context, parameters);
  const credential = checked(
    bodyOf(context.request),
    { id: randomUUID(), writtenAt: context.now },
    application.federated,
  );
  if (application.federated.length >= MOST) {
    throw badRequest(`The application has ${MOST} federated identity credentials, which is the most there can be.`);
  }
  application.federated = [...application.federated, credential];
  return plainEntity(context, SET, render(credential), 201);
}

function update(context: Context, parameters: Parameters): GraphResponse {
  const application = writable(context, parameters);
  const known = credentialOf(application.federated, parameters);
  const others = application.federated.filter((credential) => credential !== known);
  const { writtenAt: _, ...before } = known;
  const changed = checked(
    { ...before, ...bodyOf(context.request), name: known.name },
    { id: known.id, writtenAt: context.now },
    others,
  );
  application.federated = application.federated.map((credential) => (credential === known ? changed : credential));
  return { status: 204 };
}

function remove(context: Context, parameters: Parameters): GraphResponse {
  const application = writable(context, parameters);
  const known = credentialOf(application.federated, parameters);
  application.federated = application.federated.filter((credential) => credential !== known);
  return { status: 204 };
}

function checked(
  body: Body,
  about: Pick<FederatedCredential, "id" | "writtenAt">,
  others: readonly FederatedCredential[],
): FederatedCredential {
  const name = text(body.name, "name");
  const issuer = text(body.issuer, "issuer");
  const subject = text(body.subject, "subject");
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_-]{2,119}$/.test(name)) {
    throw badRequest("The federated identity credential's name must have 3 to 120 letters, digits, '-' or '_'.");
  }
  // Microsoft takes https alone; issuers on this machine are what tests have.
  if (!URL.canParse(issuer) || !/^https:|^http:\/\/(localhost|127\.|\[::1\])/.test(issuer)) {
    throw badRequest("The issuer of a federated identity credential must be an https URL.");
  }
  const { audiences } = body;
  if (!Array.isArray(audiences) || audiences.length !== 1) {
    throw badRequest("A federated identity credential must have exactly one audience.");
  }
  if (others.some((other) => other.issuer === issuer && other.subject === subject)) {
    throw badRequest("FederatedIdentityCredential with this combination of issuer and subject already exists.");
  }
  if (others.some((other) => other.name === name))
    throw badRequest(`FederatedIdentityCredential with name ${name} already exists.`);
  const description = typeof body.description === "string" ? body.description : null;
  return {
    ...about,
    name,
    issuer,
    subject,
    audiences: audiences.map((one: Json) => text(one, "audiences")),
    description,
  };
}

function text(value: Json | undefined, name: string): string {
  if (typeof value === "string" && value !== "" && value.length <= LONGEST) return value;
  throw badRequest(
    `Property '${name}' of a federated identity credential must be text of at most ${LONGEST} characters.`,
  );
}

function credentialOf(list: readonly FederatedCredential[], { credential = "" }: Parameters): FederatedCredential {
  const found = list.find(({ id, name }) => id === credential || credential === `name=${name}`);
  if (found === undefined) throw notFound(credential);
  return found;
}

function render({ writtenAt: _, ...credential }: FederatedCredential): PlainRecord {
  return credential;
}
