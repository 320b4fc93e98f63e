import { createHash } from "node:crypto";
import { ConnectorError, type SourceKind, type SourcePage, type SourceRecord, type Watermark } from "@entrain/core";
import { type CollectionPage, type GraphClient, GraphRefusal } from "./client.ts";
import { hasMoreRoles, lostRoles, readingRoles } from "./permissions.ts";
import {
  goingOnFrom,
  isDue,
  isHopeless,
  keeping,
  mayLeaveCircle,
  type Reconcile,
  settledLink,
  toldBehind,
  withoutRepetition,
} from "./repetition.ts";
import { decodePosition, encodePosition, type Position } from "./watermark.ts";

/** One request's worth of reading: what came, where it goes on, and the permissions that the requests had. */
export interface Step {
  readonly records: readonly SourceRecord[];
  readonly next: Position;
  /** The last page of its round. */
  readonly complete: boolean;
  /** Full round: how many records the service counted when the round began. */
  readonly expected: number | null;
  /** The permissions of each token that was used. */
  readonly roles: readonly (readonly string[] | null)[];
}

/** Reads one kind of record. What follows depends on the position alone, so that any process can go on from it. */
export interface Reader {
  readonly kind: SourceKind;
  readonly selection: string;
  /** The rest of a full round. @throws ExpiredLink when only another round helps */
  full(position: Position, signal: AbortSignal): AsyncIterable<Step>;
  /** One page of a delta round: fetched, and parsed when the answered function is called. */
  change(position: Position, signal: AbortSignal): Promise<() => Promise<Step>>;
}

/** Graph no longer accepts a link that it gave earlier: only another round helps. */
class ExpiredLink extends Error {}

/** Refusals of a link that Graph gave earlier: the token behind it is too old. Casing differs between services. */
const EXPIRED_CODES: ReadonlySet<string> = new Set([
  "syncstatenotfound",
  "syncstateinvalid",
  "resyncrequired",
  "directory_expiredpagetoken",
]);
/** A round may hold empty pages, but not for ever. */
const MAX_EMPTY_PAGES = 1000;
/** How often one next link may be met. */
const MAX_REPEATS = 3;

/** Hash of what is read and from where. */
export function selectionHash(...parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

/**
 * True when Graph no longer accepts a link that it gave earlier, so that only another round helps. A link that was kept in a
 * watermark (`kept`) is taken for too old by any such refusal: a full round is always safe, staying put never mends.
 */
export function isExpired(error: unknown, kept: boolean): boolean {
  if (!(error instanceof GraphRefusal)) return false;
  if (error.status === 410) return true;
  return (error.status === 400 || error.status === 404) && (kept || EXPIRED_CODES.has(error.graphCode.toLowerCase()));
}

/** Turns the refusal of a link that is too old into an {@link ExpiredLink}. */
export async function unexpired<T>(answer: Promise<T>, kept: boolean): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw isExpired(error, kept) ? new ExpiredLink("a link has expired", { cause: error }) : error;
  }
}

interface ReadHow {
  readonly now: () => number;
  readonly reconcile: Reconcile;
  readonly signal: AbortSignal;
}

/** Where a read stands. */
interface Standing {
  readonly position: Position;
  /** False once this read has begun a full round with the latest link: another one would not help. */
  readonly mayBegin: boolean;
  /** Why a repeated round was given up, until a page has told it. */
  readonly gaveUp: NonNullable<SourcePage["gaveUp"]> | null;
}

/**
 * Yields the pages from a watermark to the end of the delta round. What comes next is fetched while the consumer stores the present
 * page. Lost permissions end the read without moving the watermark: what Graph hides must not look cleared or removed. A full round
 * may have come from a replica that lags, and a delta may have left something out: after a time everything is read again, and the
 * delta behind it goes on from a link so old that it tells again whatever a replica may not have shown.
 *
 * Such a repetition is not worth a healthy delta: when it fails, changes are read without it. An expired link begins a full round,
 * once; so do changes that lead in circles or could not be read for a long time.
 */
