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
  /** Full round that repeats one: the delta link to go on from behind it; `null` in a first one, which takes the latest. */
  readonly since: string | null;
  /** Delta round: the full round behind it, when it ended (milliseconds since 1970) and whether it repeated one before it. */
  readonly full: { readonly at: number; readonly repeated: boolean } | null;
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
  return {
    ...position,
    lanes: position.lanes ?? null,
    since: position.since ?? null,
    full: position.full ?? null,
  };
}

type Later = "lanes" | "since" | "full";

/** A position as it is stored; those of earlier versions of Entrain have less. */
type Stored = Omit<Position, Later> & Partial<Pick<Position, Later>> & { readonly v: number };

function isPosition(value: unknown): value is Stored {
  if (typeof value !== "object" || value === null) return false;
  const { v, kind, selection, roles, round, link, delta, expected, after, open, lanes, since, full } =
    value as Readonly<Record<string, unknown>>;
  const textOrNull = (part: unknown): boolean => part === null || typeof part === "string";
  return (
    v === VERSION &&
    (kind === "user" || kind === "group" || kind === "contact") &&
    typeof selection === "string" &&
    (roles === null || (Array.isArray(roles) && roles.every((role) => typeof role === "string"))) &&
    (round === "full" || (round === "delta" && typeof link === "string")) &&
    [link, delta, after].every(textOrNull) &&
    (expected === null || typeof expected === "number") &&
    Array.isArray(open) &&
    open.every(isOpenGroup) &&
    textOrNull(since ?? null) &&
    isFullRound(full ?? null) &&
    (lanes === undefined || lanes === null || (Array.isArray(lanes) && lanes.every(isLane)))
  );
}

function isFullRound(value: unknown): boolean {
  if (value === null) return true;
  if (typeof value !== "object") return false;
  const { at, repeated } = value as Readonly<Record<string, unknown>>;
  return typeof at === "number" && typeof repeated === "boolean";
}

function isLane(value: unknown): value is Lane {
  if (typeof value !== "object" || value === null) return false;
  const { from, to, link } = value as Readonly<Record<string, unknown>>;
  return [from, to, link].every((part) => part === null || typeof part === "string");
}

function isOpenGroup(value: unknown): value is OpenGroup {
  if (typeof value !== "object" || value === null || !("id" in value) || !("link" in value)) return false;
  return typeof value.id === "string" && (value.link === null || typeof value.link === "string");
}
