import type { Finding } from "../model/plan.ts";
import type { DirectoryRecord } from "../model/record.ts";
import type { ScopePeople } from "../model/sync.ts";
import { plain } from "../model/wording.ts";
import { isObjectId } from "./manager.ts";

/** Whether a record is one of the people whom a scope names, and in which list; `exclude` goes before `include`. */
export type NamedPeople = (record: DirectoryRecord) => "include" | "exclude" | null;

/** Compiles the people whom a scope names; flaws go to `findings`. Ids and user principal names compare without case. */
export function namedPeople({ include = [], exclude = [] }: ScopePeople, findings: Finding[]): NamedPeople {
  const flaw = (place: string, what: string): void => {
    findings.push({ code: "config_invalid", detail: `${place}: ${what}` });
  };
  if (include.length + exclude.length === 0) flaw("scope.people", "name at least one person, or leave `people` out");
  for (const [list, names] of Object.entries({ include, exclude })) {
    for (const [at, name] of names.entries()) {
      if (isObjectId(name) || name.includes("@")) continue;
      flaw(`scope.people.${list}[${at}]`, `name people by object id or user principal name, not "${plain(name)}"`);
    }
  }
  const [taken, left] = [keysOf(include), keysOf(exclude)];
  return (record) => {
    const { userPrincipalName } = record.attributes;
    const name = typeof userPrincipalName === "string" ? userPrincipalName.toLowerCase() : null;
    if (left.has(record.id) || (name !== null && left.has(name))) return "exclude";
    return taken.has(record.id) || (name !== null && taken.has(name)) ? "include" : null;
  };
}

function keysOf(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map((name) => name.toLowerCase()));
}