export async function* readPages(
  client: GraphClient,
  reader: Reader,
  from: Watermark | null,
  how: ReadHow,
): AsyncGenerator<SourcePage> {
  const known = from === null ? null : decodePosition(from);
  const roles = readingRoles(reader.kind, await client.roles(how.signal));
  const lost = lostRoles(reader.kind, known?.roles ?? null, roles);
  if (known !== null && lost.length > 0) return yield incompletePage(known, lost);
  const position = known === null ? beginning(reader, roles, from !== null) : startOf(reader, known, roles, how);
  let standing: Standing = { position, mayBegin: !isLatest(position), gaveUp: null };
  for (;;) {
    try {
      for await (const step of stepsFrom(reader, standing.position, how.signal, how.now)) {
        const { position } = standing;
        const missing = step.roles.flatMap((used) =>
          lostRoles(reader.kind, position.roles, readingRoles(reader.kind, used)),
        );
        if (missing.length > 0) return yield incompletePage(position, missing);
        yield pageOf(standing, step, how.now());
        standing = { ...standing, position: step.next, gaveUp: null };
      }
      return;
    } catch (error) {
      how.signal.throwIfAborted();
      const turn = await turnFrom(standing, error, { client, reader, ...how });
      if (turn === null && marksFailing(standing.position, error)) yield failingPage(standing, how.now());
      if (turn === null) throw error;
      const missing = lostRoles(reader.kind, standing.position.roles, turn.position.roles);
      if (missing.length > 0) return yield incompletePage(standing.position, missing);
      standing = turn;
    }
  }
}

/** Where a read begins that knows a position. */
function startOf(reader: Reader, known: Position, roles: Position["roles"], { now, reconcile }: ReadHow): Position {
  if (known.selection !== reader.selection) return beginning(reader, roles, hasTold(known));
  const more = hasMoreRoles(known.roles, roles);
  if (!more && !isDue(known, now(), reconcile)) return known;
  const settled = settledLink(known, now());
  const { kept, failing, failed } = known;
  const full = more && known.full !== null ? { ...known.full, anew: true } : known.full;
  if (settled === null || (known.round === "full" && known.since === null))
    return beginning(reader, roles, hasTold(known));
  const widened = more || known.widened;
  return { ...beginning(reader, roles, false), ...goingOnFrom(settled, now()), widened, full, kept, failing, failed };
}

/** A full round that is about to take the latest link. */
function isLatest({ round, delta, since }: Position): boolean {
  return round === "full" && delta === null && since === null;
}

/** How to go on after a fault; `null` when the read ends with it. */
async function turnFrom(
  { position, mayBegin, gaveUp }: Standing,
  error: unknown,
  { client, reader, now, reconcile, signal }: ReadHow & { readonly client: GraphClient; readonly reader: Reader },
): Promise<Standing | null> {
  if (!isPassing(error)) return null;
  if (position.round === "full" && position.since !== null) {
    return { position: withoutRepetition(position, now()), mayBegin, gaveUp: faultOf(error) };
  }
  const hasExpired = error instanceof ExpiredLink;
  if (hasExpired && !mayBegin) throw expiredAgain(reader.kind);
  const isCircle = !hasExpired && error.code === "link_loop" && mayLeaveCircle(position, now());
  const isLost = hasExpired || (position.round === "delta" && (isCircle || isHopeless(position, now(), reconcile)));
  if (!isLost || !mayBegin) return null;
  const roles = readingRoles(reader.kind, await client.roles(signal));
  return { position: beginning(reader, roles, hasTold(position)), mayBegin: false, gaveUp };
}

/** A fault that says nothing of the connection: something else may still be read, or the same at another time. */
function isPassing(error: unknown): error is ConnectorError | ExpiredLink {
  return error instanceof ExpiredLink || (error instanceof ConnectorError && error.stops !== "connection");
}

function faultOf(error: ConnectorError | ExpiredLink): NonNullable<SourcePage["gaveUp"]> {
  if (error instanceof ConnectorError) return { code: error.code, detail: error.message };
  const { cause } = error;
  return { code: "watermark_expired", detail: cause instanceof Error ? cause.message : error.message };
}

/** Something was known before, which a full round with the latest link overwrites. */
function hasTold({ round, full, anew }: Position): boolean {
  return round === "delta" || full !== null || anew;
}

/**
 * A delta that begins to fail: from when on decides how long there is hope for its link. One that has to tell something again goes
 * back to where it began.
 */
function marksFailing({ round, failing, awaited }: Position, error: unknown): boolean {
  return round === "delta" && (failing === null || awaited !== null) && isPassing(error);
}

/** When it fails, or the consumer stops, what was fetched ahead ends first. */
async function* stepsFrom(
  reader: Reader,
  from: Position,
  signal: AbortSignal,
  now: () => number,
): AsyncGenerator<Step> {
  const stop = new AbortController();
  const within = AbortSignal.any([signal, stop.signal]);
  let pending: ReturnType<Reader["change"]> | null = null;
  try {
    if (from.round === "full") {
      for await (const part of reader.full(from, within)) {
        const step = part.complete ? { ...part, next: behindRound(part.next, from, now()) } : part;
        if (step.complete) pending = prefetch(reader, step.next, within);
        yield step;
      }
    }
    pending ??= unexpired(reader.change(from, within), true);
    for (;;) {
      const part = await (await pending)();
      const told = toldBehind(part.next, part.records);
      const step = { ...part, next: part.complete ? keeping(told, now()) : told };
      if (!step.complete) pending = prefetch(reader, step.next, within);
      yield step;
      if (step.complete) return;
    }
  } finally {
    stop.abort();
    await pending?.catch(() => {});
  }
}

