import type { DirectoryRecord } from "../model/record.ts";
import type { ScopeClause } from "../model/sync.ts";
import { plain } from "../model/wording.ts";
import type { CompiledClause } from "./compiled.ts";
import { isManagers } from "./reader.ts";

const OBJECT_ID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const OPERATORS = "EQUALS, NOT EQUALS, IS NULL and IS NOT NULL";

/** True for an object id as Entra writes one, in either case. */
export function isObjectId(text: string): boolean {
  return OBJECT_ID.test(text);
}

/** Whether a clause can be told only from the record of the manager: then a change of that record concerns who reports to it. */
export function readsManager({ attribute, value }: ScopeClause): boolean {
  return isManagers(attribute) || (attribute === "manager" && value !== undefined && !isObjectId(value));
}

/**
 * Compiles a clause on who the manager is, by object id or user principal name; both compare without case, as they identify.
 * Answers a sentence where the clause cannot be.
 */
export function managerClause({ operator, value = "" }: ScopeClause): CompiledClause | string {
  if (operator === "IS NULL" || operator === "IS NOT NULL") return presence(operator === "IS NULL");
  if (operator !== "EQUALS" && operator !== "NOT EQUALS") {
    return `the manager is compared by ${OPERATORS}; ask for an attribute of theirs, such as manager.userPrincipalName`;
  }
  if (!isObjectId(value) && !value.includes("@")) return "name the manager by object id or user principal name";
  const wanted = value.toLowerCase();
  const shown = plain(value);
  const negates = operator === "NOT EQUALS";
  const identify = isObjectId(value) ? (record: DirectoryRecord): string | null => record.manager : signInName;
  const wording = negates ? `manager is not ${shown}` : `manager is ${shown}`;
  return {
    test: (record) => {
      const found = record.manager === null ? null : identify(record);
      return found !== null && (found.toLowerCase() === wanted) !== negates ? "holds" : "fails";
    },
    wording,
    listWording: wording,
    failing: (record) => `manager is ${managerOf(record)}, ${negates ? "who is excluded" : `not ${shown}`}`,
  };
}

function presence(wantsNone: boolean): CompiledClause {
  const wording = wantsNone ? "manager is empty" : "manager is not empty";
  return {
    test: (record) => ((record.manager === null) === wantsNone ? "holds" : "fails"),
    wording,
    listWording: wording,
    failing: (record) => (wantsNone ? `manager is ${managerOf(record)}, not empty` : "manager is empty"),
  };
}

function signInName({ managerAttributes }: DirectoryRecord): string | null {
  const name = managerAttributes?.userPrincipalName;
  return typeof name === "string" && name !== "" ? name : null;
}

function managerOf(record: DirectoryRecord): string {
  return plain(signInName(record) ?? record.manager ?? "empty");
}
