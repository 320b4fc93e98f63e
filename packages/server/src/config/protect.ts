import type { Protect } from "@entrain/core";
import type { Checker } from "./checker.ts";
import type { Path } from "./document.ts";

const GUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
/** Of every record that would lose something each entry is asked. */
const MOST = 1000;

/** Records from which nothing is taken away, of a sync or of a whole connection. */
export function readProtect(checker: Checker, value: unknown, path: Path): { readonly protect?: Protect } | undefined {
  if (value === undefined) return {};
  const entry = checker.map(value, path, ["people", "groups"]);
  if (entry === undefined) return undefined;
  const flaws = checker.flaws.length;
  const people = readNames(checker, entry.people, [...path, "people"]);
  const groups = readNames(checker, entry.groups, [...path, "groups"]);
  for (const [at, name] of people.entries()) {
    if (GUID.test(name) || name.includes("@")) continue;
    checker.flaw(
      [...path, "people", at],
      `name people by object id or user principal name, not ${JSON.stringify(name)}`,
    );
  }
  if (checker.flaws.length > flaws) return undefined;
  if (people.length + groups.length === 0) return {};
  return { protect: { ...(people.length > 0 ? { people } : {}), ...(groups.length > 0 ? { groups } : {}) } };
}

function readNames(checker: Checker, value: unknown, path: Path): readonly string[] {
  const names = value === undefined ? [] : (checker.texts(value, path) ?? []);
  if (names.length > MOST) checker.flaw(path, `must name at most ${MOST}, not ${names.length}`);
  return names;
}
