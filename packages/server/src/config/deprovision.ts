import { DEFAULTS, type Deprovision, type DeprovisionPolicy, formatDuration } from "@entrain/core";
import type { Checker } from "./checker.ts";
import type { Path } from "./document.ts";
import { readDuration } from "./values.ts";

const CAUSES = ["outOfScope", "disabled", "softDeleted", "deleted"] as const;
const VERBS = ["ignore", "disable", "delete"] as const;

/** What becomes of a record when its person leaves, by cause; what is left out is the default's. */
export function readDeprovision(checker: Checker, value: unknown, path: Path): Deprovision | undefined {
  const entry = checker.map(value ?? {}, path, CAUSES);
  if (entry === undefined) return undefined;
  const read = (cause: (typeof CAUSES)[number]): DeprovisionPolicy | undefined =>
    entry[cause] === undefined ? DEFAULTS.deprovision[cause] : readPolicy(checker, entry[cause], [...path, cause]);
  const [outOfScope, disabled, softDeleted, deleted] = [
    read("outOfScope"),
    read("disabled"),
    read("softDeleted"),
    read("deleted"),
  ];
  return outOfScope && disabled && softDeleted && deleted ? { outOfScope, disabled, softDeleted, deleted } : undefined;
}

function readPolicy(checker: Checker, value: unknown, path: Path): DeprovisionPolicy | undefined {
  if (typeof value !== "object" || value === null) return checker.oneOf(value, path, VERBS);
  const entry = checker.map(value, path, ["deleteAfter", "disable"]);
  if (entry === undefined) return undefined;
  if (entry.deleteAfter === undefined) {
    return checker.flaw(path, "needs deleteAfter, such as { deleteAfter: 30d }; or write ignore, disable or delete");
  }
  const deleteAfterMs = readDuration(checker, entry.deleteAfter, [...path, "deleteAfter"]);
  const disable = entry.disable === undefined ? true : checker.boolean(entry.disable, [...path, "disable"]);
  return deleteAfterMs === undefined || disable === undefined ? undefined : { deleteAfterMs, disable };
}

/** The policies as a document has them. */
export function plainDeprovision(deprovision: Deprovision): { readonly [cause: string]: string | object } {
  return Object.fromEntries(CAUSES.map((cause) => [cause, plainPolicy(deprovision[cause])]));
}

function plainPolicy(policy: DeprovisionPolicy): string | object {
  if (typeof policy === "string") return policy;
  return { deleteAfter: formatDuration(policy.deleteAfterMs), ...(policy.disable ? {} : { disable: false }) };
}
