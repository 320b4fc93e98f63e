import type { TargetAttribute, TargetKind, TargetLookup } from "@entrain/core";

const text = (name: string): TargetAttribute => ({ name, type: "string" });
const direct = (...names: readonly string[]): { readonly [name: string]: { readonly direct: string } } =>
  Object.fromEntries(names.map((name) => [name, { direct: name }]));

const EXTERNAL_ID: TargetAttribute = { name: "externalId", type: "string", unique: true, caseExact: true };
const PLAIN = ["displayName", "givenName", "surname", "jobTitle", "department", "companyName", "officeLocation"];
const MORE = ["mobilePhone", "preferredLanguage", "employeeId", "city", "country", "userType"];

/** A person of the portal, with the attributes that a help desk shows; named as Graph names them ("user resource type"). */
export const REQUESTER: TargetKind = {
  name: "requester",
  source: "user",
  attributes: [
    { name: "userName", type: "string", required: true, unique: true },
    EXTERNAL_ID,
    ...PLAIN.map(text),
    { name: "mail", type: "string", mail: true },
    ...MORE.map(text),
    { name: "businessPhones", type: "strings" },
    { name: "manager", type: "reference", references: "requester" },
  ],
  matchable: ["externalId", "userName", "mail"],
  disable: true,
  verbs: { disable: "deactivated in the portal", delete: "deleted from the portal, with its memberships" },
  members: [],
  settleMs: 0,
  preset: {
    mapping: {
      userName: { direct: "userPrincipalName" },
      externalId: { direct: "id" },
      ...direct(...PLAIN, "mail", ...MORE, "businessPhones", "manager"),
    },
    matching: ["externalId", "userName"],
  },
};

/** What the portal may keep as records of their own, by the attribute of a requester that points to them. */
const LOOKUPS = { department: "departments", officeLocation: "locations" } as const;
/** The name of each lookup, by the same attributes. */
const NAMES: { readonly [attribute: string]: string } = { department: "department", officeLocation: "location" };

/**
 * How the portal keeps departments and locations: as plain `text`; as records of its own, of which only `known` ones are
 * written; or as such records, `create`d as people need them.
 */
export const LOOKUP_CHOICES = ["text", "known", "create"] as const;
export interface PortalSettings {
  readonly departments?: (typeof LOOKUP_CHOICES)[number];
  readonly locations?: (typeof LOOKUP_CHOICES)[number];
}

/** A requester, with the attributes that the settings keep as records of the portal's own. */
export function requesterKind(settings: PortalSettings): TargetKind {
  const kept = Object.entries(LOOKUPS).filter(([, setting]) => (settings[setting] ?? "text") !== "text");
  if (kept.length === 0) return REQUESTER;
  const names = new Set(kept.map(([attribute]) => attribute));
  const attributes = REQUESTER.attributes.map((attribute): TargetAttribute => {
    const lookup = NAMES[attribute.name];
    return names.has(attribute.name) && lookup !== undefined ? { ...attribute, type: "lookup", lookup } : attribute;
  });
  return { ...REQUESTER, attributes };
}

/** The lookups that the settings ask for. */
export function portalLookups(settings: PortalSettings): readonly TargetLookup[] {
  return Object.entries(LOOKUPS).flatMap(([attribute, setting]) => {
    const choice = settings[setting] ?? "text";
    return choice === "text" ? [] : [{ name: NAMES[attribute] ?? attribute, creates: choice === "create" }];
  });
}

/** A group of the portal. Its name is no key: Entra lets many groups bear the same one. */
export const GROUP: TargetKind = {
  name: "group",
  source: "group",
  attributes: [
    EXTERNAL_ID,
    { name: "displayName", type: "string", required: true },
    text("description"),
    { name: "mail", type: "string", mail: true },
  ],
  matchable: ["externalId", "displayName"],
  disable: false,
  verbs: { delete: "deleted from the portal" },
  members: ["requester", "group"],
  settleMs: 0,
  preset: {
    mapping: { externalId: { direct: "id" }, ...direct("displayName", "description", "mail") },
    matching: ["externalId"],
  },
};
