import type { SourceKind, Watermark } from "@entrain/core";

/** A group whose list of members is not read to its end: `link` leads to its next page. */
export interface OpenGroup {
  readonly id: string;
  readonly link: string;
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
  /** The next request; `null` before the first one of a full round. */
  readonly link: string | null;
  /** Full round: the delta link that was taken before it. */
  readonly delta: string | null;
  /** Full round: how many records the service counted when the round began. */
  readonly expected: number | null;
  /** Full round of groups: the last group of the page at `link` that was read. */
  readonly after: string | null;
  /** Full round of groups: groups of that page with more members to come, in order. */
  readonly open: readonly OpenGroup[];
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
  return isPosition(value) ? value : null;
}

function isPosition(value: unknown): value is Position {
  if (typeof value !== "object" || value === null) return false;
  const { v, kind, selection, roles, round, link, delta, expected, after, open } = value as Readonly<
    Record<string, unknown>
  >;
  const textOrNull = (part: unknown): boolean => part === null || typeof part === "string";
  return (
    v === VERSION &&
    (kind === "user" || kind === "group") &&
    typeof selection === "string" &&
    (roles === null || (Array.isArray(roles) && roles.every((role) => typeof role === "string"))) &&
    (round === "full" || (round === "delta" && typeof link === "string")) &&
    [link, delta, after].every(textOrNull) &&
    (expected === null || typeof expected === "number") &&
    Array.isArray(open) &&
    open.every(isOpenGroup)
  );
}

function isOpenGroup(value: unknown): value is OpenGroup {
  if (typeof value !== "object" || value === null || !("id" in value) || !("link" in value)) return false;
  return typeof value.id === "string" && typeof value.link === "string";
}
