import type { Json } from "../tenant/types.ts";
import { type Change, ChangeLog } from "./change-log.ts";
import { DynamicGroups } from "./dynamic-groups.ts";
import { uuidFrom } from "./identifiers.ts";
import { type DirectoryObject, isLive, type KeptReferences, type Kind, type Properties } from "./objects.ts";
import { insert, remove, settle } from "./ordinals.ts";
import { currentView, type View, viewAsOf } from "./view.ts";

const RETENTION_MS = 30 * 24 * 3600 * 1000; // "Restore deleted item": 30 days, then permanently deleted.
const TOKEN_LIFE_MS = 7 * 24 * 3600 * 1000; // Delta tokens of directory objects live 7 days, so no log is older.

/** What a directory is made with. `ids` names the series of ids for objects created later. */
export interface DirectoryOptions {
  /** Names this run of this tenant: delta tokens of another are refused. */
  readonly instance: string;
  /** Earlier runs that ended in a saved state, and the version that each had reached: their tokens still hold. */
  readonly earlier?: ReadonlyMap<string, number>;
  readonly ids: string;
  /** Milliseconds UTC. */
  readonly clock: () => number;
  /** Version before the first change, for a tenant that is loaded from a state file. */
  readonly version?: number;
}

/**
 * All objects of the tenant, their references and the log of changes. Every write of every caller passes through here,
 * which is what makes delta complete. Nothing here knows HTTP or permissions.
 */
export class Directory {
  readonly instance: string;
  readonly earlier: ReadonlyMap<string, number>;
  readonly log: ChangeLog;
  readonly #ids: string;
  readonly #clock: () => number;
  readonly #objects: (DirectoryObject | undefined)[] = [];
  readonly #lists: Readonly<Record<Kind, DirectoryObject[]>> = { user: [], group: [], orgContact: [] };
  readonly #byId = new Map<string, DirectoryObject>();
  readonly #byUpn = new Map<string, DirectoryObject>();
  readonly #live: Record<Kind, number> = { user: 0, group: 0, orgContact: 0 };
  readonly #deleted = new Set<DirectoryObject>();
  readonly #dynamic = new DynamicGroups(this);
  #observer: ((object: DirectoryObject, change: Change) => void) | null = null;
  /** When the oldest deleted item goes for good; Infinity when there is none. */
  #nextPurge = Number.POSITIVE_INFINITY;

  constructor(options: DirectoryOptions) {
    this.instance = options.instance;
    this.earlier = options.earlier ?? new Map();
    this.log = new ChangeLog(options.version ?? 1);
    this.#ids = options.ids;
    this.#clock = options.clock;
  }

  /** Tells `observer` every change from now on, in the middle of the write: it may note, but not write. */
  observe(observer: (object: DirectoryObject, change: Change) => void): void {
    this.#observer = observer;
  }

  get current(): View {
    return currentView(this.log);
  }

  /** Whether a token of this run and version speaks of this tenant's own history. */
  knows(instance: string, version: number): boolean {
    return version <= (instance === this.instance ? this.log.head : (this.earlier.get(instance) ?? -1));
  }

  asOf(version: number): View {
    return viewAsOf(this.log, version);
  }

  /** Number of living objects of a kind. */
  count(kind: Kind): number {
    return this.#live[kind];
  }

  /** Every object of a kind in the order of ordinals, deleted ones included. */
  list(kind: Kind): readonly DirectoryObject[] {
    return this.#lists[kind];
  }

