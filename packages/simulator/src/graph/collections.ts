import type { DirectoryObject, Kind } from "../state/objects.ts";
import { lowerBound } from "../state/ordinals.ts";
import type { Collection } from "./collection.ts";
import type { Context } from "./context.ts";
import { type GraphError, malformed, notFound } from "./request.ts";
import { setName } from "./schema.ts";

/** All living objects of a kind. */
export function everything(context: Context, kind: Kind): Collection {
  const { directory, view } = context;
  return {
    kind,
    mixed: false,
    set: setName(kind),
    path: setName(kind),
    *after(ordinal) {
      const list = directory.list(kind);
      for (let i = directory.positionAfter(kind, ordinal); i < list.length; i++) {
        const object = list[i];
        if (object !== undefined && view.isLive(object)) yield object;
      }
    },
    ...(view.version === directory.log.head ? { size: () => directory.count(kind) } : {}),
    find: (key) => {
      const object = directory.byId(key) ?? directory.byUserPrincipalName(key);
      return object?.kind === kind && view.isLive(object) ? object : undefined;
    },
  };
}

/** Objects behind a relationship, optionally cast to one type ("Use OData cast"). */
export function related(
  context: Context,
  path: string,
  ordinals: readonly number[],
  cast: Kind | null,
  advanced = false,
): Collection {
  const { directory, view } = context;
  return {
    kind: cast ?? "user",
    mixed: cast === null,
    set: cast === null ? "directoryObjects" : setName(cast),
    path: cast === null ? path : `${path}/microsoft.graph.${cast}`,
    *after(ordinal) {
      for (let i = lowerBound(ordinals, ordinal + 1); i < ordinals.length; i++) {
        const object = directory.at(ordinals[i] ?? -1);
        if (object !== undefined && view.isLive(object) && (cast === null || object.kind === cast)) yield object;
      }
    },
    advanced: advanced && cast !== null,
  };
}

/** The type of a cast segment; null when the segment is none. */
export function castOf(segment: string | undefined): Kind | null {
  const match = /^(?:microsoft\.)?graph\.(\w+)$/i.exec(segment ?? "");
  if (match === null) return null;
  const name = match[1]?.toLowerCase();
  if (name === "user" || name === "group") return name;
  if (name === "orgcontact") return "orgContact";
  throw malformed(`Resource not found for the segment '${segment}'.`);
}

/** A living object by id or, for users, by user name. Refuses with 404. */
export function findObject(context: Context, kind: Kind, key: string): DirectoryObject {
  const { directory, view } = context;
  const object = directory.byId(key) ?? (kind === "user" ? directory.byUserPrincipalName(key) : undefined);
  if (object === undefined || object.kind !== kind || !view.isLive(object)) throw notFound(key);
  return object;
}

/** Members of members and so on, each once, in order. A group in a cycle is a member of itself. */
export function transitiveMembers(context: Context, group: DirectoryObject): readonly number[] {
  return reach(context, "members", group, (object) => (object.kind === "group" ? membersOf(context, object) : []));
}

/** Every group that holds the object, directly or through other groups. */
export function transitiveGroups(context: Context, object: DirectoryObject): readonly number[] {
  return reach(context, "groups", object, (member) => context.view.memberOf(member));
}

/** Members that the token may see: those of a group with hidden membership need Member.Read.Hidden. */
export function membersOf(context: Context, group: DirectoryObject): readonly number[] {
  return hidesMembers(context, group) ? [] : context.view.members(group);
}

export function hidesMembers({ view, hiddenMembers }: Context, group: DirectoryObject): boolean {
  return !hiddenMembers && view.properties(group).visibility === "HiddenMembership";
}

function reach(
  context: Context,
  name: string,
  start: DirectoryObject,
  step: (object: DirectoryObject) => readonly number[],
): readonly number[] {
  const { view, directory, hiddenMembers, reached } = context;
  if (view.version !== directory.log.head) return walk(context, start, step);
  const key = `${name} ${start.ordinal} ${hiddenMembers}`;
  return reached.at(view.version, key, () => walk(context, start, step));
}

function walk(
  { directory }: Context,
  start: DirectoryObject,
  step: (object: DirectoryObject) => readonly number[],
): readonly number[] {
  const seen = new Uint8Array(directory.size);
  const found: number[] = [];
  const queue: DirectoryObject[] = [start];
  for (let object = queue.pop(); object !== undefined; object = queue.pop()) {
    for (const ordinal of step(object)) {
      if (seen[ordinal] === 1) continue;
      seen[ordinal] = 1;
      found.push(ordinal);
      const next = directory.at(ordinal);
      if (next !== undefined) queue.push(next);
    }
  }
  return Array.from(Uint32Array.from(found).sort());
}

/** A path that Graph does not have. */
export function noSuchPath(segment: string | undefined): GraphError {
  return malformed(`Resource not found for the segment '${segment ?? ""}'.`);
}
