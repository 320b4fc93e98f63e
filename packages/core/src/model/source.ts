import type { Attributes } from "./value.ts";

/** What a source holds: people and groups, in Graph's word for the first. */
export type SourceKind = "user" | "group";

/** Opaque to everyone but the source that issued it; for Graph, a position in a round: a next link or a delta link. */
export type Watermark = string & { readonly brand: "Watermark" };

/** The object types that may be a member of a group. Only people and groups are ever references. */
export type MemberType = "user" | "group" | "device" | "servicePrincipal" | "contact" | "unknown";

/** One member of a group, as an edge of the directory. */
export interface Member {
  readonly id: string;
  readonly type: MemberType;
}

/**
 * Memberships of one group. `changes` adds and removes single members. `slice` is a part of a complete list. Its first slice
 * says `start: true`, its last `end: true`: only then may a member that no slice since `start` held count as removed. A read
 * that goes on from a watermark inside a list yields its remaining slices, without `start`; a list whose remainder can no
 * longer be read is begun again, with `start`.
 */
export type Memberships =
  | { readonly form: "changes"; readonly add: readonly Member[]; readonly remove: readonly string[] }
  | { readonly form: "slice"; readonly start: boolean; readonly members: readonly Member[]; readonly end: boolean };

/**
 * One person or group as a source read it. `whole` replaces what is known; `partial` changes it: an absent attribute is
 * unchanged, `null` is cleared. `manager` follows the same rule: absent is unchanged (partial) or none (whole).
 * `removed` is `soft` while the source can restore the record, `hard` when it is gone for good.
 */
export interface SourceRecord {
  readonly kind: SourceKind;
  readonly id: string;
  readonly form: "whole" | "partial";
  readonly attributes: Attributes;
  readonly manager?: string | null;
  readonly memberships?: Memberships;
  readonly removed?: "soft" | "hard";
}

/**
 * One page of a round. The watermark must be stored in the transaction that stores the records: reading again from it
 * continues behind this page. `round` says what absence means: in a `full` round a record that no page held is a
 * suspicion, in a `delta` round nothing.
 */
export interface SourcePage {
  readonly records: readonly SourceRecord[];
  readonly watermark: Watermark;
  readonly round: "full" | "delta";
  /** A new full round begins with this page (first read, expired watermark, changed selection or permissions). */
  readonly begins: boolean;
  /** The last page of the full or delta round. */
  readonly complete: boolean;
  /** The number of records that the source says it holds; eventually consistent, for detecting gross loss only. */
  readonly expected?: number;
  /**
   * Why the read stops before its end, e.g. a permission was lost. Such a page holds no records, is the last one, and leaves the
   * watermark where it was: once the cause is gone the next read goes on from there. Nothing may be removed or cleared.
   */
  readonly incomplete?: { readonly code: string; readonly detail: string };
}

/** The answer to "does this record still exist?". */
export type Presence = "present" | "soft" | "hard";

/** What people and groups are read from. */
export interface Source {
  /** Yields pages from a watermark (`null`: from nothing) until the round and the delta behind it have ended. */
  read(kind: SourceKind, from: Watermark | null, signal: AbortSignal): AsyncIterable<SourcePage>;
  /** Looks records up by id, to confirm that one which a full round missed is really gone. */
  presence(kind: SourceKind, ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Presence>>;
  /** Named checks of the connection. Must not write anything anywhere. */
  verify(signal: AbortSignal): Promise<readonly Check[]>;
  close(): Promise<void>;
}

/** One named check of a connection or target: what was found and, when not ok, how to mend it. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly fix: string | null;
}