  /** Position in `list(kind)` of the first object after `ordinal`. */
  positionAfter(kind: Kind, ordinal: number): number {
    const list = this.#lists[kind];
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((list[middle]?.ordinal ?? 0) <= ordinal) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  at(ordinal: number): DirectoryObject | undefined {
    return this.#objects[ordinal];
  }

  /** Any object that is not purged, soft-deleted ones included. */
  byId(id: string): DirectoryObject | undefined {
    return this.#byId.get(id.toLowerCase());
  }

  byUserPrincipalName(name: string): DirectoryObject | undefined {
    return this.#byUpn.get(name.toLowerCase());
  }

  deletedItems(): Iterable<DirectoryObject> {
    return this.#deleted;
  }

  /** Number of ordinals given so far. */
  get size(): number {
    return this.#objects.length;
  }

  /**
   * Adds an object without logging: how a tenant is loaded, dynamic groups with the members that they are given. A
   * purged one only keeps its place in the history. Throws when the id or the user name is taken.
   */
  place(kind: Kind, id: string, properties: Properties, purged = false): DirectoryObject {
    const key = id.toLowerCase();
    if (!purged && this.#byId.has(key))
      throw new Error(`Two objects of the tenant have the id ${id}; ids must be unique.`);
    const object: DirectoryObject = {
      kind,
      id,
      ordinal: this.#objects.length,
      properties,
      deletedAt: null,
      purged,
      members: [],
      memberOf: [],
      reports: [],
      manager: null,
      kept: null,
    };
    if (!purged) this.#claimName(object, properties.userPrincipalName);
    this.#objects.push(object);
    this.#lists[kind].push(object);
    if (purged) return object;
    this.#byId.set(key, object);
    this.#live[kind]++;
    if (kind === "group") this.#dynamic.note(object);
    return object;
  }

  /** Adds many edges of one group without logging; the caller settles each touched object once at the end. */
  placeMember(group: DirectoryObject, member: DirectoryObject): void {
    group.members.push(member.ordinal);
    member.memberOf.push(group.ordinal);
  }

  /** Gives a loaded user a name without logging. Throws when it is taken. */
  placeName(user: DirectoryObject, userPrincipalName: string): void {
    this.#claimName(user, userPrincipalName);
    user.properties = { ...user.properties, userPrincipalName };
  }

  placeManager(user: DirectoryObject, manager: DirectoryObject): void {
    user.manager = manager;
    manager.reports.push(user.ordinal);
  }

  /** Puts a loaded object into the deleted items as it lay there. */
  placeDeleted(object: DirectoryObject, deletedAt: number, kept: DirectoryObject["kept"]): void {
    object.kept = kept;
    this.#bin(object, deletedAt);
  }

  /** Closes a load: puts every list of edges in order. */
  settle(): void {
    for (const object of this.#objects) {
      if (object === undefined) continue;
      settle(object.members);
      settle(object.memberOf);
      settle(object.reports);
    }
  }

  /** Id that the next object of a kind will get. */
  nextId(kind: Kind): string {
    return uuidFrom(this.#ids, kind, this.#objects.length);
  }

  create(kind: Kind, properties: Properties): DirectoryObject {
    const object = this.place(kind, this.nextId(kind), { createdDateTime: this.#timestamp(), ...properties });
    this.#write(object, { type: "created" });
    this.#review(object);
    return object;
  }

  /**
   * Changes properties; null clears. Values that stay equal are not a change. Memberships that dynamic groups' rules
   * make of it follow at once.
   */
  update(object: DirectoryObject, patch: Readonly<Record<string, Json>>): readonly string[] {
    const names = this.#change(object, patch);
    if (names.length > 0 && (object.kind === "user" || this.#dynamic.note(object))) this.#review(object);
    return names;
  }

  addMember(group: DirectoryObject, member: DirectoryObject): boolean {
    if (!insert(group.members, member.ordinal)) return false;
    insert(member.memberOf, group.ordinal);
    this.#write(group, { type: "member", member, added: true });
    return true;
  }

  removeMember(group: DirectoryObject, member: DirectoryObject): boolean {
    if (!remove(group.members, member.ordinal)) return false;
    remove(member.memberOf, group.ordinal);
    this.#write(group, { type: "member", member, added: false });
    return true;
  }

  setManager(user: DirectoryObject, manager: DirectoryObject | null): boolean {
    const before = user.manager;
    if (before === manager) return false;
    if (before !== null) remove(before.reports, user.ordinal);
    if (manager !== null) insert(manager.reports, user.ordinal);
    user.manager = manager;
    this.#write(user, { type: "manager", before, after: manager });
    return true;
  }

  /** Moves an object to the deleted items; its references are kept for its restoration. */
  softDelete(object: DirectoryObject): void {
    const name = object.properties.userPrincipalName;
    const kept = {
      members: [...object.members],
      memberOf: [...object.memberOf],
      manager: object.manager?.ordinal ?? null,
      reports: [...object.reports],
      userPrincipalName: typeof name === "string" ? name : null,
    };
    this.#detach(object);
    // A deleted user frees its name: the directory prefixes it with the id until the user comes back.
    if (typeof name === "string") {
      this.#change(object, { userPrincipalName: object.id.replaceAll("-", "") + name });
    }
    object.kept = kept;
    this.#bin(object, this.#clock());
    this.#write(object, { type: "deleted" });
  }

  /** Brings an object back with the references whose other ends still live. Throws when its user name is taken. */
  restore(object: DirectoryObject): void {
    const kept = object.kept;
    this.#deleted.delete(object);
    object.deletedAt = null;
    object.kept = null;
    this.#live[object.kind]++;
    this.#write(object, { type: "restored" });
    if (kept !== null) this.#reconnect(object, kept);
    this.#review(object);
  }

  /** Deletes for good, from the deleted items or, as with security groups, at once. */
  purge(object: DirectoryObject): void {
    if (object.deletedAt === null) {
      this.#detach(object);
      this.#live[object.kind]--;
    }
    this.#deleted.delete(object);
    this.#byId.delete(object.id.toLowerCase());
    this.#releaseName(object, object.properties.userPrincipalName);
    this.#dynamic.forget(object);
    object.kept = null;
    object.purged = true;
    this.#write(object, { type: "purged" });
  }

  /** What time does: deleted items older than 30 days go, and history that no token can ask for is forgotten. */
  expire(): void {
    const now = this.#clock();
    if (now >= this.#nextPurge) {
      const due = [...this.#deleted].filter(({ deletedAt }) => now - (deletedAt ?? now) >= RETENTION_MS);
      for (const object of due) this.purge(object);
      this.#nextPurge = Number.POSITIVE_INFINITY;
      for (const { deletedAt } of this.#deleted)
        this.#nextPurge = Math.min(this.#nextPurge, (deletedAt ?? now) + RETENTION_MS);
    }
    this.log.trim(now - TOKEN_LIFE_MS - 1);
  }

  #review(object: DirectoryObject): void {
    if (object.kind === "user") this.#dynamic.reviewUser(object);
    else this.#dynamic.reviewGroup(object);
  }

  #change(object: DirectoryObject, patch: Readonly<Record<string, Json>>): readonly string[] {
    const before = object.properties;
    const names = Object.keys(patch).filter((name) => !sameValue(before[name] ?? null, patch[name] ?? null));
    if (names.length === 0) return names;
    const after: Record<string, Json> = { ...before };
    for (const name of names) after[name] = patch[name] ?? null;
    if (names.includes("userPrincipalName")) {
      this.#claimName(object, after.userPrincipalName);
      if (keyOf(before.userPrincipalName) !== keyOf(after.userPrincipalName)) {
        this.#releaseName(object, before.userPrincipalName);
      }
    }
    object.properties = after;
    this.#write(object, { type: "updated", before, names });
    return names;
  }

  #reconnect(object: DirectoryObject, kept: KeptReferences): void {
    if (kept.userPrincipalName !== null) this.#change(object, { userPrincipalName: kept.userPrincipalName });
    const living = (ordinal: number): DirectoryObject[] => {
      const other = this.at(ordinal);
      return other !== undefined && isLive(other) ? [other] : [];
    };
    for (const member of kept.members.flatMap(living)) this.addMember(object, member);
    for (const group of kept.memberOf.flatMap(living)) this.addMember(group, object);
    for (const report of kept.reports.flatMap(living)) if (report.manager === null) this.setManager(report, object);
    for (const manager of kept.manager === null ? [] : living(kept.manager)) this.setManager(object, manager);
  }

  #bin(object: DirectoryObject, deletedAt: number): void {
    object.deletedAt = deletedAt;
    this.#live[object.kind]--;
    this.#deleted.add(object);
    this.#nextPurge = Math.min(this.#nextPurge, deletedAt + RETENTION_MS);
  }

  #detach(object: DirectoryObject): void {
    for (const ordinal of [...object.members]) {
      const member = this.at(ordinal);
      if (member !== undefined) this.removeMember(object, member);
    }
    for (const ordinal of [...object.memberOf]) {
      const group = this.at(ordinal);
      if (group !== undefined) this.removeMember(group, object);
    }
    for (const ordinal of [...object.reports]) {
      const report = this.at(ordinal);
      if (report !== undefined) this.setManager(report, null);
    }
    this.setManager(object, null);
  }

  #claimName(object: DirectoryObject, name: Json | undefined): void {
    const key = keyOf(name);
    if (key === null) return;
    const taken = this.#byUpn.get(key);
    if (taken !== undefined && taken !== object) {
      throw new Error(`Two users of the tenant have the userPrincipalName ${key}; user names must be unique.`);
    }
    this.#byUpn.set(key, object);
  }

  #releaseName(object: DirectoryObject, name: Json | undefined): void {
    const key = keyOf(name);
    if (key !== null && this.#byUpn.get(key) === object) this.#byUpn.delete(key);
  }

  #write(object: DirectoryObject, change: Change): void {
    this.log.append(object, change, this.#clock());
    this.#observer?.(object, change);
  }

  #timestamp(): string {
    return `${new Date(this.#clock()).toISOString().slice(0, 19)}Z`;
  }
}

function keyOf(name: Json | undefined): string | null {
  return typeof name === "string" ? name.toLowerCase() : null;
}

function sameValue(a: Json, b: Json): boolean {
  return a === b || (typeof a === "object" && JSON.stringify(a) === JSON.stringify(b));
}
