import type { Json } from "../tenant/types.ts";
import type { Directory } from "./directory.ts";
import { type DirectoryObject, isLive } from "./objects.ts";

/**
 * Organizational contacts as Exchange and the on-premises directory write them: in Graph they are read-only. Every
 * method throws one sentence when the contact or the group does not exist.
 */
export interface Contacts {
  /** Answers the id. */
  create(properties: Readonly<Record<string, Json>>): string;
  /** Changes properties; null clears. */
  update(id: string, changes: Readonly<Record<string, Json>>): void;
  /** Contacts have no place in the deleted items: this is for good. */
  remove(id: string): void;
  /** Puts a contact into a group of any type, or takes it out. */
  setMember(group: string, id: string, member: boolean): void;
}

export function contactsOf(directory: Directory): Contacts {
  const find = (kind: DirectoryObject["kind"], id: string): DirectoryObject => {
    const object = directory.byId(id);
    if (object === undefined || object.kind !== kind || !isLive(object)) throw new Error(`There is no ${kind} ${id}.`);
    return object;
  };
  return {
    create: ({ id: _, ...properties }) => directory.create("orgContact", properties).id,
    update: (id, { id: _, ...changes }) => void directory.update(find("orgContact", id), changes),
    remove: (id) => directory.purge(find("orgContact", id)),
    setMember: (group, id, member) => {
      const [of, who] = [find("group", group), find("orgContact", id)];
      if (member) directory.addMember(of, who);
      else directory.removeMember(of, who);
    },
  };
}
