import { ConnectorError, type Outcome, type Target, type TargetKind } from "@entrain/core";
import type { Transaction } from "kysely";
import {
  type BreakerRow,
  countFaults,
  forgetBreaker,
  halfOpenBreaker,
  loadBreaker,
  openBreaker,
} from "../../store/breakers.ts";
import type { DB } from "../../store/schema.ts";
import type { Lease, Store } from "../../store/store.ts";

/** After so many changes in a row without a proper answer the target is asked whether it is there at all. */
const FAULTS_PROBED = 5;
/** After so many it is left alone although it answers questions: it carries nothing out. */
const FAULTS_MOST = 25;
/** Faults of the way to a target, or of the whole of it; none of them is about a record. */
const TRANSPORT: ReadonlySet<string> = new Set([
  "unreachable",
  "timeout",
  "server_failed",
  "throttled",
  "answer_invalid",
]);

/** What asking a target needs to know. */
export interface Asked {
  readonly store: Store;
  readonly lease: Lease;
  readonly target: Target;
  readonly kind: TargetKind;
  /** The target's id in the store. */
  readonly id: string;
  readonly signal: AbortSignal;
}

/** What of a batch's outcomes the breaker counts: the faults at its end, behind the last proper answer. */
function faultsIn(outcomes: readonly Outcome[]): { readonly faults: readonly Outcome[]; readonly heard: boolean } {
  const last = outcomes.findLastIndex(isHeard);
  return { faults: outcomes.slice(last + 1), heard: last >= 0 };
}

/** The target gave a proper answer, be it no. */
export function isHeard(outcome: Outcome): boolean {
  if (outcome.status === "unknown") return outcome.code === "cancelled";
  return outcome.status !== "refused" || !TRANSPORT.has(outcome.code);
}

/**
 * Counts what a batch heard, in the transaction that keeps its outcomes. Answers the faults in a row until now. A large batch
 * counts no more than what makes the target be asked: one moment's fault is no more than that.
 */
export async function heedAnswers(
  tx: Transaction<DB>,
  store: Store,
  { target, outcomes }: { readonly target: string; readonly outcomes: readonly Outcome[] },
): Promise<number> {
  const { faults, heard } = faultsIn(outcomes);
  if (heard) await forgetBreaker(tx, target);
  const last = faults.at(-1);
  if (last === undefined || !("code" in last)) return 0;
  const { code, detail } = last;
  const counted = Math.min(faults.length, FAULTS_PROBED);
  return await countFaults(tx, { target, code, detail: detail ?? code, faults: counted, now: store.clock.now() });
}

/** A look-up showed that changes without an answer took effect: the target carries out what it is told. */
export async function heedEffect({ store, lease }: Pick<Asked, "store" | "lease">, target: string): Promise<void> {
  await store.fenced(lease, (tx) => forgetBreaker(tx, target));
}

/** A batch could not even be sent: whatever the run does about it, the fault counts. */
export async function heedUnsent(
  { store, lease }: Pick<Asked, "store" | "lease">,
  target: string,
  { code, message }: ConnectorError,
): Promise<void> {
  if (!TRANSPORT.has(code)) return;
  await store.fenced(lease, async (tx) => {
    const now = store.clock.now();
    const faults = await countFaults(tx, { target, code, detail: message, faults: 1, now });
    if (faults >= FAULTS_PROBED) await openBreaker(tx, target, now);
  });
}

/**
 * What to do after so many faults in a row: `on` when there are few, or the target answers a question meanwhile; `leave`
 * when it answers questions and carries nothing out. Opens the breaker, except for `on`.
 * @throws ConnectorError `target_unavailable` when it does not answer
 */
export async function afterFaults(asked: Asked, faults: number): Promise<"on" | "leave"> {
  if (faults < FAULTS_PROBED) return "on";
  const fault = await probe(asked);
  if (fault === null && faults < FAULTS_MOST) return "on";
  await asked.store.fenced(asked.lease, (tx) => openBreaker(tx, asked.id, asked.store.clock.now()));
  if (fault === null) return "leave";
  const said = `did not answer ${faults} changes in a row`;
  throw await unavailable(asked, `${said}, nor a question after that: ${fault.message}`, fault);
}

/** The fault with which a run ends whose target answers questions and carries nothing out. */
export async function carriesNothingOut(asked: Asked): Promise<ConnectorError> {
  const row = await loadBreaker(asked.store.db, asked.id);
  const { failures = FAULTS_MOST, detail = "" } = row ?? {};
  return await unavailable(asked, `gave no proper answer to ${failures} changes in a row: ${detail}`, undefined);
}

/**
 * Begins a run: a target whose breaker is open is asked once, before anything is read.
 * @throws ConnectorError `target_unavailable` when it does not answer still
 */
export async function heedBreaker(asked: Asked): Promise<void> {
  const { store, lease, id } = asked;
  const row = await loadBreaker(store.db, id);
  if (row === null || row.opened_at === null) return;
  const fault = await probe(asked);
  if (fault === null) {
    await store.fenced(lease, (tx) => halfOpenBreaker(tx, id, FAULTS_MOST - 1));
    return;
  }
  await store.fenced(lease, (tx) => openBreaker(tx, id, store.clock.now()));
  const since = new Date(row.since).toISOString().slice(0, 16).replace("T", " ");
  throw await unavailable(asked, `gives no answer since ${since} UTC: ${fault.message}`, fault);
}

/** A target that only is asked, for people and machines. Times in milliseconds UTC. */
export interface BreakerView {
  readonly since: number;
  readonly lastAt: number;
  readonly detail: string;
}

export function breakerView(row: BreakerRow | null): BreakerView | null {
  if (row === null || row.opened_at === null) return null;
  return { since: row.since, lastAt: row.last_at, detail: row.detail };
}

/** One small question: a record that we know, or a name that nobody has. Faults that are no transport's are thrown. */
async function probe({ store, target, kind, id, signal }: Asked): Promise<ConnectorError | null> {
  const known = await store.db
    .selectFrom("links")
    .select("record_id")
    .where("target", "=", id)
    .where("kind", "=", kind.name)
    .limit(1)
    .executeTakeFirst();
  const [attribute] = kind.matchable;
  try {
    if (known !== undefined) await target.get(kind.name, [known.record_id], { members: false }, signal);
    else if (attribute !== undefined) await target.find(kind.name, attribute, ["entrain-probe"], signal);
    return null;
  } catch (fault) {
    if (fault instanceof ConnectorError && TRANSPORT.has(fault.code)) return fault;
    throw fault;
  }
}

async function unavailable({ store, id }: Asked, said: string, cause: unknown): Promise<ConnectorError> {
  const row = await store.db.selectFrom("targets").select("name").where("id", "=", id).executeTakeFirst();
  const name = row?.name ?? id;
  const fix = `Nothing needs to be done: each run asks the target once, and goes on as soon as it answers. \`entrain target verify ${name}\` tells more.`;
  const message = `The target ${name} ${said}${/[.!?]$/.test(said) ? "" : "."} What is left is not tried now.`;
  return new ConnectorError("target_unavailable", message, { stops: "run", retry: "later", fix, cause });
}
