import { DEFAULT_RETRIES, type Outcome, type Retries, type SyncDefinition } from "@entrain/core";
import type { Transaction } from "kysely";
import type { Clock } from "../../clock.ts";
import { NEVER, type PendingEntry, type PendingRow, releaseDead, wakeDead } from "../../store/pending.ts";
import type { DB } from "../../store/schema.ts";
import type { Lease, Store } from "../../store/store.ts";
import type { SyncRow } from "../context.ts";

/** A dead letter is tried once so long after the last time: the target may have changed its mind. */
const PROBE_MS = 7 * 86_400_000;
/** A delay is up to so much shorter or longer, so that what was refused together is not tried together for ever. */
const JITTER = 0.2;
/** What no record is to blame for is tried on, however often it failed. */
const NEVER_DEAD: ReadonlySet<string> = new Set(["no_seat", "throttled", "unreachable", "timeout", "server_failed"]);

/** How a sync tries refused changes again. */
export function retriesOf({ definition }: Pick<SyncRow, "definition">): Retries {
  return (JSON.parse(definition) as SyncDefinition).retries ?? DEFAULT_RETRIES;
}

/** How long a change waits that was refused `attempts` times in a row, in milliseconds. */
export function retryDelayMs({ firstMs, lastMs }: Retries, attempts: number, clock: Pick<Clock, "random">): number {
  const grown = Math.min(lastMs, firstMs * 2 ** Math.min(attempts - 1, 40));
  return Math.min(lastMs, Math.round(grown * (1 - JITTER + 2 * JITTER * clock.random())));
}

/** A refusal as the pending set has it. */
type RefusedEntry = Pick<
  PendingEntry,
  "reason" | "code" | "detail" | "attempts" | "retry_at" | "tried_at" | "dead_at" | "since"
>;

/**
 * What the pending set says of a change that was refused now. Refusals of the same input are counted, one for each plan;
 * after as many as the policy says the record is a dead letter. `sequence` is the record's change number.
 */
export function refusedEntry(
  clock: Clock,
  retries: Retries,
  refusal: {
    readonly outcome: Pick<Extract<Outcome, { readonly code: string }>, "code" | "detail" | "retry">;
    readonly sequence: number;
    readonly plannedAt: number;
    readonly known: PendingRow | undefined;
  },
): RefusedEntry {
  const { outcome, sequence, plannedAt, known } = refusal;
  const now = clock.now();
  const same = known?.reason === "failed" && known.sequence >= sequence ? known : undefined;
  const counted = same?.tried_at !== undefined && same.tried_at !== null && same.tried_at >= plannedAt;
  const attempts = (same?.attempts ?? 0) + (counted ? 0 : 1);
  const dead = attempts >= retries.attempts && !NEVER_DEAD.has(outcome.code);
  const delay = outcome.retry === "now" ? 0 : retryDelayMs(retries, attempts, clock);
  return {
    reason: "failed",
    code: outcome.code,
    detail: outcome.detail,
    attempts,
    retry_at: dead ? NEVER : now + delay,
    tried_at: now,
    dead_at: dead ? (same?.dead_at ?? now) : null,
    since: known?.since ?? now,
  };
}

/** Makes one dead letter of each code due, if the one that waits longest was not tried for a week. */
export async function probeDead(store: Store, lease: Lease, sync: string): Promise<void> {
  const before = store.clock.now() - PROBE_MS;
  const due = await store.db
    .selectFrom("pending")
    .select(["object_id", "code"])
    .where("sync", "=", sync)
    .where("dead_at", "is not", null)
    .where("ignored", "is", null)
    .where("tried_at", "<=", before)
    .orderBy("tried_at")
    .orderBy("object_id")
    .execute();
  if (due.length === 0) return;
  const oldest = new Map<string, string>();
  for (const { code, object_id } of due) if (!oldest.has(code)) oldest.set(code, object_id);
  await store.fenced(lease, (tx) => wakeDead(tx, sync, [...oldest.values()]));
}

/** A dead letter was accepted although nothing had changed about it: its target did, so the others are tried, too. */
export async function heedAccepted(
  tx: Transaction<DB>,
  sync: string,
  accepted: readonly Pick<PendingRow, "code">[],
): Promise<void> {
  for (const code of new Set(accepted.map((row) => row.code))) await releaseDead(tx, sync, { code });
}
