import type { TargetAttribute, TargetKind } from "@entrain/core";

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
  members: ["requester", "group"],
  settleMs: 0,
  preset: {
    mapping: { externalId: { direct: "id" }, ...direct("displayName", "description", "mail") },
    matching: ["externalId"],
  },
};
