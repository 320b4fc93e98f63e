import { kindsReferred, type Outcome } from "@entrain/core";
import type { Transaction } from "kysely";
import { enterPending } from "../store/pending.ts";
import type { DB } from "../store/schema.ts";
import type { ApplyContext } from "./applying.ts";
import type { Prepared } from "./prepare.ts";

/** Ids that one `get` takes. */
const GET = 100;
/** What is refused for these reasons is not refused for what it refers to. */
const OTHERWISE: ReadonlySet<string> = new Set(["cancelled", "throttled", "no_seat"]);

/** A record of which the target says that it is not there, and the sync that it is linked for. */
export interface LostReference {
  readonly sync: string;
  readonly objectId: string;
}

/**
 * Whom refused changes refer to whose records the target does not hold: somebody deleted them there. Nothing else would find
 * that before they change themselves, and until then whatever refers to them would be refused again and again.
 */
export async function lostReferences(
  context: ApplyContext,
  sent: readonly Prepared[],
  outcomes: readonly Outcome[],
): Promise<readonly LostReference[]> {
  const wanted = new Map<string, Set<string>>();
  for (const [at, change] of sent.entries()) {
    const outcome = outcomes[at];
    if (outcome?.status !== "refused" || OTHERWISE.has(outcome.code)) continue;
    for (const { kind, id } of referencesOf(context, change)) {
      wanted.set(kind, (wanted.get(kind) ?? new Set()).add(id));
    }
  }
  const lost: LostReference[] = [];
  for (const [kind, ids] of wanted) lost.push(...(await lostAmong(context, kind, [...ids])));
  return lost;
}

/** The linked records that a change points to or adds, each under every kind that it may be of. */
function referencesOf(
  { kind }: ApplyContext,
  { send }: Prepared,
): readonly { readonly kind: string; readonly id: string }[] {
  const pointed = kind.attributes.flatMap((attribute) => {
    const id = send?.set[attribute.name];
    return typeof id === "string" ? kindsReferred(attribute).map((referred) => ({ kind: referred, id })) : [];
  });
  const added = (send?.add ?? []).flatMap((id) => kind.members.map((member) => ({ kind: member, id })));
  return [...pointed, ...added];
}

async function lostAmong(
  context: ApplyContext,
  kind: string,
  ids: readonly string[],
): Promise<readonly LostReference[]> {
  const { store, space, target, signal } = context;
  const lost: LostReference[] = [];
  for (let at = 0; at < ids.length; at += GET) {
    const rows = await store.db
      .selectFrom("links")
      .select(["record_id", "object_id", "sync"])
      .where("target", "=", space.target)
      .where("tenant", "=", space.tenant)
      .where("kind", "=", kind)
      .where("record_id", "in", ids.slice(at, at + GET))
      .execute();
    const linked = [...new Set(rows.map((row) => row.record_id))];
    if (linked.length === 0) continue;
    const held = new Set((await target.get(kind, linked, { members: false }, signal)).map(({ id }) => id));
    for (const { record_id, object_id: objectId, sync } of rows) {
      if (!held.has(record_id) && sync !== null) lost.push({ sync, objectId });
    }
  }
  return lost;
}

/** Has the next run of their sync ask the target for them: whose record is gone is made anew, as far as the guard lets it. */
export async function doubtLost(
  { store }: ApplyContext,
  tx: Transaction<DB>,
  lost: readonly LostReference[],
): Promise<void> {
  const detail = "the target refused a change that refers to the linked record, which it holds no more";
  const why = { reason: "conflict", code: "record_missing", detail, plan: null, attempts: 0, retry_at: 0, sequence: 0 };
  const since = store.clock.now();
  for (const [sync, of] of Map.groupBy(lost, (one) => one.sync)) {
    await enterPending(
      store,
      tx,
      of.map(({ objectId: object_id }) => ({ ...why, sync, object_id, since })),
    );
  }
}
