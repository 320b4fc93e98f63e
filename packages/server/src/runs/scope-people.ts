import { inWords } from "@entrain/core";
import { changedRecords } from "./candidates.ts";
import { recordOf } from "./inputs.ts";
import type { NewIssue, PlanContext } from "./plan-context.ts";

/**
 * An issue for each person whom a scope names and nobody in the directory is. Looked for when everybody is evaluated: at
 * first, and after the configuration changed. Who is renamed or deleted later leaves the scope with a reason of their own.
 */
export async function unknownPeople(context: PlanContext): Promise<readonly NewIssue[]> {
  const { definition, span } = context;
  const { include = [], exclude = [] } = definition.scope.people ?? {};
  const unknown = new Map<string, string>();
  for (const [list, names] of Object.entries({ include, exclude })) {
    for (const name of names) unknown.set(name.toLowerCase(), `scope.people.${list}: nobody is "${inWords(name)}"`);
  }
  if (unknown.size === 0 || span.cursor > 0) return [];
  for await (const { rows } of changedRecords({ ...span, cursor: 0 })) {
    for (const row of rows) {
      unknown.delete(row.id);
      const { userPrincipalName } = recordOf(row).attributes;
      if (typeof userPrincipalName === "string") unknown.delete(userPrincipalName.toLowerCase());
    }
    if (unknown.size === 0) return [];
  }
  return [...unknown.values()].map((detail) => ({
    ...{ state: "issue", code: "person_unknown", detail },
    ...{ object_id: null, sequence: 0, name: null },
  }));
}
