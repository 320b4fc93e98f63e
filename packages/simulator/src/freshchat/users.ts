import type { Account } from "./account.ts";
import { blankFields, readFields, USER_FIELDS, type UserFields } from "./fields.ts";
import type { FreshchatProperty, FreshchatUser } from "./model.ts";
import { Refusal } from "./refusal.ts";

type Body = Readonly<Record<string, unknown>>;

/** POST /users. Throws a Refusal (400) for what cannot be. */
export function createUser(account: Account, body: Body): FreshchatUser {
  const fields = { ...blankFields(USER_FIELDS), ...readFields(USER_FIELDS, body) };
  checkUser(account, fields, null);
  const user = newUser(account, fields);
  account.users.add(user, account.findableAt());
  return user;
}

/** PUT /users/{id}. Throws a Refusal: 404, 400. */
export function updateUser(account: Account, id: string, body: Body): FreshchatUser {
  const user = readUser(account, id);
  const given = readFields(USER_FIELDS, body);
  const { put } = account.switches;
  const changes = put === "replace" ? { ...blankFields(USER_FIELDS), ...given } : given;
  const updated = { ...user, ...changes, updated_time: account.timestamp() };
  checkUser(account, updated, user);
  const properties = put === "merge-properties" ? merged(user.properties, updated.properties) : updated.properties;
  const kept = { ...updated, properties };
  account.users.replace(kept);
  return kept;
}

/** DELETE /users/{id} by the switch; true when the deletion is only accepted (202). Throws a Refusal (404). */
export function deleteUser(account: Account, id: string): boolean {
  if (account.users.alive(id) === undefined) throw noUser();
  const accepted = account.switches.userDeletion === 202;
  if (accepted) account.users.remove(id, account.goneAt());
  else account.users.drop(id);
  return accepted;
}

/** GET /users/{id}. Throws a Refusal (404). */
export function readUser(account: Account, id: string): FreshchatUser {
  const user = account.users.get(id);
  if (user === undefined) throw noUser();
  return user;
}

/**
 * GET /users: at least one filter is needed, and all that are given must hold. Throws a Refusal (400) without one, for
 * an empty one, and for a time that is no ISO 8601.
 */
export function listUsers(account: Account, query: URLSearchParams): readonly FreshchatUser[] {
  const given = [...query].filter(([name]) => FILTERS[name] !== undefined);
  if (given.length === 0) {
    throw new Refusal(400, `at least one filter is required: ${Object.keys(FILTERS).join(", ")}`);
  }
  const tests = given.map(([name, value]) => {
    if (value === "") throw new Refusal(400, `${name} must not be empty`);
    return FILTERS[name]?.(value, account) ?? (() => true);
  });
  return account.users.findable(keyOf(query)).filter((user) => tests.every((test) => test(user)));
}

type Test = (user: FreshchatUser) => boolean;

const FILTERS: Readonly<Record<string, (value: string, account: Account) => Test>> = {
  created_from: (value) => timeTest(value, "created_from", ({ created_time }, time) => created_time >= time),
  created_to: (value) => timeTest(value, "created_to", ({ created_time }, time) => created_time <= time),
  updated_from: (value) => timeTest(value, "updated_from", ({ updated_time }, time) => updated_time >= time),
  updated_to: (value) => timeTest(value, "updated_to", ({ updated_time }, time) => updated_time <= time),
  reference_id: (value) => (user) => user.reference_id === value,
  email: (value, account) =>
    account.switches.emailMatch === "exact"
      ? (user) => user.email === value
      : (user) => user.email?.toLowerCase() === value.toLowerCase(),
  phone_no: (value) => (user) => user.phone === value,
};

/** Times of records all have one form, so that their text compares as they do. A time without an offset is UTC. */
function timeTest(value: string, name: string, holds: (user: FreshchatUser, time: string) => boolean): Test {
  const whole = /T[\d:.]+$/.test(value) ? `${value}Z` : value;
  const parsed = /^\d{4}-\d\d-\d\d(T|$)/.test(value) ? Date.parse(whole) : Number.NaN;
  if (Number.isNaN(parsed)) throw new Refusal(400, `${name} must be a time in ISO 8601`);
  const time = new Date(parsed).toISOString();
  return (user) => holds(user, time);
}

/** A filter that an index answers, so that look-ups stay cheap in a large account. */
function keyOf(query: URLSearchParams): { readonly name: string; readonly value: string } | undefined {
  const [reference, email, phone] = [query.get("reference_id"), query.get("email"), query.get("phone_no")];
  if (reference !== null) return { name: "reference_id", value: reference };
  if (email !== null) return { name: "email", value: email.toLowerCase() };
  return phone === null ? undefined : { name: "phone", value: phone };
}

/** A new user with what the account itself sets. */
export function newUser(account: Account, fields: UserFields): FreshchatUser {
  const now = account.timestamp();
  return {
    id: account.newId(),
    created_time: now,
    updated_time: now,
    ...fields,
    login_status: false,
    org_contact_id: account.newId(),
  };
}

function checkUser(account: Account, fields: UserFields, before: FreshchatUser | null): void {
  const unknown = fields.properties.find(
    ({ name }) => !account.properties.has(name) && before?.properties.some((kept) => kept.name === name) !== true,
  );
  if (unknown !== undefined && account.switches.properties === "defined") {
    throw new Refusal(400, `property ${unknown.name} is not defined in this account`);
  }
  if (account.switches.duplicates === "allowed") return;
  for (const [key, value] of [
    ["email", fields.email?.toLowerCase()],
    ["reference_id", fields.reference_id],
  ] as const) {
    const twins = value == null ? [] : account.users.taken(key, value).filter(({ id }) => id !== before?.id);
    if (twins.length > 0) throw new Refusal(400, `a user with this ${key} exists`);
  }
}

function merged(kept: readonly FreshchatProperty[], given: readonly FreshchatProperty[]): readonly FreshchatProperty[] {
  const byName = new Map([...kept, ...given].map((property) => [property.name, property]));
  return [...byName.values()];
}

function noUser(): Refusal {
  return new Refusal(404, "user not found");
}
