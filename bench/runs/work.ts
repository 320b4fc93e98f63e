import type { SyncDefinition } from "@entrain/core";
import { type Child, startChild } from "../child.ts";
import type { TargetType } from "../installation.ts";
import type { Tenant, TenantAddress } from "../tenant/tenant.ts";
import type { RunReport, WorkRequest } from "./worker.ts";

/** A new installation in a process of its own. */
export interface Worker {
  /** Runs the sync of all people into the portal; with `collect` the heap is measured at each batch. */
  run(options?: { readonly collect: boolean }): Promise<RunReport>;
  /** Changes the sync's definition and plans it. */
  plan(change: Partial<SyncDefinition>): Promise<RunReport>;
  close(): Promise<void>;
}

/** Starts a process with an installation that knows the tenant and has read nothing yet. */
export async function startWorker(
  tenant: Tenant,
  { target = "portal", ...options }: { readonly target?: TargetType; readonly execArgv?: readonly string[] } = {},
): Promise<Worker> {
  const child: Child<WorkRequest, RunReport> = startChild(new URL("./worker.ts", import.meta.url), options);
  await child.ask({ ask: "open", address: addressOf(tenant), target });
  return {
    run: (how = { collect: false }) => child.ask({ ask: "run", ...how }),
    plan: (change) => child.ask({ ask: "plan", change }),
    close: async () => {
      await child.ask({ ask: "close" });
      await child.stop();
    },
  };
}

/** Only data goes to another process. */
export function addressOf({ change: _change, stop: _stop, ...address }: Tenant): TenantAddress {
  return address;
}
