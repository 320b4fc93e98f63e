import type { SyncDefinition } from "@entrain/core";
import type { Selectable, Transaction } from "kysely";
import { deleteLostLinks, type LinkSpace } from "./links.ts";
import type { DB } from "./schema.ts";
import type { Store } from "./store.ts";

type Reader = Transaction<DB> | Store["db"];

/** Whose plan found links to lead nowhere. */
interface GoneOf {
  readonly plan: string;
  readonly sync: string;
  readonly space: LinkSpace;
  readonly kind: string;
  /** Of these records only. */
  readonly ids?: readonly string[];
}

/**
 * Doubted links that a sync's plan found to lead nowhere. A preview may be old: one that was made or written since is another
 * one, or its record was there. The target's numbers tell that, whatever the clocks say.
 */
export async function goneLinks(
  db: Reader,
  { plan, sync, space, kind, ids }: GoneOf,
): Promise<readonly Pick<Selectable<DB["links"]>, "object_id" | "record_id">[]> {
  return await db
    .selectFrom("plan_issues")
    .innerJoin("links", "links.object_id", "plan_issues.object_id")
    .innerJoin("plans", "plans.id", "plan_issues.plan")
    .whereRef("links.sequence", "<=", "plans.link_upto")
    .select(["links.object_id", "links.record_id"])
    .where("plan_issues.plan", "=", plan)
    .where("plan_issues.state", "=", "gone")
    .$if(ids !== undefined, (query) => query.where("links.object_id", "in", ids ?? []))
    .where("links.target", "=", space.target)
    .where("links.kind", "=", kind)
    .where("links.tenant", "=", space.tenant)
    .where((eb) => eb.or([eb("links.sync", "is", null), eb("links.sync", "=", sync)]))
    .execute();
}

/** Forgets the links that a plan found to lead nowhere: their records are made anew, or nobody's concern. */
export async function forgetGone(store: Store, tx: Transaction<DB>, of: GoneOf): Promise<void> {
  const gone = await goneLinks(tx, of);
  const ids = gone.map((row) => row.object_id);
  await deleteLostLinks(store, tx, of.space, of.kind, ids);
}

/**
 * Notes that the target holds records again that a plan found gone: their links stay, and they wait to be planned anew once the
 * plan begins.
 */
export async function noteReturned(tx: Transaction<DB>, plan: string, ids: readonly string[]): Promise<void> {
  for (let at = 0; at < ids.length; at += 500) {
    await tx
      .updateTable("plan_issues")
      .set({ state: "returned", code: "dependant", detail: "the target holds the linked record again" })
      .where("plan", "=", plan)
      .where("state", "=", "gone")
      .where("object_id", "in", ids.slice(at, at + 500))
      .execute();
  }
}

/** What of a sync decides on links that nobody owns. */
type Heir = Pick<Selectable<DB["syncs"]>, "id" | "connection" | "target" | "records" | "definition" | "first_run_at">;

/**
 * Whether a sync takes over every link that nobody owns: one that has not run yet, while no other sync provisions the same
 * kind of record, made of the same kind of source records, from the same connection to the same target. It is the one that was
 * removed, added again.
 */
export async function isHeir(db: Reader, sync: Heir): Promise<boolean> {
  if (sync.first_run_at !== null) return false;
  const others = await db
    .selectFrom("syncs")
    .select("definition")
    .where("connection", "=", sync.connection)
    .where("target", "=", sync.target)
    .where("records", "=", sync.records)
    .where("id", "!=", sync.id)
    .execute();
  return others.every((other) => sourceOf(other) !== sourceOf(sync));
}

/** Contacts, or what the target's kind of records is made of otherwise. */
function sourceOf({ definition }: Pick<Heir, "definition">): "contact" | null {
  return (JSON.parse(definition) as Pick<SyncDefinition, "source">).source ?? null;
}

/**
 * Gives links that no sync owns to the one that begins a plan: all of them to their heir, to any other sync those whose
 * records the plan found in its scope. What another sync of the same target left behind is no leaver of this one. Whom the plan
 * would make a record for has one after all: what that holds nobody has looked at, so the next plan does before it takes it over.
 */
export async function adoptLinks(tx: Transaction<DB>, space: LinkSpace, sync: Heir, plan: string): Promise<void> {
  // Nearly always there are none, which the index by sync knows at once; the update would walk over all links.
  const unowned = await tx.selectFrom("links").select("object_id").where("sync", "is", null).limit(1).execute();
  if (unowned.length === 0) return;
  const heir = await isHeir(tx, sync);
  await tx
    .updateTable("links")
    .set({ sync: sync.id })
    .where("target", "=", space.target)
    .where("kind", "=", sync.records)
    .where("tenant", "=", space.tenant)
    .where("sync", "is", null)
    // Contacts and people may become the same kind of records: neither's heir takes the others' links.
    .where("object_id", "not in", (eb) =>
      eb
        .selectFrom("records")
        .select("records.id")
        .where("records.connection", "=", sync.connection)
        .where("records.kind", sourceOf(sync) === "contact" ? "!=" : "=", "contact"),
    )
    .where("object_id", "not in", (eb) =>
      eb
        .selectFrom("plan_changes")
        .select("plan_changes.object_id")
        .where("plan_changes.plan", "=", plan)
        .where("plan_changes.action", "in", ["create", "join"]),
    )
    .$if(!heir, (query) =>
      query.where("object_id", "in", (eb) =>
        eb
          .selectFrom("plan_issues")
          .select("plan_issues.object_id")
          .where("plan_issues.plan", "=", plan)
          .where("plan_issues.state", "=", "adopted")
          .where("plan_issues.object_id", "is not", null)
          .$castTo<{ object_id: string }>(),
      ),
    )
    .execute();
}
