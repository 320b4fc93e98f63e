import type { Kind } from "../state/objects.ts";
import type { Json } from "../tenant/types.ts";
import type { Context } from "./context.ts";
import { seal, unseal } from "./odata/position.ts";
import { GraphError, malformed } from "./request.ts";
import { setName } from "./schema.ts";

const LIFE_MS = 7 * 24 * 3600 * 1000; // "Use delta query", token duration of directory objects.
const KEY = "delta";

/** Everything that a delta link or a next link of a delta round carries. */
export interface DeltaState {
  readonly kind: Kind;
  /** `delta` stands between rounds; the others are on their way through one. */
  readonly round: "full" | "changes" | "delta" | "latest";
  readonly select: readonly string[] | null;
  readonly ids: readonly string[] | null;
  /** When the round began, milliseconds UTC: a token older than seven days is refused. */
  readonly issued: number;
  /** Changes up to this version have been told. */
  readonly version: number;
  /** Ordinal of the last object told, in an initial round. */
  readonly after: number;
  /** Ordinal of the last member told of the object after `after`, in an initial round. */
  readonly member: number;
  readonly page: number;
}

export function sealToken(instance: string, state: DeltaState): string {
  return seal(KEY, [instance, state as unknown as Json]);
}

/** Number of the page that a token asks for, counted from 1; null for anything that is not our token. */
export function pageOfToken(token: string): number | null {
  const opened = unseal(KEY, token);
  return Array.isArray(opened) ? (opened[1] as unknown as DeltaState).page || 1 : null;
}

/**
 * Opens a token for this endpoint. Another tenant state or a forgotten history asks for a resynchronisation, an old
 * token is a lost synchronisation state; both are 410 with the URL to start over from.
 */
export function openToken(context: Context, kind: Kind, token: string): DeltaState {
  const opened = unseal(KEY, token);
  if (!Array.isArray(opened)) throw malformed("Badly formed token.");
  const [instance, sealed] = opened as readonly Json[];
  const state = sealed as unknown as DeltaState;
  if (state.kind !== kind) throw malformed("Badly formed token.");
  const { directory } = context;
  const known = directory.knows(String(instance), state.version);
  if (!known || (state.round !== "full" && state.version < directory.log.floor)) {
    throw gone(context, kind, state.select, "resyncRequired", "Resync required: the change history is not available.");
  }
  if (context.now - state.issued > LIFE_MS || state.issued < context.expiredBefore) {
    throw gone(context, kind, state.select, "syncStateNotFound", "The sync state generation is not found; it expired.");
  }
  return state;
}

/** 410 with the URL of a new initial round ("Use delta query", synchronization reset). */
function gone(
  { base }: Context,
  kind: Kind,
  select: readonly string[] | null,
  code: "resyncRequired" | "syncStateNotFound",
  message: string,
): GraphError {
  const chosen = select === null ? "" : `$select=${encodeURIComponent(select.join(","))}&`;
  return new GraphError(410, code, message, {
    headers: { location: `${base}/${setName(kind)}/delta?${chosen}$deltatoken=` },
  });
}
