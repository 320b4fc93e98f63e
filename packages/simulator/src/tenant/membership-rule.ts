/** The properties that a rule may name, read from any record that has them under Graph's names. */
export type RuleSubject = { readonly [property: string]: unknown };

/** Tells whether a user belongs to a dynamic group. */
export type MembershipRule = (user: RuleSubject) => boolean;

const CLAUSE =
  /\(?\s*user\.(?<property>[A-Za-z0-9]+)\s+-(?<operator>eq|ne|startsWith|notStartsWith|contains|notContains|in|notIn)\s+(?<value>"[^"]*"|\[[^\]]*\]|true|false|null)\s*\)?/iy;
const JOINER = /\s*-(?<joiner>and|or)\s*/iy;

/**
 * Reads the part of the rule language that needs no nesting: clauses joined by `-and` and `-or`, where `-and` binds
 * first ("Rules for dynamically populated groups membership", Microsoft Entra). Comparisons of strings ignore case.
 *
 * @throws SyntaxError that quotes the rest of the rule which was not understood.
 */
export function parseMembershipRule(rule: string): MembershipRule {
  const alternatives: MembershipRule[][] = [[]];
  let offset = 0;
  const read = (pattern: RegExp): Record<string, string> | undefined => {
    pattern.lastIndex = offset;
    const match = pattern.exec(rule);
    if (match !== null) offset = pattern.lastIndex;
    return match?.groups;
  };
  for (;;) {
    const clause = read(CLAUSE);
    if (clause === undefined) break;
    const { property = "", operator = "", value = "" } = clause;
    alternatives.at(-1)?.push(clauseOf(property, operator.toLowerCase(), value));
    const joiner = read(JOINER)?.joiner?.toLowerCase();
    if (joiner === undefined && offset >= rule.trimEnd().length) {
      return (user) => alternatives.some((clauses) => clauses.every((holds) => holds(user)));
    }
    if (joiner === undefined) break;
    if (joiner === "or") alternatives.push([]);
  }
  throw new SyntaxError(`The membership rule is not understood from '${rule.slice(offset)}' on.`);
}

function clauseOf(property: string, operator: string, literal: string): MembershipRule {
  const values = literal.startsWith("[")
    ? [...literal.matchAll(/"([^"]*)"/gu)].map((match) => fold(match[1]))
    : [literal === "null" ? null : fold(literal.replace(/^"|"$/gu, ""))];
  const [value = null] = values;
  const test = (found: string | null): boolean => {
    switch (operator.replace(/^not/u, "")) {
      case "startswith":
        return found !== null && value !== null && found.startsWith(value);
      case "contains":
        return found !== null && value !== null && found.includes(value);
      default:
        return values.includes(found);
    }
  };
  const negated = operator === "ne" || operator.startsWith("not");
  return (user) => test(fold(user[property])) !== negated;
}

function fold(value: unknown): string | null {
  return value === undefined || value === null ? null : String(value).toLowerCase();
}
