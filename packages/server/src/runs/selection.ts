/** What a plan is limited to. */
export interface Selection {
  /** Object ids or user principal names; of groups, object ids or names. */
  readonly only?: readonly string[];
  /** Members of a group, nested ones included; of a sync of groups that very group. By object id or name. */
  readonly group?: string;
  /** A clause as in scopes: `department EQUALS Sales`. */
  readonly filter?: string;
}
