import { ConnectorError, grouped } from "@entrain/core";
import type { Transaction } from "kysely";
import { forgetBreaker } from "../store/breakers.ts";
import { type Actor, appendJournal } from "../store/journal.ts";
import { readLease } from "../store/leases.ts";
import { forgetPause } from "../store/pauses.ts";
import type { DB } from "../store/schema.ts";
import { removeShares } from "../store/shares.ts";
import type { Store } from "../store/store.ts";
import type { Section } from "./document.ts";

/** Who removes an entry, and whether writes whose outcome nobody knows are given up with it. */
export interface Removal {
  readonly actor: Actor;
  readonly force: boolean;
}

/** A write that was sent, or was about to be, and of which nobody heard. */
export interface OpenWrite {
  readonly action: string;
  readonly kind: string;
  readonly name: string;
  readonly objectId: string;
  /** The target's record; null for a creation. */
  readonly recordId: string | null;
}

/**
 * Removes an entry. A sync leaves its links behind, unowned, so that another one can adopt them; a connection takes its
 * directory and an administrator's agreement with it, a target its links. Nothing is ever changed in the target itself.
 * @throws ConnectorError `lease_held` while it is at work, `intents_open` for a sync with writes of unknown outcome
 * unless forced, `config_invalid` for a portal that still holds records
 */
export async function removeEntry(
  tx: Transaction<DB>,
  store: Store,
  section: Section,
  id: string,
  removal: Removal,
): Promise<void> {
  if (section === "syncs") return removeSync(tx, store, id, removal);
  if (section === "targets") return removeTarget(tx, id);
  if (section === "channels") return removeChannel(tx, id);
  await refuseBusy(store, `read:${id}`, "The connection is being read");
  for (const table of [
    "records",
    "edges",
    "record_versions",
    "edge_versions",
    "directory_times",
    "applications",
    "assignments",
    "photos",
    "watermarks",
    "connection_grants",
    "connection_consents",
    "connection_authorizations",
    "credential_ends",
    "credential_warnings",
    "subscriptions",
  ] as const) {
    await tx.deleteFrom(table).where("connection", "=", id).execute();
  }
  await forgetEpisodes(tx, id);
  await tx.deleteFrom("protected").where("connection", "=", id).execute();
  await tx.deleteFrom("connections").where("id", "=", id).execute();
}

/** What goes on with something that is not there any more is over, and nobody is told so. */
async function forgetEpisodes(tx: Transaction<DB>, subject: string): Promise<void> {
  await tx.deleteFrom("alert_episodes").where("subject", "=", subject).execute();
}

/** The writes of a sync whose outcome is unknown, in the order in which they were begun. */
export async function openWrites(db: Store["db"] | Transaction<DB>, sync: string): Promise<readonly OpenWrite[]> {
  return (await openIntents(db, sync)).map((row) => ({
    action: row.action,
    kind: row.kind,
    name: row.name,
    objectId: row.object_id,
    recordId: row.record_id,
  }));
}

/** As many as one batch of the target at most. */
async function openIntents(db: Store["db"] | Transaction<DB>, sync: string) {
  return await db
    .selectFrom("open_intents")
    .innerJoin("plan_changes", (join) =>
      join
        .onRef("plan_changes.plan", "=", "open_intents.plan")
        .onRef("plan_changes.ordinal", "=", "open_intents.ordinal"),
    )
    .select(["open_intents.run", "open_intents.plan", "open_intents.target", "open_intents.ordinal"])
    .select(["plan_changes.action", "plan_changes.kind", "plan_changes.name"])
    .select(["plan_changes.object_id", "plan_changes.record_id"])
    .where("open_intents.sync", "=", sync)
    .orderBy("open_intents.run")
    .orderBy("open_intents.ordinal")
    .execute();
}

async function removeSync(tx: Transaction<DB>, store: Store, id: string, removal: Removal): Promise<void> {
  await refuseBusy(store, `sync:${id}`, "The sync is run");
  await giveUpIntents(tx, store, id, removal);
  const plans = await tx.selectFrom("plans").select("id").where("sync", "=", id).execute();
  await forgetEpisodes(tx, id);
  for (const plan of plans) {
    await forgetEpisodes(tx, plan.id);
    for (const table of ["plan_changes", "plan_issues", "plan_approvals", "match_index"] as const) {
      await tx.deleteFrom(table).where("plan", "=", plan.id).execute();
    }
  }
  await tx.deleteFrom("plans").where("sync", "=", id).execute();
  await tx.deleteFrom("pending").where("sync", "=", id).execute();
  await tx.deleteFrom("sync_failures").where("sync", "=", id).execute();
  await tx.deleteFrom("lookup_waits").where("sync", "=", id).execute();
  for (const table of ["removals", "guard_raises", "pins", "doubted_links", "former_links"] as const) {
    await tx.deleteFrom(table).where("sync", "=", id).execute();
  }
  await forgetPause(tx, id);
  await removeShares(tx, id);
  await tx.updateTable("links").set({ sync: null }).where("sync", "=", id).execute();
  await tx.deleteFrom("syncs").where("id", "=", id).execute();
}

/** What nobody knows stays unknown: the journal gets that as the outcome of each intent, and who gave it up. */
async function giveUpIntents(tx: Transaction<DB>, store: Store, sync: string, removal: Removal): Promise<void> {
  const open = await openIntents(tx, sync);
  if (open.length === 0) return;
  if (!removal.force) {
    const { name } = await tx.selectFrom("syncs").select("name").where("id", "=", sync).executeTakeFirstOrThrow();
    const message =
      `The sync ${name} was interrupted while it wrote: of ${grouped(open.length)} ` +
      `${open.length === 1 ? "change" : "changes"} nobody knows whether the target carried them out.`;
    throw new ConnectorError("intents_open", message, { stops: "sync", retry: "later" });
  }
  const detail = "given up when the sync was removed: nobody knows whether the target carried it out";
  const entries = open.map((row) => ({
    actor: removal.actor,
    type: "outcome",
    run: row.run,
    plan: row.plan,
    ordinal: row.ordinal,
    target: row.target,
    kind: row.kind,
    objectId: row.object_id,
    recordId: row.record_id,
    action: row.action,
    status: "unknown",
    code: "outcome_unknown",
    detail,
  }));
  await appendJournal(tx, store, `sync:${sync}`, entries);
  await tx.deleteFrom("open_intents").where("sync", "=", sync).execute();
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
  const tables = [
    "links",
    "known_members",
    "gone_members",
    "taken_along",
    "doubted_links",
    "portal_groups",
    "portal_members",
    "portal_lookups",
  ] as const;
  for (const table of tables) {
    await tx.deleteFrom(table).where("target", "=", id).execute();
  }
  await forgetBreaker(tx, id);
  await tx.deleteFrom("targets").where("id", "=", id).execute();
}

/** What was on its way to it is given up. */
async function removeChannel(tx: Transaction<DB>, id: string): Promise<void> {
  await tx.deleteFrom("alert_deliveries").where("channel", "=", id).execute();
  await tx.deleteFrom("channels").where("id", "=", id).execute();
}

async function refuseBusy(store: Store, lease: string, what: string): Promise<void> {
  const holder = await readLease(store, lease);
  if (holder === null) return;
  const message = `${what} by process ${holder.heldBy.pid} on ${holder.heldBy.host} just now.`;
  throw new ConnectorError("lease_held", message, { stops: "sync", retry: "later" });
}
