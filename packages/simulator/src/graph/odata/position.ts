import { createHmac } from "node:crypto";
import type { Json } from "../../tenant/types.ts";

/**
 * Opaque, tamper-evident tokens for next links and delta links. They carry their whole state, so the server remembers
 * nothing about a round, as Graph's own tokens do.
 */
export function seal(key: string, state: Json): string {
  const payload = Buffer.from(JSON.stringify(state)).toString("base64url");
  return `${mac(key, payload)}${payload}`;
}

/** The state of a token; null for anything that `seal` did not make with this key. */
export function unseal(key: string, token: string): Json | null {
  const payload = token.slice(MAC_LENGTH);
  if (token.slice(0, MAC_LENGTH) !== mac(key, payload)) return null;
  return JSON.parse(Buffer.from(payload, "base64url").toString()) as Json;
}

const MAC_LENGTH = 16;

function mac(key: string, payload: string): string {
  return createHmac("sha256", key).update(payload).digest("base64url").slice(0, MAC_LENGTH);
}

/** Where a page of a list ends, and how many pages there were. */
export interface Position {
  readonly page: number;
  readonly after: number;
  /** Sort values of the last record, when the list has an order of its own. */
  readonly keys?: readonly Json[];
}

/** Token key for lists: they survive a restart, because a position among ordinals means the same then. */
const LIST_KEY = "list";

export function sealPosition(position: Position): string {
  return seal(LIST_KEY, [position.page, position.after, position.keys ?? null]);
}

export function unsealPosition(token: string): Position | null {
  const state = unseal(LIST_KEY, token);
  if (!Array.isArray(state)) return null;
  const [page, after, keys] = state as [number, number, Json[] | null];
  return { page, after, ...(keys === null ? {} : { keys }) };
}
