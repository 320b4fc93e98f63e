import {
  ConnectorError,
  type Evaluation,
  type EvaluationInput,
  evaluate,
  type Removal,
  removalOf,
  type SyncDefinition,
  type TargetKind,
} from "@entrain/core";
import { type DirectoryRow, loadRecords } from "../store/directory.ts";
import { type LinkRow, loadLinks } from "../store/links.ts";
import { loadPending, type PendingRow, retryAtOf } from "../store/pending.ts";
import { undoneRuns } from "../store/pins.ts";
import type { Store } from "../store/store.ts";
import { compileSync, describedKind, kindOf, kindsOf, readComplete } from "./basis.ts";
import type { Engine, SyncRow, TargetRow } from "./context.ts";
import { loadChance } from "./creation.ts";
import { inputsOf, recordOf as sourceRecord } from "./inputs.ts";
import { loadProtection } from "./protection.ts";
import { scopeGiven } from "./scope-given.ts";
import { resolveScopeGroups } from "./scope-groups.ts";
import { UNSYNCED } from "./unsynced-reasons.ts";

/**
 * How a record stands with one sync:
 *
 * - `synced` and `disabled`: the target holds it, active or not;
 * - `absent`: the target does not hold it, and that is right;
 * - `waiting`: the next run decides;
 * - `held`: a plan with its change waits for approval;
 * - `unsynced`: somebody, or time, has to mend something.
 */
type StandingState = "synced" | "disabled" | "absent" | "waiting" | "held" | "unsynced";

/** Whether one sync's target holds a record of the directory, and why or why not. Times are milliseconds UTC. */
export interface Standing {
  readonly sync: string;
  readonly target: string;
  readonly state: StandingState;
  /** In words that a sentence can end with: `out of scope: department is Legal, not Sales`. */
  readonly reason: string;
  readonly record: StandingRecord | null;
  /** Which list protects the record, so that nothing is taken away from it; left out where none does. */
  readonly protectedBy?: string;
  /** What a held change waits in. */
  readonly plan: { readonly id: string; readonly digest: string } | null;
  /** Not tried before this time; `null`: the next run tries. */
  readonly retryAt: number | null;
}

interface StandingRecord {
  readonly kind: string;
  readonly id: string;
  readonly origin: string;
  readonly active: boolean;
  readonly since: number;
  /** The owning sync's name. */
  readonly sync: string | null;
}

type Judged = Omit<Standing, "sync" | "target">;

interface Subject {
  readonly engine: Engine;
  readonly row: DirectoryRow;
  readonly tenant: string;
}

/** How one record stands with every sync of its connection, by the run's own rules; writes nothing. */
export async function standingsOf(
  engine: Engine,
  of: { readonly connection: string; readonly id: string },
): Promise<readonly Standing[]> {
  const { db } = engine.store;
  const row = (await loadRecords(db, of.connection, [of.id])).get(of.id);
  if (row === undefined) return [];
  const { tenant } = await db
    .selectFrom("connections")
    .select("tenant")
    .where("id", "=", of.connection)
    .executeTakeFirstOrThrow();
  const syncs = await db
    .selectFrom("syncs")
    .selectAll()
    .where("connection", "=", of.connection)
    .orderBy("name")
    .execute();
  const standings: Standing[] = [];
  for (const sync of syncs) {
    const targetRow = await db
      .selectFrom("targets")
      .selectAll()
      .where("id", "=", sync.target)
      .executeTakeFirstOrThrow();
    const judged = await standing({ engine, row, tenant }, sync, targetRow);
    if (judged === null) continue;
    const protectedBy = (await loadProtection(engine.store, sync.id))?.of(sourceRecord(row)) ?? null;
    const kept = protectedBy === null ? {} : { protectedBy };
    standings.push({ sync: sync.name, target: targetRow.name, ...judged, ...kept });
  }
  return standings;
}

/** Null for a sync of the other kind of records. */
async function standing(subject: Subject, sync: SyncRow, targetRow: TargetRow): Promise<Judged | null> {
  const { store } = subject.engine;
  let known: LinkRow | undefined;
  try {
    const kind = await kindAt(subject.engine, sync, targetRow);
    if (kind.source !== subject.row.kind) return null;
    const space = { target: sync.target, tenant: subject.tenant };
    known = (await loadLinks(store.db, space, [kind.name], [subject.row.id])).get(subject.row.id);
    const record = known === undefined ? null : await recordOf(store, known);
    return await judge(subject, { sync, kind, link: known, record });
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    const reason = `the sync cannot run: ${withoutStop(error.message)}`;
    return judged("unsynced", reason, known === undefined ? null : await recordOf(store, known));
  }
}

