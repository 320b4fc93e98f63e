import type { SourceKind, Watermark } from "@entrain/core";

/** A group whose list of members is not read to its end: `link` leads to its next page, `null` before its first. */
export interface OpenGroup {
  readonly id: string;
  readonly link: string | null;
}

/**
 * A part of all people that is read beside the others: those whose user principal name lies between two texts, both
 * included (`null`: no bound). `link` leads to its next page, `null` before its first.
 */
export interface Lane {
  readonly from: string | null;
  readonly to: string | null;
  readonly link: string | null;
}

/** A delta link that a read ended with, and when it came (milliseconds since 1970). */
export interface KeptLink {
  readonly link: string;
  readonly at: number;
  /** The record that was told last behind it: whoever goes on from it must be told it again. */
  readonly told: string | null;
}

/** What a delta that goes on from an older link has to tell again, until when that is waited for, and the link. */
export interface Awaited {
  readonly id: string;
  readonly until: number;
  readonly link: string;
}

/** A full round that has ended. */
export interface EndedRound {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** It repeated one that was not `anew`, so that the next one can wait. */
  readonly repeated: boolean;
  /** See {@link Position.anew}. */
  readonly anew: boolean;
}

/**
 * Where a read goes on. A first read is a full round (Graph's collection, after a delta token was taken) and then a delta round from that
 * token; every later read is a delta round from where the last one ended.
 */
export interface Position {
  readonly kind: SourceKind;
  /** Hash of what is read and from where; another one means that the position is of no use. */
  readonly selection: string;
  /** The reading permissions of the round, sorted; `null` when the token did not show them. */
  readonly roles: readonly string[] | null;
  readonly round: "full" | "delta";
  /** The next request of a delta round, the page of a full round of groups or contacts; `null` in a full round of people. */
  readonly link: string | null;
  /** Full round: the delta link that was taken before it. */
  readonly delta: string | null;
  /** Full round: how many records the service counted when the round began. */
  readonly expected: number | null;
  /** Full round of groups: the last group of the page at `link` of which anything was read. */
  readonly after: string | null;
  /** Full round of groups: groups up to that one with members to come. */
  readonly open: readonly OpenGroup[];
  /**
   * Full round of people: what is not read to its end. Delta round: empty right behind a full round in lanes, when whoever
   * changed may have gone from one lane to another unseen.
   */
  readonly lanes: readonly Lane[] | null;
  /** Full round that repeats one: the delta link to go on from behind it; `null` in one that takes the latest. */
  readonly since: string | null;
  /**
   * Full round that takes the latest delta link although something was known: read from a replica that lags, it lays older values
   * over newer ones, and no delta behind it mends that.
   */
  readonly anew: boolean;
  /** More permissions than the last full round had made another one due, and none has ended since: it finds what was hidden before. */
  readonly widened: boolean;
  /** The full round behind what is known; a round that repeats it still names it. `null` before the first has ended. */
  readonly full: EndedRound | null;
  /** The links that deltas ended with, the older one first, at most two: see `keeping`. */
  readonly kept: readonly KeptLink[];
  /** Behind a repeated round: without it the changes come from a replica that lags, too. `null`: nothing has to come. */
  readonly awaited: Awaited | null;
  /** Delta round: since when it fails (milliseconds since 1970); `null` when the last one ended well. */
  readonly failing: number | null;
  /** When the full round was last to be repeated and that failed, and how often since one ended well. */
  readonly failed: { readonly at: number; readonly times: number } | null;
}

const VERSION = 1;

/** The position as an opaque text; `null` before anything was read. */
export function encodePosition(position: Position): Watermark {
  return JSON.stringify({ v: VERSION, ...position }) as Watermark;
}

/** The position of a watermark; `null` when it is of another version or damaged, so that the reader begins anew. */
export function decodePosition(watermark: Watermark): Position | null {
  let value: unknown;
  try {
    value = JSON.parse(watermark);
  } catch {
    return null;
  }
  if (!isPosition(value)) return null;
  const { v: _version, ...position } = value;
  const { full = null } = position;
  return {
    ...position,
    lanes: position.lanes ?? null,
    since: position.since ?? null,
    anew: position.anew ?? false,
    widened: position.widened ?? false,
    full: full === null ? null : { ...full, anew: full.anew ?? false },
    kept: (position.kept ?? []).map((one) => ({ ...one, told: one.told ?? null })),
    awaited: position.awaited ?? null,
    failing: position.failing ?? null,
    failed: position.failed ?? null,
  };
}

type Later = "lanes" | "since" | "anew" | "widened" | "awaited" | "failing" | "failed";

/** A position as it is stored; those of earlier versions of Entrain have less. */
type Stored = Omit<Position, Later | "full" | "kept"> &
  Partial<Pick<Position, Later>> & {
    readonly v: number;
    readonly kept?: readonly (Omit<KeptLink, "told"> & Partial<KeptLink>)[];
    readonly full?: (Omit<EndedRound, "anew"> & Partial<EndedRound>) | null;
  };

function isPosition(value: unknown): value is Stored {
  if (!isObject(value)) return false;
  const { v, kind, selection, roles, round, link, delta, expected, after, open, lanes, since } = value;
  return (
    v === VERSION &&
    (kind === "user" || kind === "group" || kind === "contact") &&
    typeof selection === "string" &&
    (roles === null || (Array.isArray(roles) && roles.every((role) => typeof role === "string"))) &&
    (round === "full" || (round === "delta" && typeof link === "string")) &&
    [link, delta, after].every(isTextOrNull) &&
    (expected === null || typeof expected === "number") &&
    Array.isArray(open) &&
    open.every(isOpenGroup) &&
    isTextOrNull(since ?? null) &&
    (lanes === undefined || lanes === null || (Array.isArray(lanes) && lanes.every(isLane))) &&
    isHistory(value)
  );
}

/** What a position knows of earlier rounds. */
function isHistory({
  anew,
  widened,
  full,
  kept,
  awaited,
  failing,
  failed,
}: Readonly<Record<string, unknown>>): boolean {
  return (
    (anew === undefined || typeof anew === "boolean") &&
    (widened === undefined || typeof widened === "boolean") &&
    isFullRound(full ?? null) &&
    (kept === undefined || (Array.isArray(kept) && kept.every(isKeptLink))) &&
    (awaited === undefined || awaited === null || isAwaited(awaited)) &&
    (failing === undefined || failing === null || typeof failing === "number") &&
    (failed === undefined || failed === null || isFailed(failed))
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}

function isFullRound(value: unknown): boolean {
  if (value === null) return true;
  if (!isObject(value)) return false;
  const { at, repeated, anew } = value;
  return typeof at === "number" && typeof repeated === "boolean" && ["boolean", "undefined"].includes(typeof anew);
}

function isKeptLink(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { link, at, told } = value;
  return typeof link === "string" && typeof at === "number" && isTextOrNull(told ?? null);
}

function isAwaited(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { id, until, link } = value;
  return typeof id === "string" && typeof until === "number" && typeof link === "string";
}

function isFailed(value: unknown): boolean {
  return isObject(value) && typeof value.at === "number" && typeof value.times === "number";
}

function isLane(value: unknown): value is Lane {
  if (!isObject(value)) return false;
  const { from, to, link } = value;
  return [from, to, link].every(isTextOrNull);
}

function isOpenGroup(value: unknown): value is OpenGroup {
  return isObject(value) && typeof value.id === "string" && isTextOrNull(value.link);
}