/** A repetition of a round that took the latest link is followed by another one as early as a first round is. */
function behindRound(next: Position, { since, anew, widened, full }: Position, at: number): Position {
  const repeated = since !== null && !widened && full?.anew !== true;
  return {
    ...next,
    since: null,
    anew: false,
    widened: false,
    full: { at, repeated, anew },
    failing: null,
    failed: null,
  };
}

/** The promise is awaited later, or never when the consumer stops: then its failure is nobody's. */
function prefetch(reader: Reader, position: Position, signal: AbortSignal): ReturnType<Reader["change"]> {
  const pending = unexpired(reader.change(position, signal), false);
  pending.catch(() => {});
  return pending;
}

/** Before a full round with the latest link. `anew`: see {@link Position.anew}. */
function beginning(reader: Reader, roles: readonly string[] | null, anew: boolean): Position {
  const { kind, selection } = reader;
  return {
    kind,
    selection,
    roles,
    round: "full",
    link: null,
    delta: null,
    expected: null,
    after: null,
    open: [],
    lanes: null,
    since: null,
    anew,
    widened: false,
    full: null,
    kept: [],
    awaited: null,
    failing: null,
    failed: null,
  };
}

function pageOf({ position, gaveUp }: Standing, step: Step, now: number): SourcePage {
  const fallback = fallbackOf(position, now);
  const begins = position.round === "full" && position.delta === null;
  return {
    records: step.records,
    watermark: encodePosition(step.next),
    round: position.round,
    begins,
    ...(begins && position.since !== null && !position.widened ? { repeats: true } : {}),
    complete: step.complete,
    ...(step.expected === null ? {} : { expected: step.expected }),
    ...(fallback === null ? {} : { fallback }),
    ...(gaveUp === null ? {} : { gaveUp }),
  };
}

/** A full round behind which something was known must not be the way to forget where changes go on. */
function fallbackOf(position: Position, now: number): NonNullable<SourcePage["fallback"]> | null {
  const { round, since, anew } = position;
  if (round !== "full" || (since === null && !anew)) return null;
  const blank = { link: null, delta: null, expected: null, after: null, open: [], lanes: null };
  return {
    again: encodePosition({ ...position, ...blank }),
    changes: since === null ? null : encodePosition(withoutRepetition(position, now)),
  };
}

function failingPage({ position, gaveUp }: Standing, now: number): SourcePage {
  const { awaited } = position;
  return {
    records: [],
    watermark: encodePosition({ ...position, link: awaited?.link ?? position.link, failing: position.failing ?? now }),
    round: "delta",
    begins: false,
    complete: false,
    failing: true,
    ...(gaveUp === null ? {} : { gaveUp }),
  };
}

function incompletePage(position: Position, lost: readonly string[]): SourcePage {
  const detail = `The application no longer has ${lost.join(", ")}. The read goes on from here once it is granted again.`;
  return {
    records: [],
    watermark: encodePosition(position),
    round: position.round,
    begins: false,
    complete: false,
    incomplete: { code: "permission_lost", detail },
  };
}

function expiredAgain(kind: SourceKind): ConnectorError {
  const message = `Reading ${kind}s: Graph no longer accepts the links of a full round that has only just begun.`;
  return new ConnectorError("watermark_expired", message, { stops: "run", retry: "later" });
}

/**
 * The links that a read has followed. A page may come again a few times (delta replays, an empty page that leads to itself):
 * replays change nothing. One that keeps coming would make the read endless, as would empty pages without end.
 */
export class Trail {
  readonly #times = new Map<string, number>();
  #empty = 0;

  /** Throws `link_loop` for a page whose next link the read has met too often, or behind too many empty ones in a row. */
  follow(path: string, page: CollectionPage): void {
    this.#empty = page.entities.length === 0 && page.nextLink !== null ? this.#empty + 1 : 0;
    if (this.#empty > MAX_EMPTY_PAGES)
      throw endless(`${path}: ${MAX_EMPTY_PAGES} empty pages in a row, each with a next link.`);
    if (page.nextLink === null) return;
    const times = (this.#times.get(page.nextLink) ?? 0) + 1;
    if (times > MAX_REPEATS) throw endless(`${path}: a next link keeps leading back to a page that was already read.`);
    this.#times.set(page.nextLink, times);
  }

  /** Forgets the links when another round begins. */
  clear(): void {
    this.#times.clear();
    this.#empty = 0;
  }
}

function endless(message: string): ConnectorError {
  return new ConnectorError("link_loop", message, { stops: "run", retry: "later" });
}
