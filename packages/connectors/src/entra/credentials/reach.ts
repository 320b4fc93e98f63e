import type { ConnectorError } from "@entrain/core";
import { SignInRefused } from "../aadsts.ts";
import type { Credential } from "./credential.ts";

/**
 * Whom a failed sign-in concerns beside the credential that met it: nobody else; the others by which the application signs
 * in as itself; or every credential there is.
 */
export type Reach = "credential" | "application" | "all";

/** Refusals of the tenant, of the application as such, or of what is asked for. */
const OF_ALL: ReadonlySet<number> = new Set([
  700016, 700011, 7000112, 70001, 7000229, 90002, 900023, 90038, 900432, 900382, 900439, 900440, 50194, 9001023, 500011,
  70011, 28002,
]);
/** Policies, assignment and consent: they judge the application, or the account, whatever it proved itself by. */
const OF_SUBJECT: ReadonlySet<number> = new Set([
  53000, 53001, 53003, 530035, 50105, 50158, 65001, 90094, 650056, 650057,
]);

/** How far a fault of a sign-in reaches. An account is nobody else's: what it meets another credential may not. */
export function reachOf({ kind }: Pick<Credential, "kind">, fault: ConnectorError): Reach {
  if (!(fault instanceof SignInRefused)) {
    return fault.code === "config_invalid" || fault.code === "sign_in_refused" ? "credential" : "all";
  }
  const { aadsts, retry } = fault;
  if (retry === "later" || (aadsts !== null && OF_ALL.has(aadsts))) return "all";
  return !isPerson(kind) && aadsts !== null && OF_SUBJECT.has(aadsts) ? "application" : "credential";
}

/** True for what signs an account in, false for what proves the application itself. */
export function isPerson(kind: Credential["kind"]): boolean {
  return kind === "password" || kind === "delegated";
}
