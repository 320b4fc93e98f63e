import { ConnectorError } from "@entrain/core";
import type { Transaction } from "kysely";
import { readLease } from "../store/leases.ts";
import type { DB } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import type { Section } from "./document.ts";

/**
 * Removes an entry. A sync leaves its links behind, unowned, so that another one can adopt them; a connection takes its
 * directory with it, a target its links. Nothing is ever changed in the target itself.
 * @throws ConnectorError `lease_held` while it is at work, `config_invalid` for a portal that still holds records
 */
export async function removeEntry(tx: Transaction<DB>, store: Store, section: Section, id: string): Promise<void> {
  if (section === "syncs") return removeSync(tx, store, id);
  if (section === "targets") return removeTarget(tx, id);
  await refuseBusy(store, `read:${id}`, "The connection is being read");
  for (const table of ["records", "edges", "watermarks"] as const) {
    await tx.deleteFrom(table).where("connection", "=", id).execute();
  }
  await tx.deleteFrom("connections").where("id", "=", id).execute();
}

async function removeSync(tx: Transaction<DB>, store: Store, id: string): Promise<void> {
  await refuseBusy(store, `sync:${id}`, "The sync is run");
  const open = await tx.selectFrom("open_intents").select("run").where("sync", "=", id).limit(1).executeTakeFirst();
  if (open !== undefined) {
    const message =
      "The sync was interrupted while it wrote. Run it once more, so that nothing is left in doubt, then remove it.";
    throw new ConnectorError("outcome_unknown", message, { stops: "sync", retry: "later" });
  }
  const plans = await tx.selectFrom("plans").select("id").where("sync", "=", id).execute();
  for (const plan of plans) {
    for (const table of ["plan_changes", "plan_issues", "match_index"] as const) {
      await tx.deleteFrom(table).where("plan", "=", plan.id).execute();
    }
  }
  await tx.deleteFrom("plans").where("sync", "=", id).execute();
  await tx.deleteFrom("pending").where("sync", "=", id).execute();
  await tx.deleteFrom("removals").where("sync", "=", id).execute();
  await tx.updateTable("links").set({ sync: null }).where("sync", "=", id).execute();
  await tx.deleteFrom("syncs").where("id", "=", id).execute();
}

async function removeTarget(tx: Transaction<DB>, id: string): Promise<void> {
  const held = await tx
    .selectFrom("portal_requesters")
    .select("id")
    .where("target", "=", id)
    .limit(1)
    .executeTakeFirst();
  if (held !== undefined) {
    const message =
      "The portal still holds people. Remove them by a sync first; removing the target would delete their records.";
    throw new ConnectorError("config_invalid", message, { stops: "run", retry: "never" });
  }
  for (const table of ["links", "known_members", "portal_groups", "portal_members"] as const) {
    await tx.deleteFrom(table).where("target", "=", id).execute();
  }
  await tx.deleteFrom("targets").where("id", "=", id).execute();
}

async function refuseBusy(store: Store, lease: string, what: string): Promise<void> {
  const holder = await readLease(store, lease);
  if (holder === null) return;
  const message = `${what} by process ${holder.heldBy.pid} on ${holder.heldBy.host} just now.`;
  throw new ConnectorError("lease_held", message, { stops: "sync", retry: "later" });
}
