import { boundHeap } from "../../packages/server/src/memory.ts";
import { readKind } from "../../packages/server/src/runs/read.ts";
import { acquireLease, isLease, processOwner } from "../../packages/server/src/store/leases.ts";
import { CONNECTION, openInstallation, sourceOf } from "../installation.ts";
import type { TenantAddress } from "../tenant/tenant.ts";
import { contentOf } from "./content.ts";
import type { ReadTiming } from "./timing.ts";

/** The product's full read: sign-in, delta token and count, all pages, the delta round behind them, look for absences. */
export async function readWithEntrain(address: TenantAddress, scheme: "http" | "https"): Promise<ReadTiming> {
  boundHeap(); // As the program itself does.
  const { store, folder, close } = await openInstallation(address, scheme);
  try {
    const lease = await acquireLease(store, `read:${CONNECTION}`, processOwner(store.clock), 60_000);
    if (!isLease(lease)) throw new Error("the lease of a new store is taken");
    const signal = new AbortController().signal;
    const source = sourceOf(address, scheme);
    const begun = performance.now();
    await readKind(
      { store, source, connection: CONNECTION, lease, run: null, signal, onProgress: () => undefined },
      "user",
    );
    const ms = performance.now() - begun;
    await source.close();
    return { ms, ...contentOf(folder) };
  } finally {
    await close();
  }
}
