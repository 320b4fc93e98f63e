import type { AddressBook } from "./addresses.ts";
import type { Random } from "./random.ts";
import type { GraphGroup, Json } from "./types.ts";
import { GENERATED_UNTIL, type RecordContext, timestamp } from "./user-record.ts";

/** The types of groups as administrators tell them apart ("Working with groups in Microsoft Graph"). */
export type GroupKind = "security" | "microsoft365" | "mailEnabledSecurity" | "distribution";

/** What the tenant decides about a group; the rest of the group resource follows from it. */
export interface GroupSpec {
  readonly kind: GroupKind;
  readonly displayName: string;
  readonly description?: string;
  readonly membershipRule?: string;
  readonly roleAssignable?: boolean;
  readonly synced?: boolean;
}

/** What all group records of one tenant share. */
export interface GroupContext extends RecordContext {
  readonly random: Random;
  readonly addresses: AddressBook;
  /** Counts the groups, for relative identifiers on-premises. */
  index: number;
}

const DAY = 86_400_000;
const FIRST_GROUP = Date.UTC(2012, 0, 9);

/** The group resource ("group resource type", v1.0) of one group, without the properties that were never set. */
export function toGraphGroup(spec: GroupSpec, context: GroupContext): GraphGroup & { readonly id: string } {
  const { random, company } = context;
  const unified = spec.kind === "microsoft365";
  const mailEnabled = spec.kind !== "security";
  const address = context.addresses.claimText(spec.displayName, company.domain);
  const mailNickname = address.slice(0, address.lastIndexOf("@"));
  const created =
    FIRST_GROUP +
    random.integer(0, Math.floor((GENERATED_UNTIL - FIRST_GROUP) / DAY) - 1) * DAY +
    random.integer(6 * 3600, 18 * 3600) * 1000;
  const properties: Record<string, Json> = {
    id: random.guid(),
    displayName: spec.displayName,
    mailEnabled,
    mailNickname,
    securityEnabled: spec.kind === "security" || spec.kind === "mailEnabledSecurity",
    groupTypes: [...(spec.membershipRule === undefined ? [] : ["DynamicMembership"]), ...(unified ? ["Unified"] : [])],
    createdDateTime: timestamp(created),
    renewedDateTime: timestamp(created),
    proxyAddresses: mailEnabled ? [`SMTP:${address}`, `smtp:${mailNickname}@${company.initialDomain}`] : [],
    creationOptions: unified && random.chance(0.6) ? ["Team", "ExchangeProvisioningFlags:3552"] : [],
    resourceBehaviorOptions: unified ? ["WelcomeEmailDisabled"] : [],
    resourceProvisioningOptions: unified && random.chance(0.6) ? ["Team"] : [],
    onPremisesProvisioningErrors: [],
    securityIdentifier: `S-1-12-1-${random.word()}-${random.word()}-${random.word()}-${random.word()}`,
  };
  if (mailEnabled) properties.mail = address;
  if (spec.description !== undefined) properties.description = spec.description;
  if (unified) properties.visibility = random.chance(0.7) ? "Private" : "Public";
  if (spec.roleAssignable === true) Object.assign(properties, { isAssignableToRole: true, visibility: "Private" });
  if (spec.membershipRule !== undefined) {
    Object.assign(properties, { membershipRule: spec.membershipRule, membershipRuleProcessingState: "On" });
  }
  if (spec.synced === true) addOnPremises(properties, spec, context);
  context.index += 1;
  return { ...properties, id: String(properties.id) };
}

function addOnPremises(properties: Record<string, Json>, spec: GroupSpec, context: GroupContext): void {
  const { forest } = context.company;
  Object.assign(properties, {
    onPremisesSyncEnabled: true,
    onPremisesSamAccountName: spec.displayName,
    onPremisesDomainName: forest.dnsName,
    onPremisesNetBiosName: forest.netBiosName,
    onPremisesSecurityIdentifier: `S-1-5-21-${context.securityDomain}-${900_000_000 + context.index}`,
    onPremisesLastSyncDateTime: timestamp(GENERATED_UNTIL - context.random.integer(0, 1800) * 1000),
  });
}
