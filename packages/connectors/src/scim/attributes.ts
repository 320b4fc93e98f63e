import assert from "node:assert/strict";
import type { TargetAttribute, TargetKind } from "@entrain/core";

/** RFC 7643 section 4.3, the extension that holds what a company knows of its people. */
const ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User";
const CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group";

const WORK_EMAIL = 'emails[type eq "work"].value';
const MANAGER = `${ENTERPRISE}:manager`;

/**
 * Where an attribute stands in a resource: `schema` is an extension, `type` picks one element of a multi-valued
 * attribute, `sub` a sub-attribute (RFC 7644 section 3.5.2, figure 7).
 */
export interface ScimPath {
  readonly schema: string | null;
  readonly attribute: string;
  readonly type: string | null;
  readonly sub: string | null;
}

/** One attribute with its place. Its name is the path that PATCH takes. */
export interface ScimAttribute {
  readonly declared: TargetAttribute;
  readonly path: ScimPath;
}

/** One resource type of SCIM and the kind of record that it is to us. */
export interface ScimKind {
  readonly kind: TargetKind;
  readonly endpoint: "/Users" | "/Groups";
  readonly schema: string;
  readonly attributes: ReadonlyMap<string, ScimAttribute>;
}

/**
 * Attributes carry the names that Entra's own provisioning shows in its portal ("Tutorial: Develop and plan provisioning
 * for a SCIM endpoint"): the SCIM paths themselves, one spelling each. `active` is not among them: enabling and
 * disabling are changes of their own.
 */
const USER_ATTRIBUTES: readonly TargetAttribute[] = [
  { name: "userName", type: "string", required: true, unique: true },
  { name: "externalId", type: "string", caseExact: true },
  { name: "displayName", type: "string" },
  { name: "name.givenName", type: "string" },
  { name: "name.familyName", type: "string" },
  { name: "name.formatted", type: "string" },
  { name: "nickName", type: "string" },
  { name: "title", type: "string" },
  { name: "userType", type: "string" },
  { name: "preferredLanguage", type: "string" },
  { name: "locale", type: "string" },
  { name: "timezone", type: "string" },
  { name: WORK_EMAIL, type: "string", mail: true },
  { name: 'phoneNumbers[type eq "work"].value', type: "string" },
  { name: 'phoneNumbers[type eq "mobile"].value', type: "string" },
  { name: 'phoneNumbers[type eq "fax"].value', type: "string" },
  { name: 'addresses[type eq "work"].streetAddress', type: "string" },
  { name: 'addresses[type eq "work"].locality', type: "string" },
  { name: 'addresses[type eq "work"].region', type: "string" },
  { name: 'addresses[type eq "work"].postalCode', type: "string" },
  { name: 'addresses[type eq "work"].country', type: "string" },
  { name: `${ENTERPRISE}:employeeNumber`, type: "string" },
  { name: `${ENTERPRISE}:department`, type: "string" },
  { name: `${ENTERPRISE}:organization`, type: "string" },
  { name: `${ENTERPRISE}:division`, type: "string" },
  { name: `${ENTERPRISE}:costCenter`, type: "string" },
  { name: MANAGER, type: "reference", references: "user" },
];

const GROUP_ATTRIBUTES: readonly TargetAttribute[] = [
  { name: "displayName", type: "string", required: true },
  { name: "externalId", type: "string", caseExact: true },
];

/**
 * People. A second creation of one `userName` is refused by the server (RFC 7643 section 4.1.1: unique), so a creation
 * whose answer nobody heard can never become a second record, and nothing needs to settle before it is looked up.
 */
const USER: TargetKind = {
  name: "user",
  source: "user",
  attributes: USER_ATTRIBUTES,
  matchable: ["externalId", "userName", WORK_EMAIL, `${ENTERPRISE}:employeeNumber`],
  disable: true,
  // RFC 7643 section 4.1.1 (`active`), RFC 7644 section 3.6.
  verbs: { disable: "set to active: false", delete: "deleted with DELETE" },
  members: [],
  settleMs: 0,
  preset: {
    mapping: {
      userName: { direct: "userPrincipalName" },
      externalId: { direct: "id" },
      displayName: { direct: "displayName" },
      "name.givenName": { direct: "givenName" },
      "name.familyName": { direct: "surname" },
      "name.formatted": { expression: 'Join(" ", [givenName], [surname])' },
      title: { direct: "jobTitle" },
      preferredLanguage: { direct: "preferredLanguage" },
      [WORK_EMAIL]: { direct: "mail" },
      'phoneNumbers[type eq "work"].value': { direct: "businessPhones.0" },
      'phoneNumbers[type eq "mobile"].value': { direct: "mobilePhone" },
      [`${ENTERPRISE}:employeeNumber`]: { direct: "employeeId" },
      [`${ENTERPRISE}:department`]: { direct: "department" },
      [`${ENTERPRISE}:organization`]: { direct: "companyName" },
      [MANAGER]: { direct: "manager" },
    },
    matching: ["externalId", "userName"],
  },
};

/** Groups: nothing in SCIM makes them unique, so a creation that nobody heard of is given time to settle. */
const GROUP: Omit<TargetKind, "settleMs"> = {
  name: "group",
  source: "group",
  attributes: GROUP_ATTRIBUTES,
  matchable: ["externalId", "displayName"],
  disable: false,
  verbs: { delete: "deleted with DELETE" },
  members: ["user", "group"],
  preset: {
    mapping: { displayName: { direct: "displayName" }, externalId: { direct: "id" } },
    matching: ["externalId", "displayName"],
  },
};

/** The two kinds of a SCIM server, by name. `groupSettleMs` is the kind `group`'s `settleMs`. */
export function scimKinds(groupSettleMs: number): ReadonlyMap<string, ScimKind> {
  const kinds: readonly ScimKind[] = [
    { kind: USER, endpoint: "/Users", schema: CORE_USER, attributes: attributesOf(USER_ATTRIBUTES) },
    {
      kind: { ...GROUP, settleMs: groupSettleMs },
      endpoint: "/Groups",
      schema: CORE_GROUP,
      attributes: attributesOf(GROUP_ATTRIBUTES),
    },
  ];
  return new Map(kinds.map((each) => [each.kind.name, each]));
}

function attributesOf(declared: readonly TargetAttribute[]): ReadonlyMap<string, ScimAttribute> {
  return new Map(declared.map((each) => [each.name, { declared: each, path: parsePath(each.name) }]));
}

function parsePath(name: string): ScimPath {
  if (name.startsWith("urn:")) {
    const colon = name.lastIndexOf(":");
    return { schema: name.slice(0, colon), attribute: name.slice(colon + 1), type: null, sub: null };
  }
  const match = /^(\w+)(?:\[type eq "(\w+)"\])?(?:\.(\w+))?$/.exec(name);
  assert.ok(match?.[1], `${name} is a SCIM path`);
  return { schema: null, attribute: match[1], type: match[2] ?? null, sub: match[3] ?? null };
}
