import { sourcePathOf } from "../mapping/source-names.ts";
import type { ScopeClause } from "../model/sync.ts";

/** A clause with the directory's name of its attribute, and the name that was written, by which reasons call it. */
export interface NamedClause extends ScopeClause {
  readonly written: string;
}

/**
 * Takes the attribute of a clause by Graph's name or by Entra's, as mappings do, the manager's too. Answers why nothing stands
 * for a name. What is no name at all passes, for the clause's own compiler to refuse.
 */
export function nameClause(clause: ScopeClause): NamedClause | { readonly flaw: string } {
  const { attribute: written } = clause;
  if (typeof written !== "string") return { ...clause, written };
  const source = sourcePathOf(written);
  return "flaw" in source ? source : { ...clause, written, attribute: source.path };
}
