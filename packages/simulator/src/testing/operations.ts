import fc from "fast-check";
import type { Directory } from "../state/directory.ts";
import { isLive } from "../state/objects.ts";

const OPERATIONS = ["create", "update", "rename", "add", "remove", "manager", "delete", "restore", "purge"] as const;

/** One random write; the numbers choose its objects among those that there are. */
export type Operation = readonly [(typeof OPERATIONS)[number], number, number];

/** Random writes, for properties that must hold after any of them. */
export const operation: fc.Arbitrary<Operation> = fc.tuple(fc.constantFrom(...OPERATIONS), fc.nat(50), fc.nat(50));

/** Does a random write as far as it makes sense just now. */
export function operate(directory: Directory, [name, a, b]: Operation): void {
  const users = directory.list("user");
  const groups = directory.list("group");
  const objects = [...users, ...groups];
  const user = users[a % users.length];
  const group = groups[a % groups.length];
  const any = objects[b % objects.length];
  if (user === undefined || group === undefined || any === undefined || any.purged) return;
  const userName = `n${b}@contoso.com`;
  if (name === "create") directory.create("user", { displayName: `New ${a}` });
  else if (name === "purge") directory.purge(any);
  else if (any.deletedAt !== null) {
    const kept = any.kept?.userPrincipalName ?? null;
    const free = kept === null || directory.byUserPrincipalName(kept) === undefined;
    if (name === "restore" && free) directory.restore(any);
  } else if (name === "delete") directory.softDelete(any);
  else if (name === "update") directory.update(any, { displayName: `Name ${a}` });
  else if (name === "rename" && isLive(user) && directory.byUserPrincipalName(userName) === undefined) {
    directory.update(user, { userPrincipalName: userName });
  } else if (name === "add" && isLive(group)) directory.addMember(group, any);
  else if (name === "remove" && isLive(group)) directory.removeMember(group, any);
  else if (name === "manager" && isLive(user) && any.kind === "user") {
    directory.setManager(any, b % 3 === 0 ? null : user);
  }
}

/** A directory of `u0…` and `g0…` without references. */
export function fill(directory: Directory, people: number, groups: number): Directory {
  for (let i = 0; i < people; i++) {
    directory.place("user", `u${i}`, { displayName: `User ${i}`, userPrincipalName: `u${i}@contoso.com` });
  }
  for (let i = 0; i < groups; i++) directory.place("group", `g${i}`, { displayName: `Group ${i}` });
  return directory;
}
