import type { Finding } from "../model/plan.ts";
import { type DirectoryRecord, isEmpty } from "../model/record.ts";
import { DISABLED_CHOICES, GUEST_CHOICES, type Scope } from "../model/sync.ts";
import type { Value } from "../model/value.ts";
import { plain } from "../model/wording.ts";
import { isObjectId } from "./manager.ts";
import { readerOf } from "./reader.ts";

/** A choice of accounts, ready to be asked of many records. */
export interface AccountChoice {
  readonly holds: (record: DirectoryRecord) => boolean;
  /** For a record that it lets in: `not a guest`. */
  readonly wording: string;
  /** Why this record fails: `a guest`. */
  readonly failing: (record: DirectoryRecord) => string;
  /** The source attributes that it reads. */
  readonly attributes: readonly string[];
}

/**
 * What tells a person from a shared mailbox, a room, equipment or a service account: any one of these has a value. Graph keeps what
 * a mailbox is for (`mailboxSettings.userPurpose`) outside the directory and refuses lists that ask for it; but Exchange makes
 * resource mailboxes with a display name alone, and who makes an account for a service gives it no surname and no employee id.
 */
const OF_PEOPLE = ["givenName", "surname", "jobTitle", "employeeId", "employeeHireDate"] as const;
const SAID_LICENCES = 3;

/** The choices that a scope makes, in the order in which they are looked at; flaws go to `findings`. */
export function accountChoices(scope: Scope, findings: Finding[]): readonly AccountChoice[] {
  const choices: AccountChoice[] = [];
  const flaw = (detail: string): void => {
    findings.push({ code: "config_invalid", detail });
  };
  const { guests = "include", disabled = "include", licensed, peopleOnly = false } = scope;
  if (!GUEST_CHOICES.includes(guests)) flaw(`scope.guests: must be one of ${GUEST_CHOICES.join(", ")}`);
  if (!DISABLED_CHOICES.includes(disabled)) flaw(`scope.disabled: must be one of ${DISABLED_CHOICES.join(", ")}`);
  if (guests === "exclude") choices.push({ ...GUESTS, holds: (record) => !isGuest(record), wording: "not a guest" });
  if (guests === "only") choices.push({ ...GUESTS, holds: isGuest, wording: "a guest", failing: () => "not a guest" });
  if (disabled === "exclude") choices.push(ENABLED);
  if (peopleOnly) choices.push(PERSON);
  if (licensed === true) choices.push(LICENSED);
  else if (licensed !== undefined && licensed.length === 0) flaw("scope.licensed: must be true, or name a licence");
  else if (licensed !== undefined) choices.push(licensedWith(licensed));
  return choices;
}

/** "user resource type": accounts made before 2014 may have no `userType`; then only an invited one's name tells. */
function isGuest({ attributes: { userType, userPrincipalName } }: DirectoryRecord): boolean {
  if (typeof userType === "string" && userType !== "") return userType.toLowerCase() === "guest";
  return typeof userPrincipalName === "string" && userPrincipalName.toUpperCase().includes("#EXT#");
}

const GUESTS: Pick<AccountChoice, "attributes" | "failing"> = {
  attributes: ["userType", "userPrincipalName"],
  failing: () => "a guest",
};

/** An account of which nobody says whether it is enabled is not taken for disabled. */
const ENABLED: AccountChoice = {
  holds: ({ attributes }) => attributes.accountEnabled !== false,
  wording: "not disabled",
  failing: () => "the account is disabled",
  attributes: ["accountEnabled"],
};

/** Guests are people, whom an invitation gives a display name alone. */
const PERSON: AccountChoice = {
  holds: (record) => OF_PEOPLE.some((name) => !isEmpty(own(record, name))) || isGuest(record),
  wording: "a person",
  failing: () =>
    `not a person but a shared mailbox, room or service account, by having none of ${OF_PEOPLE.join(", ")}`,
  attributes: [...OF_PEOPLE, ...GUESTS.attributes],
};

const LICENSED: AccountChoice = {
  holds: (record) => !isEmpty(own(record, "assignedLicenses")),
  wording: "licensed",
  failing: () => "without a licence",
  attributes: ["assignedLicenses"],
};

const skuIds = readerOf("assignedLicenses.skuId");

/** Part numbers come with `licences`, which the source makes; identifiers with Graph's own attribute. */
function licensedWith(wanted: readonly string[]): AccountChoice {
  const units = new Set(wanted.filter(isObjectId).map((id) => id.toLowerCase()));
  const parts = new Set(wanted.filter((name) => !isObjectId(name)).map((name) => name.toUpperCase()));
  const said = wanted.slice(0, SAID_LICENCES).map(plain).join(" or ");
  const more = wanted.length > SAID_LICENCES ? ` or ${wanted.length - SAID_LICENCES} more licences` : "";
  const has = (record: DirectoryRecord): boolean =>
    list(skuIds(record)).some((one) => units.has(textOf(one).toLowerCase())) ||
    list(own(record, "licences")).some((one) => parts.has(textOf(one).toUpperCase()));
  return {
    holds: has,
    wording: `licensed with ${said}${more}`,
    failing: () => `not licensed with ${said}${more}`,
    attributes: [...(units.size === 0 ? [] : ["assignedLicenses"]), ...(parts.size === 0 ? [] : ["licences"])],
  };
}

function own({ attributes }: DirectoryRecord, name: string): Value | undefined {
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined;
}

function list(value: Value | undefined): readonly Value[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: Value | undefined): string {
  return typeof value === "string" ? value : "";
}
