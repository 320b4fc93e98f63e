import type { Attributes, Value } from "../model/value.ts";
import { matchKey } from "./key.ts";

/** An account that another organisation's person has here by invitation. */
export interface Guest {
  /** The sign-in name that the person has at home, as a matching key. */
  readonly homeName: string;
}

const MARK = "#EXT#";

/**
 * Where an invited account is at home, or `null` when nothing that can be relied on tells it. Graph names neither the home
 * tenant nor the object id there ("Properties of a Microsoft Entra B2B collaboration user": the issuer of an Entra guest is
 * just `ExternalAzureAD`), so three things together must do:
 *
 * 1. the user principal name that Entra made at the invitation, `local_domain#EXT#@host`: a domain holds no underscore,
 *    so the last one stands for the `@`. An account that was renamed since is not told. `userType` says nothing: it may
 *    be changed, and cross-tenant synchronization makes members.
 * 2. the invitation was accepted: before, nobody has shown that the address is theirs.
 * 3. where `identities` were read, an Entra tenant answers for the sign-in: not Google, a Microsoft account or a
 *    passcode sent by mail.
 *
 * A mail address alone tells nothing: whoever keeps the record may write any.
 */
export function guestOf(attributes: Attributes): Guest | null {
  const { userPrincipalName: name, externalUserState: state, identities } = attributes;
  if (typeof name !== "string" || state !== "Accepted" || !maySignInByEntra(identities)) return null;
  const mark = name.toUpperCase().lastIndexOf(`${MARK}@`);
  const at = name.lastIndexOf("_", mark);
  if (mark < 0 || at < 1 || at + 1 >= mark) return null;
  const domain = name.slice(at + 1, mark);
  if (!domain.includes(".")) return null;
  const homeName = matchKey(`${name.slice(0, at)}@${domain}`, {});
  return homeName === null ? null : { homeName };
}

/** Whether a record of another tenant is the guest at home: it signs in there by that name, and is no guest itself. */
export function isAtHome({ homeName }: Guest, attributes: Attributes): boolean {
  return nameAtHome(attributes) === homeName;
}

/** The matching key of the name by which a person signs in at home; `null` for who is a guest there too. */
export function nameAtHome({ userPrincipalName: name }: Attributes): string | null {
  return typeof name === "string" && !name.toUpperCase().includes(MARK) ? matchKey(name, {}) : null;
}

/** Federated with an Entra tenant; true where the identities were not read, for then they say nothing against it. */
function maySignInByEntra(identities: Value | undefined): boolean {
  if (!Array.isArray(identities)) return true;
  return (identities as readonly Value[]).some((identity) => {
    if (typeof identity !== "object" || identity === null || Array.isArray(identity)) return false;
    const { signInType, issuer } = identity as Attributes;
    return signInType === "federated" && issuer === "ExternalAzureAD";
  });
}
