import { type Check, ConnectorError } from "@entrain/core";
import { SignInRefused } from "../aadsts.ts";
import { type Registration, readRegistration } from "../application.ts";
import type { EntraOptions } from "../options.ts";
import { HASTY } from "../sender.ts";
import { checkOf } from "./checking.ts";
import type { Context } from "./probes.ts";

/** What asking for the registration led to; the fault is why nobody answered. */
export interface Asked {
  readonly registration: Registration | null;
  readonly fault: ConnectorError | null;
}

/** Asks for the registration. Nothing else needs it, so that its fault ends no verification. */
export async function askRegistration(clientId: string, { client, signal }: Context): Promise<Asked> {
  try {
    return { registration: await readRegistration(client, clientId, HASTY, signal), fault: null };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ConnectorError)) throw error;
    return { registration: null, fault: error };
  }
}

/** The application that gave a token exists; its registration tells more where it may be read. */
export function applicationCheck({ registration, fault }: Asked): Check {
  if (fault !== null) {
    const detail = `The application exists in this tenant and is enabled, but its registration could not be read this time: ${fault.message}`;
    return checkOf("application", { detail, fix: `Verify again later. ${fault.fix}`.trim() });
  }
  if (registration === null) {
    const detail = "The application exists in this tenant and is enabled; its registration cannot be read from here.";
    return checkOf("application", detail);
  }
  const serves = registration.multiTenant ? "any tenant that consents" : "this tenant alone";
  return checkOf("application", `The application “${registration.displayName}” is registered here, for ${serves}.`);
}

/** AADSTS7000218: a secret or a certificate was expected, for the application is no public client. */
const NO_PUBLIC_CLIENT = 7000218;

/**
 * "Allow public client flows", which a credential without a secret needs: by the registration, else by how the sign-in was
 * `refused`. Nothing where no credential needs it, or nobody can tell.
 */
export function publicFlowsCheck(
  { credentials }: Pick<EntraOptions, "credentials">,
  registration: Registration | null,
  refused: unknown,
): readonly Check[] {
  const needed = credentials.some(
    (one) => (one.kind === "password" || one.kind === "delegated") && one.app === undefined,
  );
  const unfit = refused instanceof SignInRefused && refused.aadsts === NO_PUBLIC_CLIENT;
  if (!needed || (registration === null && refused !== null && !unfit)) return [];
  // Without the registration a sign-in that worked, of whichever kind of credential, tells nothing when there are several.
  if (registration === null && !unfit && credentials.length > 1) return [];
  if (!unfit && registration?.publicFlows !== false)
    return [checkOf("public client flows", "Public client flows are allowed, as needed.")];
  const detail = "The application does not allow public client flows, which a sign-in without its secret needs.";
  const fix = "Turn on Allow public client flows on the application's Authentication page in Entra.";
  return [checkOf("public client flows", { detail, fix })];
}