const DESCRIBED_WITHIN_MS = 5_000;

/** As the target describes it, where it answers soon: how a person stands is told without it, too. */
async function kindAt(engine: Engine, sync: SyncRow, targetRow: TargetRow): Promise<TargetKind> {
  const target = await engine.openTarget(targetRow);
  const signal = AbortSignal.timeout(DESCRIBED_WITHIN_MS);
  try {
    return await describedKind(target, sync, signal);
  } catch (error) {
    if (!(error instanceof ConnectorError) && !signal.aborted) throw error;
    return kindOf(target, sync);
  } finally {
    await target.close();
  }
}

interface Seen {
  readonly sync: SyncRow;
  readonly kind: TargetKind;
  readonly link: LinkRow | undefined;
  readonly record: StandingRecord | null;
}

async function judge(subject: Subject, seen: Seen): Promise<Judged> {
  const { store } = subject.engine;
  const { sync, link, record } = seen;
  const pending = (await loadPending(store.db, sync.id, [subject.row.id])).get(subject.row.id);
  const held = pending?.plan === undefined || pending.plan === null ? null : await heldIn(store, pending.plan, subject);
  if (held !== null) return { ...judged("held", held.reason, record), plan: held.plan };
  const undone = (await undoneRuns(store.db, sync.id, [subject.row.id])).get(subject.row.id);
  if (undone !== undefined) return stays(undone, { sync: sync.name, id: subject.row.id }, record);
  const { evaluation, removal, input } = await evaluated(subject, seen);
  const mine = link !== undefined && (link.sync === sync.id || link.sync === null);
  if (pending !== undefined && isUnsynced(pending)) return refused(pending, record);
  if (record !== null && !mine) {
    const why = removal === null ? "" : ` (${absence(removal, input)})`;
    const owned = `the target record ${record.id} is owned by ${record.sync ?? "another sync"}${why}`;
    return judged(removal === null ? "unsynced" : "absent", owned, record);
  }
  if (evaluation.type === "issue") return judged("unsynced", inIssue(evaluation.finding), record);
  if (record !== null) return linked(evaluation, removal, record);
  if (removal !== null) return judged("absent", absence(removal, input), null);
  if (evaluation.type === "suppressed") return judged("waiting", `kept back: ${evaluation.detail}`, null);
  return unlinked(subject.row, sync);
}

function stays(
  run: string,
  { sync, id }: { readonly sync: string; readonly id: string },
  record: StandingRecord | null,
): Judged {
  const why = run === "" ? "exempted from a held plan, and left alone" : `stays as undoing the run ${run} left it`;
  const reason = `${why}; let the sync decide again with: entrain sync release ${sync} --record ${id}`;
  return judged(record === null ? "absent" : record.active ? "synced" : "disabled", reason, record);
}

/** What the next run would find, by its own rules. */
async function evaluated({ engine, row, tenant }: Subject, { sync, kind }: Seen): Promise<Evaluated> {
  const { store } = engine;
  const definition = JSON.parse(sync.definition) as SyncDefinition;
  const chance = await loadChance(engine);
  const given = await scopeGiven(store, sync.connection, definition.scope, store.clock.now());
  const { scope, mapping, rules } = compileSync(definition, kind, chance, given);
  const groups = await resolveScopeGroups(store, sync.connection, definition.scope, 0);
  const complete = await readComplete(store, sync.connection, kindsOf(kind, definition.scope));
  const space = { target: sync.target, tenant };
  // With a cursor behind the beginning, managers are named in the reasons.
  const creationOf = chance.creationOf(sync.id, store.clock.now());
  const protection = await loadProtection(store, sync.id);
  const basis = { store, space, kind, groups, scope, mapping, creationOf, sync, protection };
  const context = { ...basis, complete, span: { cursor: 1 } };
  const [item] = await inputsOf(context, [row]);
  if (item === undefined) throw new Error("one record gives one input");
  const { record, input } = item;
  return { evaluation: evaluate(rules, input), removal: removalOf(rules, record, input.scope), input };
}

