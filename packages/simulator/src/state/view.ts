import type { ChangeLog, LogEntry } from "./change-log.ts";
import { type DirectoryObject, isLive, type Properties } from "./objects.ts";
import { insert, remove } from "./ordinals.ts";

/** The directory as a reader sees it: at its newest version, or as a lagging replica still has it. */
export interface View {
  readonly version: number;
  isLive(object: DirectoryObject): boolean;
  isDeleted(object: DirectoryObject): boolean;
  properties(object: DirectoryObject): Properties;
  members(group: DirectoryObject): readonly number[];
  memberOf(object: DirectoryObject): readonly number[];
  reports(user: DirectoryObject): readonly number[];
  manager(user: DirectoryObject): DirectoryObject | null;
}

/** The newest version, read in place without copying anything. */
export function currentView(log: ChangeLog): View {
  return {
    version: log.head,
    isLive,
    isDeleted: (object) => object.deletedAt !== null && !object.purged,
    properties: (object) => object.properties,
    members: (group) => group.members,
    memberOf: (object) => object.memberOf,
    reports: (user) => user.reports,
    manager: (user) => user.manager,
  };
}

interface Older {
  state: "live" | "deleted" | "none";
  properties: Properties;
  members: number[];
  memberOf: number[];
  reports: number[];
  manager: DirectoryObject | null;
}

/** The directory as it was at `version`, by taking back the newer entries; costs what changed since. */
export function viewAsOf(log: ChangeLog, version: number): View {
  const current = currentView(log);
  if (version >= log.head) return current;
  const older = new Map<DirectoryObject, Older>();
  const of = (object: DirectoryObject): Older => {
    let state = older.get(object);
    if (state === undefined) {
      state = copyOf(object);
      older.set(object, state);
    }
    return state;
  };
  for (let v = log.head; v > version; v--) {
    const entry = log.entry(v);
    if (entry !== undefined) takeBack(entry, of);
  }
  return {
    version,
    isLive: (object) => (older.get(object)?.state ?? (isLive(object) ? "live" : "none")) === "live",
    isDeleted: (object) => {
      const state = older.get(object);
      return state === undefined ? current.isDeleted(object) : state.state === "deleted";
    },
    properties: (object) => older.get(object)?.properties ?? object.properties,
    members: (group) => older.get(group)?.members ?? group.members,
    memberOf: (object) => older.get(object)?.memberOf ?? object.memberOf,
    reports: (user) => older.get(user)?.reports ?? user.reports,
    manager: (user) => {
      const state = older.get(user);
      return state === undefined ? user.manager : state.manager;
    },
  };
}

function copyOf(object: DirectoryObject): Older {
  return {
    state: isLive(object) ? "live" : object.purged ? "none" : "deleted",
    properties: object.properties,
    members: [...object.members],
    memberOf: [...object.memberOf],
    reports: [...object.reports],
    manager: object.manager,
  };
}

function takeBack({ object, change }: LogEntry, of: (object: DirectoryObject) => Older): void {
  const state = of(object);
  switch (change.type) {
    case "created":
      state.state = "none";
      return;
    case "deleted":
    case "purged":
      state.state = change.type === "purged" && object.deletedAt !== null ? "deleted" : "live";
      return;
    case "restored":
      state.state = "deleted";
      return;
    case "updated":
      state.properties = change.before;
      return;
    case "member":
      (change.added ? remove : insert)(state.members, change.member.ordinal);
      (change.added ? remove : insert)(of(change.member).memberOf, object.ordinal);
      return;
    case "manager":
      if (change.after !== null) remove(of(change.after).reports, object.ordinal);
      if (change.before !== null) insert(of(change.before).reports, object.ordinal);
      state.manager = change.before;
  }
}
