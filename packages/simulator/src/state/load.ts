import { type MadeIds, madeIds } from "../tenant/made-ids.ts";
import type {
  GraphContact,
  GraphGroup,
  GraphUser,
  Json,
  ManagerReference,
  Membership,
  TenantFile,
} from "../tenant/types.ts";
import type { Directory } from "./directory.ts";
import type { DirectoryObject, Kind, Properties } from "./objects.ts";

/** Never stored: annotations of an answer and references that have their own place. */
const LEFT_OUT = new Set([
  "id",
  "manager",
  "members",
  "memberOf",
  "directReports",
  "passwordProfile",
  "deletedDateTime",
]);

/**
 * Puts a tenant's objects and references into an empty directory. Documents as Graph answers them may leave out almost
 * anything: what the service itself always sets (id, user name, accountEnabled, userType, …) is made up from what is
 * there. Throws one sentence when two objects share an id or a user name, or a reference leads nowhere.
 */
export function loadTenant(directory: Directory, file: TenantFile, context: LoadContext): void {
  const loader = new Loader(directory, context);
  for (const user of file.users) loader.user(user);
  loader.nameTheNameless();
  for (const group of file.groups) loader.group(group);
  for (const contact of file.contacts ?? []) loader.contact(contact);
  for (const { group, member } of membershipsOf(file)) loader.member(group, member);
  for (const { user, manager } of managersOf(file)) loader.manager(user, manager);
  directory.settle();
}

/** What made-up values are made of. */
export interface LoadContext {
  readonly ids: string;
  readonly defaultDomain: string;
  /** Milliseconds UTC: creation time of objects that do not say theirs. */
  readonly now: number;
}

class Loader {
  readonly #directory: Directory;
  readonly #context: LoadContext;
  readonly #madeId: MadeIds;
  readonly #nameless: DirectoryObject[] = [];

  constructor(directory: Directory, context: LoadContext) {
    this.#directory = directory;
    this.#context = context;
    this.#madeId = madeIds(context.ids);
  }

  user(user: GraphUser): void {
    const properties = plainProperties(user);
    properties.accountEnabled ??= true;
    properties.userType ??= "Member";
    const object = this.#place("user", user.id, properties);
    if (properties.userPrincipalName === undefined) this.#nameless.push(object);
  }

  /** Makes up user names, once all given ones are taken. */
  nameTheNameless(): void {
    for (const user of this.#nameless) this.#directory.placeName(user, this.#userName(user));
  }

  group(group: GraphGroup): void {
    const properties = plainProperties(group);
    const unified = Array.isArray(properties.groupTypes) && properties.groupTypes.includes("Unified");
    properties.groupTypes ??= [];
    properties.mailEnabled ??= unified;
    properties.securityEnabled ??= !unified;
    this.#place("group", group.id, properties);
  }

  contact(contact: GraphContact): void {
    this.#place("orgContact", contact.id, plainProperties(contact));
  }

  member(group: string, member: string): void {
    this.#directory.placeMember(this.#find("group", group, "a membership"), this.#find(null, member, "a membership"));
  }

  manager(user: string, manager: string): void {
    const found = this.#find("user", user, "a manager reference");
    this.#directory.placeManager(found, this.#find("user", manager, "a manager reference"));
  }

  #place(kind: Kind, id: string | undefined, properties: Record<string, Json>): DirectoryObject {
    // The documentation's examples have placeholders in the place of times, which Graph never answers.
    if (Number.isNaN(Date.parse(String(properties.createdDateTime)))) {
      properties.createdDateTime = `${new Date(this.#context.now).toISOString().slice(0, 19)}Z`;
    }
    // Parsed objects share their hidden classes; objects filled name by name would be hash tables of thrice the size.
    const stored = JSON.parse(JSON.stringify(properties)) as Properties;
    return this.#directory.place(kind, id ?? this.#madeId(kind, stored as GraphUser | GraphGroup), stored);
  }

  #userName({ properties, ordinal }: DirectoryObject): string {
    const { mail, mailNickname, displayName } = properties;
    const text = [mail, mailNickname, displayName].find((value) => typeof value === "string" && value !== "");
    const plain = String(text ?? "").split("@")[0] ?? "";
    const local = plain.normalize("NFD").replaceAll(/[^\w.-]+/g, "") || `user${ordinal}`;
    let name = `${local}@${this.#context.defaultDomain}`;
    for (let number = ordinal; this.#directory.byUserPrincipalName(name) !== undefined; number++) {
      name = `${local}.${number}@${this.#context.defaultDomain}`;
    }
    return name;
  }

  #find(kind: Kind | null, id: string, where: string): DirectoryObject {
    const object = this.#directory.byId(id);
    if (object === undefined || (kind !== null && object.kind !== kind)) {
      throw new Error(`The tenant has no ${kind ?? "user or group"} with the id ${id}, which ${where} names.`);
    }
    return object;
  }
}

function plainProperties(document: GraphUser | GraphGroup | GraphContact): Record<string, Json> {
  const properties: Record<string, Json> = {};
  for (const [name, value] of Object.entries(document)) {
    if (value === undefined || value === null || name.startsWith("@") || name.includes("@") || LEFT_OUT.has(name))
      continue;
    properties[name] = value;
  }
  return properties;
}

function* membershipsOf({ memberships }: TenantFile): Generator<Membership> {
  if (memberships === undefined) return;
  if (isIterable(memberships)) {
    yield* memberships;
    return;
  }
  for (const [group, members] of Object.entries(memberships)) for (const member of members) yield { group, member };
}

function* managersOf({ managers }: TenantFile): Generator<ManagerReference> {
  if (managers === undefined) return;
  if (isIterable(managers)) {
    yield* managers;
    return;
  }
  for (const [user, manager] of Object.entries(managers)) yield { user, manager };
}

function isIterable<T>(value: Iterable<T> | Readonly<Record<string, unknown>>): value is Iterable<T> {
  return Symbol.iterator in value;
}
