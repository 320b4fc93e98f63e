import type { Check } from "@entrain/core";
import type { Registration } from "../application.ts";
import type { EntraOptions } from "../options.ts";
import { checkOf } from "./checking.ts";

/** The application that gave a token exists; its registration tells more where it may be read. */
export function applicationCheck(registration: Registration | null): Check {
  if (registration === null) {
    const detail = "The application exists in this tenant and is enabled; its registration cannot be read from here.";
    return checkOf("application", detail);
  }
  const serves = registration.multiTenant ? "any tenant that consents" : "this tenant alone";
  return checkOf("application", `The application “${registration.displayName}” is registered here, for ${serves}.`);
}

/** "Allow public client flows", which a credential without a secret needs. Nothing where none does, or nobody can tell. */
export function publicFlowsCheck(
  { credentials }: Pick<EntraOptions, "credentials">,
  registration: Registration | null,
): readonly Check[] {
  const needed = credentials.some(
    (one) => (one.kind === "password" || one.kind === "delegated") && one.app === undefined,
  );
  if (!needed || registration === null) return [];
  if (registration.publicFlows) return [checkOf("public client flows", "Public client flows are allowed, as needed.")];
  const detail = "The application does not allow public client flows, which a sign-in without its secret needs.";
  const fix = "Turn on Allow public client flows on the application's Authentication page in Entra.";
  return [checkOf("public client flows", { detail, fix })];
}
