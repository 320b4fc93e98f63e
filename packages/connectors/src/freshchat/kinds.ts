import { ConnectorError, type TargetAttribute, type TargetKind } from "@entrain/core";

/** In front of the name of a custom property of contacts. */
export const PROPERTY = "properties.";

/** One resource of the API and the kind of record that it is to us. */
export interface FreshchatKind {
  readonly kind: TargetKind;
  readonly endpoint: "/agents" | "/users";
  /** What an answer may name a list of them, and one of them. */
  readonly names: readonly [list: string, single: string];
  readonly attributes: ReadonlyMap<string, TargetAttribute>;
  /**
   * Fields that a PUT repeats as they were read. Nobody says whether it merges or replaces: with all of them in it both come
   * to the same.
   */
  readonly repeated: readonly string[];
  /** The attributes that a record is looked for by before it is created; the first that has a value decides. */
  readonly anchors: readonly string[];
}

const text = (name: string): TargetAttribute => ({ name, type: "string" });

/** An agent signs in with the address, and gets mail there. It holds no id of the directory: nothing else finds it. */
const AGENT_ATTRIBUTES: readonly TargetAttribute[] = [
  { name: "email", type: "string", required: true, unique: true, mail: true },
  text("first_name"),
  text("last_name"),
  { name: "role", type: "lookup", lookup: "role" },
  { name: "group", type: "lookup", lookup: "group" },
  text("license_type"),
  text("locale"),
  text("biography"),
];

const AGENT: Omit<TargetKind, "settleMs"> = {
  name: "agent",
  source: "user",
  attributes: AGENT_ATTRIBUTES,
  matchable: ["email"],
  disable: true,
  verbs: { disable: "deactivated in Freshchat", delete: "deleted in Freshchat" },
  members: [],
  preset: {
    mapping: {
      email: { expression: "Coalesce([mail], [userPrincipalName])" },
      first_name: { expression: "Coalesce([givenName], [displayName])" },
      last_name: { direct: "surname" },
    },
    matching: ["email"],
  },
};

const AGENT_FIELDS: readonly string[] = [
  "email",
  "first_name",
  "last_name",
  "avatar",
  "biography",
  "social_profiles",
  "groups",
  "role_id",
  "skill_id",
  "license_type",
  "locale",
  "routing_type",
  "agent_capacity",
  "is_deactivated",
  "freshchat_access",
  "round_robin_access",
];

/** `reference_id` is the customer's own id of a contact: the directory's object id stands there. */
const CONTACT_ATTRIBUTES: readonly TargetAttribute[] = [
  { name: "reference_id", type: "string", unique: true, caseExact: true },
  { name: "email", type: "string", mail: true },
  text("first_name"),
  text("last_name"),
  text("phone"),
];

const CONTACT: Omit<TargetKind, "settleMs" | "attributes"> = {
  name: "contact",
  source: "user",
  matchable: ["reference_id", "email"],
  disable: false,
  verbs: { delete: "deleted in Freshchat" },
  members: [],
  preset: {
    mapping: {
      reference_id: { direct: "id" },
      email: { direct: "mail" },
      first_name: { expression: "Coalesce([givenName], [displayName])" },
      last_name: { direct: "surname" },
      phone: { expression: "Coalesce([mobilePhone], [businessPhones.0])" },
    },
    matching: ["reference_id", "email"],
  },
};

/** `restore_id` belongs to the chat widget: it is never set, and never lost by a change of something else. */
const CONTACT_FIELDS: readonly string[] = [
  "reference_id",
  "restore_id",
  "first_name",
  "last_name",
  "email",
  "phone",
  "avatar",
  "properties",
  "social_profiles",
];

/**
 * The two kinds of a Freshchat account, by name. `properties` are the names of contacts' custom properties; `settleMs` the time
 * in which a creation that nobody heard of may still be found.
 * @throws ConnectorError `config_invalid` for names that no property can have
 */
export function freshchatKinds({
  properties,
  settleMs,
}: {
  readonly properties: Readonly<Record<string, readonly string[]>>;
  readonly settleMs: number;
}): ReadonlyMap<string, FreshchatKind> {
  const { contact = [], ...others } = properties;
  const [stranger] = Object.keys(others);
  if (stranger !== undefined) throw invalid(`properties.${stranger}: only contacts have properties of their own.`);
  const flawed = contact.find((name, at) => name.trim() !== name || name === "" || contact.indexOf(name) !== at);
  if (flawed !== undefined) {
    throw invalid(`properties.contact: "${flawed}" is empty, is named twice, or begins or ends with a space.`);
  }
  const named = contact.map((name) => text(`${PROPERTY}${name}`));
  const agent = {
    kind: { ...AGENT, settleMs },
    endpoint: "/agents",
    names: ["agents", "agent"],
    attributes: byName(AGENT_ATTRIBUTES),
    repeated: AGENT_FIELDS,
    anchors: ["email"],
  } as const;
  const attributes = [...CONTACT_ATTRIBUTES, ...named];
  const contacts = {
    kind: { ...CONTACT, attributes, settleMs },
    endpoint: "/users",
    names: ["users", "user"],
    attributes: byName(attributes),
    repeated: CONTACT_FIELDS,
    anchors: ["reference_id", "email"],
  } as const;
  return new Map<string, FreshchatKind>([
    ["agent", agent],
    ["contact", contacts],
  ]);
}

function byName(attributes: readonly TargetAttribute[]): ReadonlyMap<string, TargetAttribute> {
  return new Map(attributes.map((one) => [one.name, one]));
}

function invalid(message: string): ConnectorError {
  return new ConnectorError("config_invalid", message, { stops: "sync", retry: "never" });
}
