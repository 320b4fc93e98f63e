import type { Directory } from "../state/directory.ts";
import type { Accounts } from "./accounts.ts";
import type { RoleHolders } from "./directory-roles.ts";
import type { RealmProfile } from "./profile.ts";

/** What conditional access asks of every sign-in to a tenant's apps; `workloads` blocks apps instead of people. */
export const CONDITIONAL_ACCESS = [
  "off",
  "mfa",
  "block",
  "device",
  "joined-device",
  "security-defaults",
  "workloads",
] as const;

/** One of {@link CONDITIONAL_ACCESS}. */
export type ConditionalAccess = (typeof CONDITIONAL_ACCESS)[number];

/** One tenant as the sign-in service knows it. */
export interface Realm {
  readonly profile: RealmProfile;
  readonly directory: Directory;
  readonly accounts: Accounts;
  readonly roles: RoleHolders;
  conditionalAccess: ConditionalAccess;
  /** Whether people may consent to permissions that need no administrator. */
  userConsent: boolean;
}

/** Whether a tenant answers to this id or verified domain. */
export function isNamed({ profile }: Realm, name: string): boolean {
  const wanted = name.toLowerCase();
  return wanted === profile.id || profile.domains.some((domain) => domain.toLowerCase() === wanted);
}
