import {
  ConnectorError,
  type Presence,
  type Source,
  type SourceKind,
  type SourcePage,
  type Withheld,
} from "@entrain/core";
import {
  livingCount,
  loadRecords,
  loadWatermark,
  mergePage,
  removedAmong,
  saveWatermark,
  settleSuspects,
  suspects,
  type WatermarkRow,
  writtenAmong,
  writtenCount,
} from "../store/directory.ts";
import { dropUnseenEdges } from "../store/edges.ts";
import { saveRun } from "../store/runs.ts";
import { lastSequence } from "../store/sequences.ts";
import type { Lease, Store } from "../store/store.ts";
import type { Progress } from "./context.ts";
import { giveUpRound } from "./given-up.ts";
import { Pages } from "./read-pages.ts";
import { Reconciliation } from "./reconciliation.ts";

/** A full round smaller than this share of what was known is shrunken: its removals wait for approval. */
const SHRUNKEN_SHARE = 0.9;
/** The service's count is eventually consistent: only a loss beyond this share, and these few records, is gross. */
const SHORT_SHARE = 0.01;
const SHORT_FEW = 3;
const CONFIRM_BATCH = 100;
/** So many people on one page without an account state are no accident. */
const SILENT_MANY = 10;
/** Large pages of a first round that share a transaction. */
const PAGES_AT_ONCE = 8;

type Tx = Parameters<typeof saveWatermark>[0];

export interface ReadOptions {
  readonly store: Store;
  readonly source: Source;
  readonly connection: string;
  readonly lease: Lease;
  /** The run that reads, for its progress; null for a preview. */
  readonly run: string | null;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  /** Told what the source withholds, once for each page. */
  readonly onWithheld?: (withheld: readonly Withheld[]) => void;
  /** False while another kind's progress is told in place of this one's; told without it. */
  readonly isTold?: () => boolean;
}

/** What one read of one kind did. */
export interface ReadResult {
  readonly kind: SourceKind;
  readonly pages: number;
  readonly records: number;
}

/**
 * Reads kinds beside each other, each with a watermark of its own. The fault of one ends the others too, and is thrown once they have
 * ended; what was merged stays. Of several that are under way the first one's progress is told.
 */
export async function readKinds(options: ReadOptions, kinds: readonly SourceKind[]): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const underWay = [...kinds];
  const faults: unknown[] = [];
  const one = async (kind: SourceKind): Promise<void> => {
    const isTold = (): boolean => underWay[0] === kind;
    try {
      await readKind({ ...options, signal, isTold }, kind);
    } catch (fault) {
      faults.push(fault);
      stop.abort(fault);
    }
    underWay.splice(underWay.indexOf(kind), 1);
  };
  await Promise.all(kinds.map(one));
  if (faults.length > 0) throw faults[0];
}

/**
 * Reads one kind from where the last read ended: pages merge in one transaction with the watermark behind them, so that a
 * crash resumes and never skips. Throws a ConnectorError when the read failed or ended incomplete; what was merged
 * stays, and nothing counts as removed until a whole round has ended well. A round that only repeats another one is given up when it
 * is found wanting, and what changed is read without it.
 */
export async function readKind(options: ReadOptions, kind: SourceKind): Promise<ReadResult> {
  const read = new KindRead(options, kind, await loadWatermark(options.store.db, options.connection, kind));
  while (!(await read.toItsEnd()));
  await confirmAbsences(options, kind);
  await closeReconciliation(options, read.reconciliation);
  const { pages, records } = read;
  return { kind, pages, records };
}

/** What became of a page. */
interface Taken {
  readonly watermark: WatermarkRow;
  /** Nothing of it was kept. */
  readonly fault: ConnectorError | null;
  /** The round was given up with it: the read goes on from the watermark. */
  readonly gaveUp: boolean;
  readonly progress: Progress | null;
}

class KindRead {
  pages = 0;
  records = 0;
  reconciliation: Reconciliation | null = null;
  readonly #options: ReadOptions;
  readonly #kind: SourceKind;
  #watermark: WatermarkRow;

  constructor(options: ReadOptions, kind: SourceKind, watermark: WatermarkRow) {
    this.#options = options;
    this.#kind = kind;
    this.#watermark = watermark;
  }

