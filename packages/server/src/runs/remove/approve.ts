import { changeConfiguration } from "../../config/apply.ts";
import type { ConfigurationChange } from "../../config/change.ts";
import type { Engine } from "../context.ts";
import { approveSync, type RunOptions, type RunSummary } from "../run.ts";
import { isReadyToGo } from "./remove.ts";

/** What removing an entry works with. */
export type Removing = Pick<ConfigurationChange, "store" | "keyring" | "types" | "demo">;

/**
 * Approves a plan as {@link approveSync} does. A sync that was to do just that before it is removed is removed then, unless
 * something of the plan was not done. Answers whether it was.
 */
export async function approveOrRemove(
  removing: Removing,
  engine: Engine,
  options: RunOptions & { readonly digest: string },
): Promise<{ readonly run: RunSummary; readonly removed: boolean }> {
  const run = await approveSync(engine, options);
  const { sync, digest, actor } = options;
  if (run.result !== "succeeded" || !(await isReadyToGo(engine.store, { sync, digest })))
    return { run, removed: false };
  await changeConfiguration({ ...removing, actor, prune: true }, ({ syncs, rows }) => ({
    ...{ connections: null, targets: null, channels: null },
    syncs: new Map([...syncs].filter(([name]) => rows.syncs.get(name)?.id !== sync)),
  }));
  return { run, removed: true };
}
