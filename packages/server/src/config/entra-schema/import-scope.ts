import { ConnectorError, SCOPE_OPERATORS, sourceNameOf } from "@entrain/core";
import type { EntraClause, EntraFilter, EntraFilterGroup, Note } from "./schema.ts";

/** A clause as a document has it. The operator may be one that is not known: then applying the document refuses it. */
export interface ImportedClause {
  readonly attribute: string;
  readonly operator: string;
  readonly value?: string;
}

export type ImportedFilters = readonly (readonly ImportedClause[])[];

const MOST_FILTERS = 200;

/**
 * Entra's scoping filter as filters that are OR-ed, their clauses AND-ed; none lets everyone in. Whatever cannot be carried
 * over is kept as it is, so that the document is refused: a clause that fell away would let the wrong people in or out.
 * @throws ConnectorError `config_invalid` when the sets of filters cannot be combined within a bound
 */
export function importScope(filter: EntraFilter | null, note: (note: Note) => void): ImportedFilters {
  if (filter === null) return [];
  const { groups, inputFilterGroups, categoryFilterGroups } = filter;
  const own = importGroups(groups, note);
  const input = importGroups(inputFilterGroups, note);
  const category = importGroups(categoryFilterGroups, note);
  const [first] = [...inputFilterGroups, ...categoryFilterGroups];
  if (first !== undefined && input.length + category.length > 0) {
    note({
      place: first.place,
      code: "filter_combined",
      detail:
        "Entra never looks at whoever an input or category filter leaves out, and takes nothing from them. Here the filter is " +
        "joined with the scope: the same people are in, and whoever leaves it is deprovisioned",
      fix: "See in the plan who would leave; set deprovision.outOfScope to ignore if they shall stay as they are.",
    });
  }
  return [input, category].reduce(both, own);
}

/** Whoever both sets let in; an empty set lets in everyone. */
function both(a: ImportedFilters, b: ImportedFilters): ImportedFilters {
  if (a.length === 0 || b.length === 0) return a.length === 0 ? b : a;
  if (a.length * b.length > MOST_FILTERS) {
    const message = `The scope joins ${a.length} filters with ${b.length} more; together they would be over ${MOST_FILTERS}.`;
    throw new ConnectorError("config_invalid", message, { stops: "run", retry: "never" });
  }
  return a.flatMap((one) => b.map((other) => [...one, ...other]));
}

function importGroups(groups: readonly EntraFilterGroup[], note: (note: Note) => void): ImportedFilters {
  const full = groups.filter(({ clauses }) => clauses.length > 0);
  for (const { place } of groups.filter(({ clauses }) => clauses.length === 0)) {
    const detail = "the filter has no clauses; read to the letter it would let in everyone, and was left out";
    note({
      place,
      code: "filter_empty",
      detail,
      fix: full.length > 0 ? "Take the scope out if everyone is meant." : null,
    });
  }
  return full.map(({ clauses }) => clauses.map((clause) => importClause(clause, note)));
}

function importClause(clause: EntraClause, note: (note: Note) => void): ImportedClause {
  const { place, values } = clause;
  const kept = (detail: string): void =>
    note({
      place,
      code: "clause_kept",
      detail: `${detail}; the clause stands in the document as it is, and \`config apply\` refuses it`,
      fix: "Replace the clause by one that means the same, or remove its whole filter.",
    });
  const name = sourceNameOf(clause.attribute);
  if ("flaw" in name) kept(name.flaw);
  const operator = operatorNamed(clause.operator);
  if (operator === undefined) kept(`there is no operator "${clause.operator}"`);
  const attribute = "path" in name ? name.path : clause.attribute;
  const imported = { attribute, operator: operator ?? clause.operator };
  if (imported.operator.startsWith("IS ")) return imported;
  const [value, ...more] = values;
  if (value === undefined) kept(`${clause.operator} has no value`);
  if (more.length > 0)
    kept(`${clause.operator} has ${values.length} values (${values.join(", ")}), and takes one here`);
  return value === undefined || more.length > 0 ? imported : { ...imported, value };
}

/** Entra's operators in any case, with blanks or underscores: the portal, Graph and the documentation differ in them. */
function operatorNamed(name: string): string | undefined {
  const key = (text: string): string =>
    text
      .trim()
      .toUpperCase()
      .replace(/[\s_]+/g, " ");
  return SCOPE_OPERATORS.find((one) => one === name) ?? SCOPE_OPERATORS.find((one) => key(one) === key(name));
}
