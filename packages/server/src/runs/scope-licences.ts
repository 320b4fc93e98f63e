import { inWords, nearest } from "@entrain/core";
import { type KnownLicences, loadLicences, unknownAmong } from "../store/licences.ts";
import type { NewIssue, PlanContext } from "./plan-context.ts";

/**
 * An issue for each licence that a scope names and the tenant is not known to have. A misspelt one would put everybody out of scope,
 * so nobody leaves for want of it as long as it stands there.
 */
export async function unknownLicences({
  store,
  sync,
  definition,
}: Pick<PlanContext, "store" | "sync" | "definition">): Promise<readonly NewIssue[]> {
  const { licensed } = definition.scope;
  if (licensed === undefined || licensed === true) return [];
  const known = await loadLicences(store.db, sync.connection);
  if (known === null) return [];
  return unknownAmong(known, licensed).map((name) => ({
    ...{ state: "issue", code: "licence_unknown", detail: detailOf(name, licensed.indexOf(name), known) },
    ...{ object_id: null, sequence: 0, name: null },
  }));
}

function detailOf(name: string, at: number, known: KnownLicences): string {
  const place = `scope.licensed[${at}]`;
  const kept = "nobody leaves the target for want of it";
  const shown = inWords(name);
  if ("refused" in known) {
    return `${place}: nobody in the directory has or had the licence "${shown}", and whether the tenant has it cannot be told, for ${known.refused}; ${kept}${meant(name, known.seen)}`;
  }
  const { held } = known;
  const holders = held.filter(({ plans }) => plans.some((plan) => plan.toLowerCase() === name.toLowerCase()));
  if (holders.length > 0) {
    const names = holders.map((one) => one.name).join(", ");
    return `${place}: "${shown}" is a service plan, and a scope takes the licences that hold it, in this tenant ${names}; ${kept}`;
  }
  const names = held.flatMap(({ id, name: part }) => [part, id]);
  return `${place}: the tenant has no licence "${shown}"; ${kept}${meant(name, names)}`;
}

function meant(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near === null ? "" : `; did you mean "${near}"?`;
}
