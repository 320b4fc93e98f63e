import SCIMMY from "scimmy";

/** A resource as the server keeps it: plain JSON with an id. */
export interface StoredResource {
  readonly id: string;
  readonly [name: string]: unknown;
}

/** Users and groups in memory. `userName` is unique whatever its case; ids are never given twice; a member exists. */
export class ScimStore {
  readonly users: Map<string, StoredResource> = new Map();
  readonly groups: Map<string, StoredResource> = new Map();
  readonly #userNames: Map<string, string> = new Map();
  #count = 0;

  /** Creates (no id) or replaces a user. */
  putUser(id: string | undefined, data: object): StoredResource {
    const resource = plain(data);
    const name = String(resource.userName).toLowerCase();
    const holder = this.#userNames.get(name);
    if (holder !== undefined && holder !== id) {
      throw new SCIMMY.Types.Error(409, "uniqueness", `userName ${resource.userName} is taken`);
    }
    const known = id === undefined ? undefined : this.#existing(this.users, id);
    if (known) this.#userNames.delete(String(known.userName).toLowerCase());
    const stored = { ...resource, id: id ?? this.#newId("user") };
    this.#userNames.set(name, stored.id);
    this.users.set(stored.id, stored);
    return stored;
  }

  /** Creates (no id) or replaces a group; a member given twice is one member (RFC 7644 section 3.5.2.1). */
  putGroup(id: string | undefined, data: object): StoredResource {
    const resource = plain(data);
    if (id !== undefined) this.#existing(this.groups, id);
    const members = new Map(membersOf(resource).map((member) => [member.value, member]));
    for (const value of members.keys()) {
      if (this.users.has(value) || this.groups.has(value)) continue;
      throw new SCIMMY.Types.Error(400, "invalidValue", `Member ${value} does not exist`);
    }
    const stored = { ...resource, id: id ?? this.#newId("group"), members: [...members.values()] };
    this.groups.set(stored.id, stored);
    return stored;
  }

  /** Deletes a user or group, and its memberships with it. */
  delete(records: Map<string, StoredResource>, id: string): void {
    const known = this.#existing(records, id);
    records.delete(id);
    if (records === this.users) this.#userNames.delete(String(known.userName).toLowerCase());
    for (const group of this.groups.values()) {
      const members = membersOf(group);
      if (!members.some(({ value }) => value === id)) continue;
      this.groups.set(group.id, { ...group, members: members.filter(({ value }) => value !== id) });
    }
  }

  #existing(records: Map<string, StoredResource>, id: string): StoredResource {
    const known = records.get(id);
    if (known === undefined) throw new SCIMMY.Types.Error(404, "", `Resource ${id} not found`);
    return known;
  }

  #newId(prefix: string): string {
    this.#count += 1;
    return `${prefix}-${String(this.#count).padStart(8, "0")}`;
  }
}

/** A group's members as they are kept. */
export function membersOf(resource: { readonly [name: string]: unknown }): readonly { readonly value: string }[] {
  return Array.isArray(resource.members) ? resource.members : [];
}

function plain(data: object): { readonly [name: string]: unknown } {
  return JSON.parse(JSON.stringify(data));
}

/**
 * The resources that a filter `path eq "value"` selects, compared as the schema says (RFC 7643 section 4.1). SCIMMY's
 * documentation leaves filtering to the handlers; its own lexer refuses escaped quotes, which RFC 7644 allows.
 */
export function matching(resources: Iterable<StoredResource>, filter: string): readonly StoredResource[] {
  const match = /^\s*(.+?)\s+eq\s+("(?:[^"\\]|\\.)*")\s*$/is.exec(filter);
  if (!match?.[1] || !match[2]) throw new SCIMMY.Types.Error(400, "invalidFilter", `Unsupported filter ${filter}`);
  const [, path, literal] = match;
  const exact = path === "externalId" || path === "id";
  const key = (value: unknown): unknown => (typeof value === "string" && !exact ? value.toLowerCase() : value);
  const wanted = key(JSON.parse(literal));
  return [...resources].filter((resource) => valuesAt(resource, path).some((value) => key(value) === wanted));
}

const EXTENSION = /^(urn:.*):(\w+)$/;

function valuesAt(resource: { readonly [name: string]: unknown }, path: string): readonly unknown[] {
  const extension = EXTENSION.exec(path);
  if (extension) return [Object(resource[extension[1] ?? ""])[extension[2] ?? ""]];
  const [, name = "", type, sub] = /^(\w+)(?:\[type eq "(\w+)"\])?(?:\.(\w+))?$/.exec(path) ?? [];
  const value = resource[name];
  const values = Array.isArray(value) ? value.filter((each) => type === undefined || each.type === type) : [value];
  return sub === undefined ? values : values.map((each) => Object(each)[sub]);
}
