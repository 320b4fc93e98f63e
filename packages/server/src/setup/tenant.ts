import { CLOUDS, findTenantId } from "@entrain/connectors/entra";
import type { Clock } from "../clock.ts";
import type { CloudEntry } from "../config/document.ts";

const GUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const DOMAIN = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*$/i;

/** A tenant as people name it, its id or one of its domains, in one spelling; null when it is neither. */
export function tenantIn(text: string): string | null {
  const trimmed = text.trim();
  return GUID.test(trimmed) || DOMAIN.test(trimmed) ? trimmed.toLowerCase() : null;
}

/** A domain, which is to be resolved to the tenant's id. */
export function isDomain(text: string): boolean {
  return DOMAIN.test(text.trim()) && !GUID.test(text.trim());
}

/** The id of a tenant, asked for where a domain is given; null when the sign-in service does not tell. */
export async function resolveTenant(
  clock: Clock,
  where: { readonly cloud: CloudEntry; readonly tenant: string },
  signal: AbortSignal,
): Promise<string | null> {
  const { cloud, tenant } = where;
  if (!isDomain(tenant)) return tenant;
  return findTenantId({ ...runtimeOf(clock, cloud), tenant }, signal);
}

/** What the connector takes of its surroundings. */
export function runtimeOf(
  clock: Clock,
  cloud: CloudEntry,
): Pick<Parameters<typeof findTenantId>[0], "cloud" | "clock" | "random" | "sleep"> {
  return {
    cloud: cloud.kind === "custom" ? cloud : CLOUDS[cloud.kind],
    clock,
    random: () => clock.random(),
    sleep: (ms, until) => clock.sleep(ms, until),
  };
}
