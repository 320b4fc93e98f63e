import type { Avatar, FreshchatAgent, FreshchatProperty, FreshchatUser, SocialProfile } from "./model.ts";
import { Refusal } from "./refusal.ts";

/** Fields of an agent that a client writes. */
export type AgentFields = Pick<
  FreshchatAgent,
  | "email"
  | "first_name"
  | "last_name"
  | "avatar"
  | "biography"
  | "social_profiles"
  | "groups"
  | "role_id"
  | "skill_id"
  | "license_type"
  | "locale"
  | "routing_type"
  | "agent_capacity"
  | "is_deactivated"
>;

/** Fields of a user that a client writes. */
export type UserFields = Pick<
  FreshchatUser,
  | "reference_id"
  | "restore_id"
  | "first_name"
  | "last_name"
  | "email"
  | "phone"
  | "avatar"
  | "properties"
  | "social_profiles"
>;

/** How a written value is read; `blank` is what a field holds that nobody wrote, or that was cleared. */
interface Field<T> {
  readonly blank: T;
  /** Never called with null or empty text, which clear. Throws a Refusal (400). */
  readonly read: (value: unknown, name: string) => T;
}

type Fields<T> = { readonly [Name in keyof T]: Field<T[Name]> };

const TEXT: Field<string | null> = {
  blank: null,
  read: (value, name) => {
    if (typeof value !== "string") throw bad(`${name} must be a string`);
    return value;
  },
};

const EMAIL: Field<string | null> = {
  blank: null,
  read: (value, name) => {
    if (typeof value !== "string" || !/^[^\s@]+@[^\s@]+$/.test(value)) throw bad(`${name} is not an e-mail address`);
    return value;
  },
};

const AVATAR: Field<Avatar | null> = {
  blank: null,
  read: (value, name) => {
    if (!isRecord(value) || typeof value.url !== "string") throw bad(`${name} must be an object with a url`);
    return { url: value.url };
  },
};

const PROFILES: Field<readonly SocialProfile[]> = {
  blank: [],
  read: (value, name) =>
    listOf(value, name).map((entry) => {
      if (!isRecord(entry)) throw bad(`${name} must be an array of objects`);
      return { type: String(entry.type), id: String(entry.id) };
    }),
};

const GROUPS: Field<readonly string[]> = {
  blank: [],
  read: (value, name) =>
    listOf(value, name).map((entry) => {
      if (typeof entry !== "string") throw bad(`${name} must be an array of group ids`);
      return entry;
    }),
};

const PROPERTIES: Field<readonly FreshchatProperty[]> = {
  blank: [],
  read: (value, name) =>
    listOf(value, name).map((entry) => {
      if (!isRecord(entry) || typeof entry.name !== "string" || typeof entry.value !== "string") {
        throw bad(`${name} must be an array of {name, value}, both strings`);
      }
      return { name: entry.name, value: entry.value };
    }),
};

const BOOLEAN: Field<boolean> = {
  blank: false,
  read: (value, name) => {
    if (typeof value !== "boolean") throw bad(`${name} must be true or false`);
    return value;
  },
};

/** Role of agents for whom none was written. */
const PLAIN_ROLE = "AGENT";

/** An agent's fields. An empty e-mail address stands for none, which no agent may have. */
export const AGENT_FIELDS: Fields<AgentFields> = {
  email: { blank: "", read: (value, name) => EMAIL.read(value, name) ?? "" },
  first_name: TEXT,
  last_name: TEXT,
  avatar: AVATAR,
  biography: TEXT,
  social_profiles: PROFILES,
  groups: GROUPS,
  role_id: { blank: PLAIN_ROLE, read: (value, name) => TEXT.read(value, name) ?? PLAIN_ROLE },
  skill_id: TEXT,
  license_type: {
    blank: "fulltime",
    read: (value, name) => {
      if (value !== "fulltime" && value !== "occasional") throw bad(`${name} must be fulltime or occasional`);
      return value;
    },
  },
  locale: TEXT,
  routing_type: TEXT,
  agent_capacity: {
    blank: null,
    read: (value, name) => {
      if (typeof value !== "number" || !Number.isInteger(value) || value < 0)
        throw bad(`${name} must be a whole number`);
      return value;
    },
  },
  is_deactivated: BOOLEAN,
};

/** A user's fields; all may be empty. */
export const USER_FIELDS: Fields<UserFields> = {
  reference_id: TEXT,
  restore_id: TEXT,
  first_name: TEXT,
  last_name: TEXT,
  email: EMAIL,
  phone: TEXT,
  avatar: AVATAR,
  properties: PROPERTIES,
  social_profiles: PROFILES,
};

/** The fields that a body writes. Null and empty text clear; read-only and unknown fields are passed over. Throws a Refusal (400). */
export function readFields<T>(fields: Fields<T>, body: Readonly<Record<string, unknown>>): Partial<T> {
  const read: Partial<T> = {};
  for (const name of namesOf(fields)) {
    const value = body[name];
    if (value === undefined) continue;
    read[name] = value === null || value === "" ? fields[name].blank : fields[name].read(value, name);
  }
  return read;
}

/** Every field empty. */
export function blankFields<T>(fields: Fields<T>): T {
  return Object.fromEntries(namesOf(fields).map((name) => [name, fields[name].blank])) as T;
}

/** Object.keys forgets the names' type; a table of fields has no others. */
function namesOf<T>(fields: Fields<T>): readonly (keyof T & string)[] {
  return Object.keys(fields) as (keyof T & string)[];
}

function listOf(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw bad(`${name} must be an array`);
  return value;
}

function bad(text: string): Refusal {
  return new Refusal(400, text);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