  /** Reads on from the watermark; false when a round was given up and the read begins again behind it. */
  async toItsEnd(): Promise<boolean> {
    const { store, source, lease, signal, onProgress, onWithheld, isTold = () => true } = this.#options;
    const { token, phase } = this.#watermark;
    if (phase === "reading" && token !== null && isTold()) onProgress(fullProgress(this.#kind, this.#watermark));
    const from = token as Parameters<Source["read"]>[1];
    const pages = new Pages((until) => source.read(this.#kind, from, until), signal, store.clock);
    try {
      for (let read = await pages.next(); read !== null; read = await pages.next()) {
        if (read.withheld !== undefined) onWithheld?.(read.withheld);
        const isFirst = this.#watermark.full_at === null;
        const page = isFirst ? read : await withWhatIsUntold(this.#options, this.#kind, read);
        const taken = await store.fenced(lease, (tx) => this.#takeAll(tx, page, isFirst ? pages : null));
        if (taken.fault !== null) throw taken.fault;
        if (taken.gaveUp) return false;
        if (taken.progress !== null && isTold()) onProgress(taken.progress);
      }
      return true;
    } finally {
      await pages.end();
    }
  }

  /**
   * Takes a page and, of `pages`, a few large ones behind it that come soon, in one transaction:
   * each costs its own writing. What a repeated round asks the source of its pages must see the ones before them.
   */
  async #takeAll(tx: Tx, first: SourcePage, pages: Pages | null): Promise<Taken> {
    let page = first;
    for (let left = PAGES_AT_ONCE - 1; ; left -= 1) {
      const taken = await this.#take(tx, page);
      if (taken.fault !== null) return taken;
      this.#watermark = taken.watermark;
      if (taken.gaveUp) return taken;
      this.pages += 1;
      this.records += page.records.length;
      const next = left === 0 || pages === null ? null : await pages.behind(page);
      if (next === null) return taken;
      page = next;
    }
  }

  async #take(tx: Tx, page: SourcePage): Promise<Taken> {
    const { store, connection, run, isTold = () => true } = this.#options;
    const kind = this.#kind;
    const watermark = page.gaveUp === undefined ? this.#watermark : await this.#giveUp(tx, page.gaveUp);
    if (page.failing === true) return this.#keep(tx, { ...watermark, token: page.watermark });
    const before = page.begins
      ? await beginRound(tx, store, watermark, page)
      : { ...watermark, expected: page.expected ?? watermark.expected };
    const seen = await seenBehind(tx, before, page);
    const failure = failureOf(page, before, seen) ?? (await hiddenValues(tx, connection, page));
    if (failure) return this.#refuse(tx, page, { failure, watermark, before });
    if (page.begins && page.repeats === true && watermark.full_at !== null)
      this.reconciliation = new Reconciliation({ connection, kind, from: await lastSequence(tx, connection) });
    await this.reconciliation?.meet(tx, page);
    await mergePage(store, tx, { connection, round: before.round, records: page.records });
    const after = await afterPage(tx, store, { ...before, seen }, page);
    if (page.round === "full" && page.complete) await this.reconciliation?.complete(tx);
    const progress = progressOf(kind, after, this.records + page.records.length, page);
    if (run !== null && isTold()) await saveRun(tx, run, { progress: JSON.stringify(progress) });
    return { ...(await this.#keep(tx, after)), progress };
  }

  async #refuse(
    tx: Tx,
    page: SourcePage,
    of: { readonly failure: ReadFailure; readonly watermark: WatermarkRow; readonly before: WatermarkRow },
  ): Promise<Taken> {
    const { finding, restarts } = of.failure;
    // A round that fails with its first page was never begun: what a delta tells next belongs to the one before.
    const base = page.begins ? of.watermark : of.before;
    const changes = page.fallback?.changes ?? null;
    if (restarts && changes !== null && finding.code !== "permission_lost") {
      this.#watermark = base;
      const without = await this.#giveUp(tx, finding);
      return { ...(await this.#keep(tx, { ...without, token: changes })), gaveUp: true };
    }
    const restart = restarts ? { token: page.fallback?.again ?? null } : {};
    const kept = await this.#keep(tx, { ...base, ...restart, incomplete: JSON.stringify(finding) });
    return { ...kept, fault: readFault(finding, await nameOf(tx, this.#options.connection)) };
  }

  /** The watermark without the round that was to repeat another one: the one before it counts again, which had ended well. */
  async #giveUp(tx: Tx, why: NonNullable<SourcePage["gaveUp"]>): Promise<WatermarkRow> {
    const { store, connection, run } = this.#options;
    this.reconciliation = null;
    await giveUpRound(tx, store, { connection, kind: this.#kind, run, why });
    const { phase } = this.#watermark;
    return { ...this.#watermark, phase: phase === "reading" ? "settled" : phase };
  }

  async #keep(tx: Tx, watermark: WatermarkRow): Promise<Taken> {
    await saveWatermark(tx, watermark);
    return { watermark, fault: null, gaveUp: false, progress: null };
  }
}

async function closeReconciliation(
  { store, lease, run }: ReadOptions,
  reconciliation: Reconciliation | null,
): Promise<void> {
  if (reconciliation !== null) await store.fenced(lease, (tx) => reconciliation.close(tx, store, run));
}

/** Asks the source for what a page does not tell of records that are known to be removed and come back with it. */
async function withWhatIsUntold(options: ReadOptions, kind: SourceKind, page: SourcePage): Promise<SourcePage> {
  if (page.round === "full") return withoutDeparted(options, kind, page);
  return kind === "user" ? withReturnedManagers(options, page) : page;
}

/**
 * Microsoft does not say whether a delta tells the manager of a person who was restored, and one that is absent counts as unchanged:
 * who was deleted for good meanwhile would stay their manager. So those who return without one are asked for.
 */
async function withReturnedManagers(options: ReadOptions, page: SourcePage): Promise<SourcePage> {
  const silent = page.records.filter((record) => record.removed === undefined && record.manager === undefined);
  const { store, source, connection, signal } = options;
  const returned = await removedAmong(store.db, connection, [...new Set(silent.map(({ id }) => id))]);
  if (returned.length === 0) return page;
  const managers = await source.managers(returned, signal);
  const records = page.records.map((record) => {
    const manager = silent.includes(record) ? managers.get(record.id) : undefined;
    return manager === undefined ? record : { ...record, manager };
  });
  return { ...page, records };
}

/**
 * A full round may come from a replica that lags behind the removals that an earlier delta told, and no later delta
 * tells them again. So a record that is known to be removed is asked for by id before a full round brings it back.
 */
async function withoutDeparted(options: ReadOptions, kind: SourceKind, page: SourcePage): Promise<SourcePage> {
  if (page.round !== "full") return page;
  const { store, source, connection, signal } = options;
  const ids = page.records.map((record) => record.id);
  const removed = await removedAmong(store.db, connection, ids);
  if (removed.length === 0) return page;
  const presence = new Map<string, Presence>();
  for (let at = 0; at < removed.length; at += CONFIRM_BATCH) {
    const asked = await source.presence(kind, removed.slice(at, at + CONFIRM_BATCH), signal);
    for (const [id, state] of asked) presence.set(id, state);
  }
  const returned = (id: string): boolean => (presence.get(id) ?? "present") === "present";
  return { ...page, records: page.records.filter((record) => returned(record.id)) };
}

async function beginRound(tx: Tx, store: Store, watermark: WatermarkRow, page: SourcePage): Promise<WatermarkRow> {
  return {
    ...watermark,
    round: watermark.round + 1,
    phase: "reading",
    seen: 0,
    known_before: await livingCount(tx, watermark.connection, watermark.kind as SourceKind),
    expected: page.expected ?? null,
    read_at: store.clock.now(),
  };
}

interface ReadFinding {
  readonly code: "round_empty" | "round_short" | "permission_lost" | "answer_invalid";
  readonly detail: string;
}

interface ReadFailure {
  readonly finding: ReadFinding;
  /** Whether what was read of the round so far is of no use either. */
  readonly restarts: boolean;
}

/** Judges a page before anything of it is kept: lost permissions, a round that ends empty, a round that is too short. */
function failureOf(page: SourcePage, watermark: WatermarkRow, seen: number): ReadFailure | null {
  if (page.incomplete) {
    const code = page.incomplete.code === "permission_lost" ? "permission_lost" : "answer_invalid";
    return { finding: { code, detail: page.incomplete.detail }, restarts: false };
  }
  if (page.round !== "full" || !page.complete) return null;
  const { kind, known_before: known, expected } = watermark;
  if (seen === 0 && (known > 0 || (expected ?? 0) > 0)) {
    const held = known > 0 ? `the directory holds ${known}` : `the service counts ${expected}`;
    const detail = `The round of ${kind}s ended without one record; ${held}.`;
    return { finding: { code: "round_empty", detail }, restarts: true };
  }
  if (expected !== null && expected - seen > Math.max(SHORT_FEW, expected * SHORT_SHARE)) {
    const detail = `The round of ${kind}s held ${seen} records; the service counts ${expected}.`;
    return { finding: { code: "round_short", detail }, restarts: true };
  }
  return null;
}

/**
 * Graph answers nulls for what a token may not read. Nobody's account state is ever unset, so a page on which most
 * people lose theirs, or many never had one, was read without the permission, whatever the token says.
 */
async function hiddenValues(tx: Tx, connection: string, page: SourcePage): Promise<ReadFailure | null> {
  const people = page.records.filter((record) => record.kind === "user" && record.removed === undefined);
  const silent = people.filter(({ attributes }) => attributes.accountEnabled === null);
  if (silent.length === 0 || silent.length * 2 <= people.length) return null;
  const known = await loadRecords(
    tx,
    connection,
    silent.map(({ id }) => id),
  );
  const stated = [...known.values()].filter((row) => {
    const { accountEnabled } = JSON.parse(row.attributes) as { readonly accountEnabled?: unknown };
    return row.removed === null && typeof accountEnabled === "boolean";
  });
  if (stated.length * 2 <= people.length && silent.length < SILENT_MANY) return null;
  const detail = `Graph does not say of ${silent.length} people whether their accounts are enabled: it hides what the application may not read.`;
  // Earlier pages of the round may have hidden as much of too few people to tell: it is read again from its start.
  const restarts = page.round === "full" && !page.begins;
  return { finding: { code: "permission_lost", detail }, restarts };
}

/**
 * How many records the round holds with this page. While it goes on, one that comes twice counts twice; at its end each counts
 * once, for what comes twice (in two lanes, on a page that is replayed) must not make up for what never came.
 */
async function seenBehind(tx: Tx, watermark: WatermarkRow, page: SourcePage): Promise<number> {
  if (page.round !== "full") return watermark.seen;
  const living = [...livingOf(page)];
  if (!page.complete) return watermark.seen + living.length;
  if (watermark.seen === 0) return living.length;
  const written = await writtenAmong(tx, watermark, living);
  return (await writtenCount(tx, watermark)) + living.length - written.size;
}

function livingOf(page: SourcePage): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const record of page.records) {
    // Later slices of a group's members repeat the group; it counts once, with its first.
    if (record.removed === undefined && record.form === "whole") ids.add(record.id);
  }
  return ids;
}

async function afterPage(tx: Tx, store: Store, watermark: WatermarkRow, page: SourcePage): Promise<WatermarkRow> {
  const now = store.clock.now();
  const { seen } = watermark;
  const after: WatermarkRow = { ...watermark, token: page.watermark, read_at: now, incomplete: null };
  if (page.round === "delta") return { ...after, phase: phaseBehind(watermark, page) };
  if (!page.complete) return after;
  const shrunken = watermark.known_before > 0 && seen < watermark.known_before * SHRUNKEN_SHARE;
  if (watermark.kind === "group") await dropUnseenEdges(store, tx, watermark.connection, watermark.round);
  return { ...after, phase: "confirming", shrunken_round: shrunken ? watermark.round : null, full_at: now };
}

/** A delta that was merged in part says of a move perhaps only that somebody left: until its last page it is marked. */
function phaseBehind({ phase }: WatermarkRow, page: SourcePage): string {
  if (phase !== "settled" && phase !== "delta") return phase;
  return page.complete ? "settled" : "delta";
}

/** Absence from a full round is a suspicion: each absent record is asked for by id before it counts as removed. */
async function confirmAbsences(options: ReadOptions, kind: SourceKind): Promise<void> {
  const { store, source, connection, lease, signal } = options;
  const watermark = await loadWatermark(store.db, connection, kind);
  if (watermark.phase !== "confirming") return;
  const { round } = watermark;
  const doubtful = watermark.shrunken_round === round;
  // Nothing can be absent that was not there before: a first round need not look through all that it has just written.
  while (watermark.known_before > 0) {
    const ids = await suspects(store.db, { connection, kind, round, limit: CONFIRM_BATCH });
    if (ids.length === 0) break;
    const presence = await source.presence(kind, ids, signal);
    await store.fenced(lease, (tx) => settleSuspects(store, tx, { connection, round, doubtful }, presence));
    const isTold = options.isTold?.() ?? true;
    if (isTold)
      options.onProgress({ phase: "reading", detail: `confirming absent ${kind}s`, done: ids.length, total: null });
  }
  await store.fenced(lease, (tx) => saveWatermark(tx, { ...watermark, phase: "settled" }));
}

function readFault(finding: ReadFinding, named: string | undefined): ConnectorError {
  const stops = finding.code === "permission_lost" ? "connection" : "run";
  return new ConnectorError(finding.code, finding.detail, { stops, retry: "later", named });
}

/** What the connection is called, for the command that mends what was found. */
async function nameOf(tx: Tx, connection: string): Promise<string | undefined> {
  const row = await tx.selectFrom("connections").select("name").where("id", "=", connection).executeTakeFirst();
  return row?.name;
}

function progressOf(kind: SourceKind, watermark: WatermarkRow, records: number, page: SourcePage): Progress {
  if (page.round === "full") return fullProgress(kind, watermark);
  return { phase: "reading", detail: `${kind} changes`, done: records, total: null };
}

/** How far a full round is, over all the runs that took part in it. */
function fullProgress(kind: SourceKind, { seen, expected }: WatermarkRow): Progress {
  return { phase: "reading", detail: `${kind}s`, done: seen, total: expected };
}
