/** A user under Graph's property names. */
export type RuleSubject = { readonly [property: string]: unknown };

/** Tells whether a user belongs to a dynamic group. */
export type MembershipRule = (user: RuleSubject) => boolean;

const LONGEST = 3072;
const TEXT = /(?:"(?:[^"`]|`.)*"|'(?:[^'`]|`.)*')/.source;
const LIST = String.raw`\[\s*${TEXT}(?:\s*,\s*${TEXT})*\s*\]`;
const OPERATOR = "(?:not)?(?:startsWith|endsWith|contains|in)|eq|ne";
const CLAUSE = new RegExp(
  String.raw`\s*user\.(?<property>\w+)\s+-?(?<operator>${OPERATOR})\b\s*(?<value>${TEXT}|${LIST}|true\b|false\b|\$?null\b)`,
  "isy",
);
const TEXTS = /"((?:[^"`]|`.)*)"|'((?:[^'`]|`.)*)'/gsu;
const [OR, AND, NOT, OPEN, CLOSE, END] = [/\s*-?or\b/iy, /\s*-?and\b/iy, /\s*-?not\b/iy, /\s*\(/y, /\s*\)/y, /\s*$/y];

/** The names that rules have for properties, in lower case, where it is not Graph's own. */
const RENAMED: Readonly<Record<string, string>> = {
  dirsyncenabled: "onPremisesSyncEnabled",
  facsimiletelephonenumber: "faxNumber",
  mobile: "mobilePhone",
  objectid: "id",
  physicaldeliveryofficename: "officeLocation",
};
const SAME: readonly string[] = (
  "accountEnabled city companyName country department displayName employeeId employeeType givenName jobTitle mail " +
  "mailNickname onPremisesDistinguishedName onPremisesSecurityIdentifier passwordPolicies postalCode preferredLanguage " +
  "state streetAddress surname usageLocation userPrincipalName userType"
).split(" ");
const PROPERTIES: ReadonlyMap<string, string> = new Map([
  ...SAME.map((name) => [name.toLowerCase(), name] as const),
  ...Object.entries(RENAMED),
]);

/**
 * Reads a rule over a user's single-valued properties: comparisons of strings (which ignore case), `-not`, `-and`,
 * `-or`, in this order of precedence, and parentheses; the hyphens may be left out ("Manage rules for dynamic
 * membership groups in Microsoft Entra ID"). `-match`, `-any`, `-all`, dates, direct reports and rules over devices or
 * groups are not understood.
 *
 * @throws SyntaxError that quotes the rest of the rule which was not understood.
 */
export function parseMembershipRule(rule: string): MembershipRule {
  if (rule.length > LONGEST) throw new SyntaxError(`The membership rule is longer than ${LONGEST} characters.`);
  return new RuleReader(rule).whole();
}

class RuleReader {
  readonly #rule: string;
  #offset = 0;

  constructor(rule: string) {
    this.#rule = rule;
  }

  whole(): MembershipRule {
    const belongs = this.#alternatives();
    return this.#take(END) === null ? this.#fail() : belongs;
  }

  #alternatives(): MembershipRule {
    const rules = [this.#conjunction()];
    while (this.#take(OR) !== null) rules.push(this.#conjunction());
    return (user) => rules.some((holds) => holds(user));
  }

  #conjunction(): MembershipRule {
    const rules = [this.#term()];
    while (this.#take(AND) !== null) rules.push(this.#term());
    return (user) => rules.every((holds) => holds(user));
  }

  #term(): MembershipRule {
    if (this.#take(NOT) !== null) {
      const holds = this.#term();
      return (user) => !holds(user);
    }
    if (this.#take(OPEN) !== null) {
      const inner = this.#alternatives();
      return this.#take(CLOSE) === null ? this.#fail() : inner;
    }
    const start = this.#offset;
    const { property = "", operator = "", value = "" } = this.#take(CLAUSE)?.groups ?? {};
    const read = readerOf(property);
    if (read !== null && isListOperator(operator) === value.startsWith("[")) return clauseOf(read, operator, value);
    this.#offset = start;
    return this.#fail();
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#offset;
    const match = pattern.exec(this.#rule);
    if (match !== null) this.#offset = pattern.lastIndex;
    return match;
  }

  #fail(): never {
    throw new SyntaxError(`The membership rule is not understood from '${this.#rule.slice(this.#offset)}' on.`);
  }
}

/** How a property that a rule names is read from a user; null when rules know none of that name. */
function readerOf(name: string): ((user: RuleSubject) => unknown) | null {
  const key = name.toLowerCase();
  if (key === "telephonenumber")
    return ({ businessPhones }) => (Array.isArray(businessPhones) ? businessPhones[0] : null);
  const attribute = /^extensionattribute(1[0-5]|[1-9])$/.exec(key)?.[1];
  if (attribute !== undefined) {
    return ({ onPremisesExtensionAttributes: attributes }) =>
      (attributes as RuleSubject | null | undefined)?.[`extensionAttribute${attribute}`];
  }
  const property = /^extension_[0-9a-f]{32}_\w+$/i.test(name) ? name : PROPERTIES.get(key);
  return property === undefined ? null : (user) => user[property];
}

function isListOperator(operator: string): boolean {
  return /^(?:not)?in$/i.test(operator);
}

function clauseOf(read: (user: RuleSubject) => unknown, operator: string, literal: string): MembershipRule {
  const texts = [...literal.matchAll(TEXTS)].map(([, double, single]) => fold(unquoted(double ?? single ?? "")));
  const isText = /^["'[]/.test(literal);
  const values = isText ? texts : [literal.endsWith("null") ? null : fold(literal)];
  const test = testOf(operator.toLowerCase().replace(/^not/u, ""), values);
  const negated = /^n/i.test(operator);
  return (user) => test(fold(read(user))) !== negated;
}

function testOf(operator: string, values: readonly (string | null)[]): (found: string | null) => boolean {
  const [value = null] = values;
  switch (operator) {
    case "startswith":
      return (found) => found !== null && value !== null && found.startsWith(value);
    case "endswith":
      return (found) => found !== null && value !== null && found.endsWith(value);
    case "contains":
      return (found) => found !== null && value !== null && found.includes(value);
    default:
      return (found) => values.includes(found);
  }
}

/** Quotes inside of a string follow a backtick. */
function unquoted(text: string): string {
  return text.replaceAll(/`(.)/gsu, "$1");
}

function fold(value: unknown): string | null {
  return value === undefined || value === null ? null : String(value).toLowerCase();
}
