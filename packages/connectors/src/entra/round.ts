import { createHash } from "node:crypto";
import { ConnectorError, type SourceKind, type SourcePage, type SourceRecord, type Watermark } from "@entrain/core";
import { type CollectionPage, type GraphClient, GraphRefusal } from "./client.ts";
import { hasMoreRoles, lostRoles, readingRoles } from "./permissions.ts";
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

/** After how many milliseconds a full round is repeated: a first one, and one that was itself a repetition. */
export interface Reconcile {
  readonly firstMs: number;
  readonly everyMs: number;
}

interface ReadHow {
  readonly now: () => number;
  readonly reconcile: Reconcile;
  readonly signal: AbortSignal;
}

/**
 * Yields the pages from a watermark to the end of the delta round. What comes next is fetched while the consumer stores the present
 * page. An expired link begins a full round, once. Lost permissions end the read without moving the watermark: what Graph hides
 * must not look cleared or removed. A full round may have come from a replica that lags, and a delta may have left something out:
 * after a time everything is read again, and the delta behind it goes on from where the last one ended.
 */
export async function* readPages(
  client: GraphClient,
  reader: Reader,
  from: Watermark | null,
  { now, reconcile, signal }: ReadHow,
): AsyncGenerator<SourcePage> {
  const ahead = new AbortController();
  const within = AbortSignal.any([signal, ahead.signal]);
  try {
    const known = from === null ? null : decodePosition(from);
    const roles = readingRoles(reader.kind, await client.roles(signal));
    const lost = lostRoles(known?.roles ?? null, roles);
    if (known !== null && lost.length > 0) return yield incompletePage(known, lost);
    let mayBegin = known?.selection === reader.selection && !hasMoreRoles(known.roles, roles);
    let position = mayBegin && known !== null ? known : beginning(reader, roles);
    if (mayBegin && isDue(position, now(), reconcile)) position = { ...beginning(reader, roles), since: position.link };
    for (;;) {
      try {
        for await (const step of stepsFrom(reader, position, within, now)) {
          const missing = step.roles.flatMap((used) => lostRoles(position.roles, readingRoles(reader.kind, used)));
          if (missing.length > 0) return yield incompletePage(position, missing);
          yield pageOf(position, step);
          position = step.next;
        }
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof ExpiredLink)) throw error;
        const now = readingRoles(reader.kind, await client.roles(signal));
        const missing = lostRoles(position.roles, now);
        if (missing.length > 0) return yield incompletePage(position, missing);
        if (!mayBegin) throw expiredAgain(reader.kind);
        mayBegin = false;
        position = beginning(reader, now);
      }
    }
  } finally {
    ahead.abort();
  }
}

function isDue({ round, full }: Position, now: number, { firstMs, everyMs }: Reconcile): boolean {
  if (round !== "delta") return false;
  return full === null || now - full.at >= (full.repeated ? everyMs : firstMs);
}

async function* stepsFrom(
  reader: Reader,
  from: Position,
  signal: AbortSignal,
  now: () => number,
): AsyncGenerator<Step> {
  let pending: ReturnType<Reader["change"]> | null = null;
  if (from.round === "full") {
    for await (const part of reader.full(from, signal)) {
      const full = { at: now(), repeated: from.since !== null };
      const step = part.complete ? { ...part, next: { ...part.next, since: null, full } } : part;
      if (step.complete) pending = prefetch(reader, step.next, signal);
      yield step;
    }
  }
  pending ??= unexpired(reader.change(from, signal), true);
  for (;;) {
    const step = await (await pending)();
    if (!step.complete) pending = prefetch(reader, step.next, signal);
    yield step;
    if (step.complete) return;
  }
}

/** The promise is awaited later, or never when the consumer stops: then its failure is nobody's. */
function prefetch(reader: Reader, position: Position, signal: AbortSignal): ReturnType<Reader["change"]> {
  const pending = unexpired(reader.change(position, signal), false);
  pending.catch(() => {});
  return pending;
}

function beginning(reader: Reader, roles: readonly string[] | null): Position {
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
    full: null,
  };
}

function pageOf(position: Position, step: Step): SourcePage {
  return {
    records: step.records,
    watermark: encodePosition(step.next),
    round: position.round,
    begins: position.round === "full" && position.delta === null,
    complete: step.complete,
    ...(step.expected === null ? {} : { expected: step.expected }),
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
