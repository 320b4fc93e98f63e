/**
 * Microsoft Graph's synchronizationSchema as far as it is understood here, each part with its place in the document
 * (`synchronizationRules[0].objectMappings[0]`). The directories, identifiers and metadata in it describe Entra's own engine.
 */
export interface EntraRule {
  readonly place: string;
  readonly name: string;
  readonly source: string | null;
  readonly target: string | null;
  readonly mappings: readonly EntraObjectMapping[];
}

/** "objectMapping resource type". `flowTypes`: `Add`, `Update`, `Delete`; null means all of them. */
export interface EntraObjectMapping {
  readonly place: string;
  readonly name: string;
  readonly source: string;
  readonly target: string;
  readonly enabled: boolean;
  readonly flowTypes: readonly string[] | null;
  readonly scope: EntraFilter | null;
  readonly attributes: readonly EntraAttributeMapping[];
}

/** "filter resource type": each set of groups lets in whom one of its groups lets in, and all sets must. */
export interface EntraFilter {
  readonly groups: readonly EntraFilterGroup[];
  readonly inputFilterGroups: readonly EntraFilterGroup[];
  readonly categoryFilterGroups: readonly EntraFilterGroup[];
}

/** "filterGroup resource type": lets in whom every clause lets in. */
export interface EntraFilterGroup {
  readonly place: string;
  readonly clauses: readonly EntraClause[];
}

/** "filterClause resource type". */
export interface EntraClause {
  readonly place: string;
  readonly attribute: string;
  readonly operator: string;
  readonly values: readonly string[];
}

/** "attributeMapping resource type". A `source` of null writes the default value only. */
export interface EntraAttributeMapping {
  readonly place: string;
  readonly target: string;
  readonly source: EntraSource | null;
  readonly defaultValue: string | null;
  readonly flowType: string;
  readonly flowBehavior: string;
  readonly matchingPriority: number;
}

/** "attributeMappingSource resource type". `type`: `Attribute`, `Constant` or `Function`; `expression` is the whole as text. */
export interface EntraSource {
  readonly type: string;
  readonly name: string;
  readonly expression: string;
}

/** What could not be carried over as it is. */
export interface Note {
  /** In what was read: `synchronizationRules[0].objectMappings[0].attributeMappings[3]`. */
  readonly place: string;
  readonly code: NoteCode;
  /** What it is, why it has no counterpart, and what was done instead. */
  readonly detail: string;
  /** What to do, where there is something. */
  readonly fix: string | null;
}

export type NoteCode =
  | "application_unknown"
  | "attribute_unknown"
  | "attribute_twice"
  | "clause_kept"
  | "clearing"
  | "default_on_create"
  | "deprovision"
  | "engine"
  | "filter_combined"
  | "filter_empty"
  | "flow_unknown"
  | "guest_names"
  | "kind_chosen"
  | "mapping_disabled"
  | "matching_lost"
  | "members"
  | "object_unknown"
  | "refused"
  | "rule_skipped"
  | "same_records"
  | "scope_lost"
  | "sensitive"
  | "source_unknown"
  | "value_lost";
