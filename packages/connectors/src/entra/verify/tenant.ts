import { SignInRefused } from "../aadsts.ts";
import { SignInService } from "../credentials/sign-in.ts";
import { CLOUDS, type EntraOptions } from "../options.ts";
import { HASTY, type Sender } from "../sender.ts";
import type { Found } from "./checking.ts";

const GUID = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/i;
/** Tenant not found; tenant of another cloud. */
const UNKNOWN_TENANT: ReadonlySet<number> = new Set([90002, 900023]);

/** What the sign-in service publishes of a tenant ("OpenID Connect on the Microsoft identity platform", discovery). */
export interface Discovered {
  /** `null` where the issuer is no tenant's own. */
  readonly tenantId: string | null;
  /** The Graph host of the tenant's cloud, where the service tells. */
  readonly graphHost: string | null;
}

/** Asks the sign-in service for a tenant, by id or domain. Needs no credential. @throws ConnectorError `sign_in_refused` */
export async function discoverTenant(options: EntraOptions, sender: Sender, signal: AbortSignal): Promise<Discovered> {
  const { issuer, msgraph_host } = await new SignInService(options, sender).discover({ patience: HASTY, signal });
  return {
    tenantId: GUID.exec(issuer)?.[0].toLowerCase() ?? null,
    graphHost: typeof msgraph_host === "string" ? msgraph_host.toLowerCase() : null,
  };
}

/** The tenant exists in the cloud that the connection names, and is not the client by mistake. */
export async function findTenant(options: EntraOptions, sender: Sender, signal: AbortSignal): Promise<Found> {
  const { tenant } = options;
  const found = await discoverTenant(options, sender, signal).catch(async (error: unknown) => {
    const unknown = error instanceof SignInRefused && error.aadsts !== null && UNKNOWN_TENANT.has(error.aadsts);
    if (unknown && (await isTenant(options, sender, signal))) return "swapped" as const;
    throw error;
  });
  if (found === "swapped") {
    const fix = "Swap them: the Directory (tenant) ID is the one given as client.";
    return { detail: `There is no tenant ${tenant}, but the client ${options.client} is one.`, fix };
  }
  const cloud = otherCloud(options, found.graphHost);
  if (cloud !== null) {
    const detail = `The tenant belongs to another cloud: ${cloud}. Tokens of one cloud are void in another.`;
    return { detail, fix: `Set the connection's cloud to ${cloud}.` };
  }
  if (found.tenantId === null || found.tenantId === tenant.toLowerCase()) return "The tenant exists in this cloud.";
  if (GUID.test(tenant)) {
    const detail = `The sign-in service knows the tenant ${tenant} as ${found.tenantId}.`;
    return { detail, fix: "Give the tenant's own id, from the application's Overview page in Entra." };
  }
  return `The tenant ${tenant} exists in this cloud; its id is ${found.tenantId}.`;
}

async function isTenant(options: EntraOptions, sender: Sender, signal: AbortSignal): Promise<boolean> {
  try {
    await discoverTenant({ ...options, tenant: options.client }, sender, signal);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SignInRefused) return false;
    throw error;
  }
}

/** Microsoft answers at one cloud's address for tenants of another one, and tells their Graph. */
function otherCloud({ cloud }: EntraOptions, graphHost: string | null): string | null {
  if (graphHost === null || graphHost === new URL(cloud.graph).host.toLowerCase()) return null;
  const found = Object.entries(CLOUDS).find(([, { graph }]) => new URL(graph).host === graphHost);
  return found?.[0] ?? null;
}
