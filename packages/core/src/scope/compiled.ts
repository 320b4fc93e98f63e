import type { DirectoryRecord } from "../model/record.ts";

/** One clause, ready to be asked of many records. */
export interface CompiledClause {
  /** `among`: it holds, by one or more values of a list. */
  readonly test: (record: DirectoryRecord) => "fails" | "holds" | "among";
  /** In words, for a record that it lets in: `department is Sales`. */
  readonly wording: string;
  /** The same where it holds by values of a list: `a value of businessPhones is +49 30 1`. */
  readonly listWording: string;
  /** Why this record fails: `department is Legal, not Sales`. */
  readonly failing: (record: DirectoryRecord) => string;
}
