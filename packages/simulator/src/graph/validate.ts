import type { Kind, Properties } from "../state/objects.ts";
import type { ExtensionProperties } from "../tenancy/extension-properties.ts";
import type { Json } from "../tenant/types.ts";
import { badRequest, type GraphRequest, unreadableBody } from "./request.ts";
import { isElsewhere, isReadOnly, resourceName, type Shape, shapeOf, typeName } from "./schema.ts";

/** A JSON object that a client sent. */
export type Body = Readonly<Record<string, Json>>;

/** Greatest lengths ("user resource type", "group resource type"). */
const LONGEST: Readonly<Record<string, number>> = {
  city: 128,
  companyName: 64,
  country: 128,
  department: 64,
  description: 1024,
  displayName: 256,
  employeeId: 16,
  givenName: 64,
  jobTitle: 128,
  mailNickname: 64,
  mobilePhone: 64,
  officeLocation: 128,
  postalCode: 40,
  state: 128,
  streetAddress: 1024,
  surname: 64,
  userPrincipalName: 113,
};

const EDM: Readonly<Record<Shape, string>> = {
  string: "Edm.String",
  boolean: "Edm.Boolean",
  number: "Edm.Int32",
  date: "Edm.DateTimeOffset",
  strings: "Collection(Edm.String)",
  objects: "Collection",
  object: "Complex",
};

/** The body as an object; refuses everything else. */
export function bodyOf(request: GraphRequest): Body {
  const { body } = request;
  if (body === null || typeof body !== "object" || Array.isArray(body)) {
    throw unreadableBody();
  }
  return body as Body;
}

/** Checks the properties of a write against the type: name, writability, shape, length. Annotations are left to others. */
export function checkProperties(kind: Kind, body: Body, extensions: ExtensionProperties): Record<string, Json> {
  const checked: Record<string, Json> = {};
  for (const [name, value] of Object.entries(body)) {
    if (name.includes("@")) continue;
    if (!checkExtension(kind, name, value, extensions)) checkProperty(kind, name, value);
    checked[name] = value;
  }
  return checked;
}

/** Refuses a creation that lacks a property which the service demands. */
export function requireProperties(kind: Kind, body: Body, names: readonly string[]): void {
  for (const name of names) {
    if (body[name] === undefined || body[name] === null) {
      const message = `A value is required for property '${name}' of resource '${resourceName(kind)}'.`;
      throw badRequest(message, [{ code: "PropertyRequired", target: name, message }]);
    }
  }
}

/** A user name: local part, a verified domain, no characters that Entra refuses. */
export function checkUserName(name: string, domains: readonly string[]): void {
  const [local = "", domain = "", ...more] = name.split("@");
  if (
    more.length > 0 ||
    !/^[\p{ASCII}]{1,64}$/u.test(local) ||
    /[\s%&*+/=?{}|<>();:,[\]"\\]/.test(local) ||
    local.endsWith(".")
  ) {
    throw badRequest("Property userPrincipalName is invalid.", [
      { code: "InvalidValue", target: "userPrincipalName", message: "Property userPrincipalName is invalid." },
    ]);
  }
  if (domains.some((verified) => verified.toLowerCase() === domain.toLowerCase())) return;
  throw badRequest(
    "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.",
  );
}

/** Refuses a value that another object has already. */
export function conflict(property: string): Error {
  const message = `Another object with the same value for property ${property} already exists.`;
  return badRequest(message, [{ code: "ObjectConflict", target: property, message }]);
}

export function invalidValue(kind: Kind, name: string): Error {
  const message = `Invalid value specified for property '${name}' of resource '${resourceName(kind)}'.`;
  return badRequest(message, [{ code: "InvalidValue", target: name, message }]);
}

/** Refuses changes of what the on-premises directory is the master of ("Update user", note on synced properties). */
export function onPremisesMastered(): Error {
  return badRequest(
    "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.",
  );
}

/** Refuses changes of groups that belong to Exchange ("Working with groups in Microsoft Graph"). */
export function masteredElsewhere(): Error {
  return badRequest(
    "Unable to update the specified properties for objects that have originated within an external service.",
  );
}

/** Id at the end of an `@odata.id` reference, absolute or relative. */
export function referencedId(value: Json | undefined): string {
  const match =
    typeof value === "string"
      ? /\/(?:directoryObjects|users|groups|contacts)(?:\/|\(')([^/')]+)(?:'\))?\/?$/i.exec(value)
      : null;
  if (match === null) throw badRequest("Invalid URL format specified in @odata.id or @odata.bind.");
  return decodeURIComponent(match[1] ?? "");
}

export function isSynced(properties: Properties): boolean {
  return properties.onPremisesSyncEnabled === true;
}

/** Whether the property is a directory extension, whose value then fits what was declared. */
function checkExtension(kind: Kind, name: string, value: Json, extensions: ExtensionProperties): boolean {
  if (!/^extension_[0-9a-f]{32}_\w+$/i.test(name)) return false;
  const accepted = extensions.accepts(kind, name, value);
  if (accepted === null) {
    throw badRequest(`The following extension properties are not available: ${name}.`);
  }
  if (!accepted) throw badRequest(`The value of the extension property '${name}' does not fit its declaration.`);
  return true;
}

function checkProperty(kind: Kind, name: string, value: Json): void {
  if (isElsewhere(kind, name)) {
    throw badRequest(`The property '${name}' cannot be set by an application without a signed-in user.`);
  }
  const shape = shapeOf(kind, name);
  if (shape === undefined) {
    throw badRequest(
      `The property '${name}' does not exist on type '${typeName(kind)}'. Make sure to only use property names that are defined by the type or mark the type as open type.`,
    );
  }
  if (isReadOnly(kind, name)) throw badRequest(`Property '${name}' is read-only and cannot be set.`);
  if (value === null) return;
  if (!hasShape(shape, value)) {
    throw badRequest(`Cannot convert the literal to the expected type '${EDM[shape]}' of property '${name}'.`);
  }
  if (value === "" || (typeof value === "string" && value.length > (LONGEST[name] ?? Number.POSITIVE_INFINITY))) {
    throw invalidValue(kind, name);
  }
  if (name === "usageLocation" && !/^[A-Z]{2}$/i.test(String(value))) throw invalidValue(kind, name);
  if (name === "businessPhones" && Array.isArray(value) && value.length > 1) throw invalidValue(kind, name);
  if (name === "mailNickname" && /[@()\\[\]";:<>,\s]|[^\p{ASCII}]/u.test(String(value))) throw invalidValue(kind, name);
}

function hasShape(shape: Shape, value: Json): boolean {
  switch (shape) {
    case "string":
      return typeof value === "string";
    case "date":
      return typeof value === "string" && !Number.isNaN(Date.parse(value));
    case "boolean":
    case "number":
      return typeof value === shape;
    case "strings":
      return Array.isArray(value) && value.every((item) => typeof item === "string");
    case "objects":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && !Array.isArray(value);
  }
}
