import { ConnectorError, type SourceRecord } from "@entrain/core";
import type { KeptLink, Position } from "./watermark.ts";

/** After how many milliseconds a full round is repeated: a first one, and one that was itself a repetition. */
export interface Reconcile {
  readonly firstMs: number;
  readonly everyMs: number;
}

/** So old a link should be: a replica that lags behind the others by more has never been seen. */
const SETTLED_MS = 6 * 60 * 60_000;
/** So old it has to be; replicas are usually seconds apart, and minutes at most. */
const LEAST_MS = 15 * 60_000;
/** When what went wrong is tried again, and a round that may have laid older values over newer ones is repeated. */
const SOON_MS = 60 * 60_000;

/**
 * Whether a full round has to be repeated. Only behind deltas that end well, and once a link is kept that is old enough to go on
 * from: otherwise the repetition could lay what a replica showed some time ago over what deltas told since.
 */
export function isDue(position: Position, now: number, { firstMs, everyMs }: Reconcile): boolean {
  const { round, full, failing, failed } = position;
  if (round !== "delta" || failing !== null || settledLink(position, now) === null) return false;
  if (failed !== null && !isOver(failed.at, now, Math.min(SOON_MS * 2 ** (failed.times - 1), firstMs))) return false;
  if (full === null) return true;
  const wait = full.anew ? Math.min(SOON_MS, firstMs) : full.repeated ? everyMs : firstMs;
  return isOver(full.at, now, wait);
}

/**
 * The kept link to go on from behind a repeated full round: the newest that is certainly old enough, or else the oldest; `null` while even
 * that one is too new. Changes that are told again for it change nothing.
 */
export function settledLink({ kept }: Position, now: number): KeptLink | null {
  const age = ({ at }: KeptLink): number => now - at;
  const settled = kept.findLast((one) => age(one) >= SETTLED_MS) ?? kept[0];
  return settled === undefined || age(settled) < LEAST_MS ? null : settled;
}

/** A repetition goes on from this link: where its delta has to come to. */
export function goingOnFrom({ link, told }: KeptLink, now: number): Pick<Position, "since" | "awaited"> {
  return { since: link, awaited: told === null ? null : { id: told, until: now + SOON_MS, link } };
}

/** The position behind a page of changes. */
export function toldBehind(position: Position, records: readonly SourceRecord[]): Position {
  const told = records.at(-1)?.id;
  if (told === undefined) return position;
  const { kept, awaited } = position;
  const isThere = awaited !== null && records.some(({ id }) => id === awaited.id);
  return { ...position, kept: kept.map((one) => ({ ...one, told })), awaited: isThere ? null : awaited };
}

/**
 * The position behind a delta that has ended. Two links are kept, with some hours between them: however often changes are
 * read, one of the two is old enough, and neither much older than it needs to be. @throws ConnectorError `server_failed` when what was
 * told before was not told again: the replica that answered knows less than the directory does. Some time later that is nothing to
 * wait for any more, but a record that came and went in between.
 */
export function keeping(position: Position, now: number): Position {
  const { kept, link, awaited, kind } = position;
  if (awaited !== null && now < awaited.until) {
    const message = `Reading ${kind} changes: Graph does not tell again what it had told before; it answers from a copy that lags behind.`;
    throw new ConnectorError("server_failed", message, { stops: "run", retry: "later" });
  }
  const newest = kept.at(-1);
  const isRoom = newest === undefined || Math.abs(now - newest.at) >= SETTLED_MS;
  const ended: readonly KeptLink[] = isRoom && link !== null ? [{ link, at: now, told: null }] : [];
  return { ...position, kept: [...kept, ...ended].slice(-2), awaited: null, failing: null };
}

/** Where to read on without the repetition: from the link that it was to go on from, so that what it stored of older values is told over. */
export function withoutRepetition(position: Position, now: number): Position {
  const { since, failed } = position;
  return {
    ...position,
    round: "delta",
    link: since,
    delta: null,
    expected: null,
    after: null,
    open: [],
    lanes: null,
    since: null,
    failed: { at: now, times: (failed?.times ?? 0) + 1 },
  };
}

/** Whether a delta that leads in circles is given up: what it would have told is read with everything else, but not at every read. */
export function mayLeaveCircle({ full }: Position, now: number): boolean {
  return full === null || isOver(full.at, now, SOON_MS);
}

/** Whether deltas have failed for so long that there is no hope for the link that they go on from. */
export function isHopeless({ failing }: Position, now: number, { firstMs }: Reconcile): boolean {
  return failing !== null && isOver(failing, now, firstMs);
}

/** True once the wait has passed; also for a time that lies ahead, kept while the clock was wrong. */
function isOver(at: number, now: number, ms: number): boolean {
  return now - at >= ms || at - now > SOON_MS;
}