interface Evaluated {
  readonly evaluation: Evaluation;
  readonly removal: Removal | null;
  readonly input: EvaluationInput;
}

function linked(evaluation: Evaluation, removal: Removal | null, record: StandingRecord): Judged {
  const state = record.active ? "synced" : "disabled";
  if (evaluation.type === "change") {
    const { action, reason } = evaluation.change;
    return judged(state, `the next run plans to ${action} it: ${reason}`, record);
  }
  if (evaluation.type === "suppressed") return judged(state, `left as it is: ${evaluation.detail}`, record);
  if (removal === null) return judged(state, "in step", record);
  return judged(state, record.active ? `left there as it is: ${removal.why}` : removal.why, record);
}

/** Why a record that the sync does not want, and that has no link, is rightly not there. */
function absence(removal: Removal, { record, scope }: Pick<EvaluationInput, "record" | "scope">): string {
  if (removal.cause === "deleted" || removal.cause === "softDeleted") return removal.why;
  const disabled = "disabled and without a record there, so none is made";
  if (scope.in) return disabled;
  const out = `out of scope: ${scope.reason}`;
  return record?.kind === "user" && record.attributes.accountEnabled === false ? `${out}; also ${disabled}` : out;
}

/** Neither linked nor unwanted: the sync has not come to it yet, or does not make records. */
function unlinked(row: DirectoryRow, sync: SyncRow): Judged {
  const { operations } = JSON.parse(sync.definition) as SyncDefinition;
  if (sync.evaluated_revision === 0) return judged("waiting", "the sync has never run", null);
  const seen = sync.cursor >= row.sequence && sync.evaluated_revision === sync.revision;
  if (!seen) return judged("waiting", "not looked at yet since the last change; the next run does", null);
  if (operations.create) return judged("waiting", "in scope; the next run makes a record or joins one", null);
  return judged("absent", "the sync makes no records (operations.create is false) and found none to join", null);
}

function isUnsynced({ reason }: PendingRow): boolean {
  return UNSYNCED.some((one) => one === reason);
}

function refused(pending: PendingRow, record: StandingRecord | null): Judged {
  const { reason, code, detail } = pending;
  const said = reason === "failed" ? `failed: ${detail || code}` : inIssue({ code, detail });
  return { ...judged("unsynced", withoutStop(said), record), retryAt: retryAtOf(pending) };
}

function inIssue({ code, detail }: { readonly code: string; readonly detail: string }): string {
  return detail === "" || detail === code ? code : `${code}: ${withoutStop(detail)}`;
}

/** What waits for approval; null when the plan that pins the record is decided already. */
async function heldIn(
  store: Store,
  plan: string,
  { row }: Subject,
): Promise<(Pick<Judged, "reason"> & { readonly plan: NonNullable<Judged["plan"]> }) | null> {
  const change = await store.db
    .selectFrom("plans")
    .leftJoin("plan_changes", (join) =>
      join.onRef("plan_changes.plan", "=", "plans.id").on("plan_changes.object_id", "=", row.id),
    )
    .select(["plans.digest", "plan_changes.action", "plan_changes.reason"])
    .where("plans.id", "=", plan)
    .where("plans.state", "=", "held")
    .executeTakeFirst();
  if (change === undefined) return null;
  const what = change.action === null ? "" : `: ${change.action}, ${change.reason}`;
  return { reason: `waits for approval in plan ${plan}${what}`, plan: { id: plan, digest: change.digest ?? "" } };
}

async function recordOf(store: Store, link: LinkRow): Promise<StandingRecord> {
  const owner =
    link.sync === null
      ? undefined
      : await store.db.selectFrom("syncs").select("name").where("id", "=", link.sync).executeTakeFirst();
  return {
    kind: link.kind,
    id: link.record_id,
    origin: link.origin,
    active: link.active === 1,
    since: link.created_at,
    sync: owner?.name ?? null,
  };
}

function judged(state: StandingState, reason: string, record: StandingRecord | null): Judged {
  return { state, reason, record, plan: null, retryAt: null };
}

function withoutStop(text: string): string {
  return text.replace(/[.\s]+$/, "");
}
