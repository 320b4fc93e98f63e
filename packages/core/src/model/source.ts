import type { Attributes } from "./value.ts";

/** What a source holds: people (in Graph's word), groups, and organisational contacts, who have no account. */
export type SourceKind = "user" | "group" | "contact";

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
 * One person, group or contact as a source read it. `whole` replaces what is known; `partial` changes it: an absent attribute is
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
  /**
   * The full round that begins repeats the one before it: the same selection and permissions, with the changes of some time told
   * again behind it. Only then does what it finds say something of the deltas.
   */
  readonly repeats?: true;
  /** The last page of the full or delta round. */
  readonly complete: boolean;
  /** The number of records that the source says it holds; eventually consistent, for detecting gross loss only. */
  readonly expected?: number;
  /**
   * Why the read stops before its end, e.g. a permission was lost. Such a page holds no records, is the last one, and leaves the
   * watermark where it was: once the cause is gone the next read goes on from there. Nothing may be removed or cleared.
   */
  readonly incomplete?: { readonly code: string; readonly detail: string };
  /**
   * Full round behind which something was known: where to read on when the round is found wanting. `again` begins it anew; `changes`
   * gives it up for now and goes on with changes, `null` where that is no longer possible. Without it a read begins from nothing.
   */
  readonly fallback?: { readonly again: Watermark; readonly changes: Watermark | null };
  /** A full round that was to repeat the one before it failed with this fault and was given up for now: the page goes on with changes. */
  readonly gaveUp?: { readonly code: string; readonly detail: string };
  /** No page of the round: it holds no records, and the read fails right behind it. Its watermark remembers since when. */
  readonly failing?: true;
  /** Attributes that the records were read without. They count as never read: nothing is cleared for want of them. */
  readonly withheld?: readonly Withheld[];
}

/** An attribute that somebody asked for and the source does not tell, with the reason. */
export interface Withheld {
  readonly name: string;
  readonly code: string;
  readonly detail: string;
}

/** The answer to "does this record still exist?". */
export type Presence = "present" | "soft" | "hard";

/** An attribute of people, groups or contacts that a source can tell, for whoever chooses among them. */
export interface SourceAttribute {
  readonly kind: SourceKind;
  /** As a mapping names it, dotted for what lies inside. */
  readonly name: string;
  readonly origin: "service" | "directory extension" | "on-premises extension" | "schema extension";
  /** The source's own word for its type; `null` when it does not tell. */
  readonly type: string | null;
  readonly list: boolean;
  /** Read unless a connection chooses otherwise. */
  readonly usual: boolean;
  /** Who declared an extension; `null` for the source's own attributes. */
  readonly declaredBy: string | null;
}

/** Attributes, and what could not be asked for and why. */
export interface SourceAttributes {
  readonly attributes: readonly SourceAttribute[];
  readonly issues: readonly { readonly code: string; readonly detail: string }[];
}

/** One person or group that is assigned to an application, with one of its roles. */
export interface Assignment {
  readonly id: string;
  readonly principal: string;
  readonly type: "user" | "group";
  /** The role as the application's tokens name it; `null` for access without a role. */
  readonly role: string | null;
}

/** An application as the tenant knows it, with everybody who is assigned to it. */
export interface AssignedApplication {
  /** Its object id in the tenant (the service principal's). */
  readonly id: string;
  readonly name: string;
  readonly assignments: readonly Assignment[];
}

/** Reads who is assigned to applications. There is no delta: each read is a whole one. */
export interface AssignmentReader {
  /** Everybody, or a fault: never a part. `application` is a client or object id; `null`: the tenant has none such. */
  read(application: string, signal: AbortSignal): Promise<AssignedApplication | null>;
  /** Which of these assignments still stand, each looked up by its id. */
  standing(application: string, ids: readonly string[], signal: AbortSignal): Promise<ReadonlySet<string>>;
}

/**
 * What was told of one person's photo: its SHA-256 in hexadecimal digits, `null` where there is none, or why nothing was told. A
 * failure `of` the photo concerns this one alone; one of the service concerns every other too.
 */
export type PhotoAnswer =
  | { readonly id: string; readonly hash: string | null }
  | {
      readonly id: string;
      readonly failure: { readonly code: string; readonly detail: string; readonly of: "photo" | "service" };
    };

/** Reads people's photos. There is neither list nor delta: each is asked for by itself. */
export interface PhotoReader {
  /** One answer for each id, in the same order; rejects only when the signal aborts. */
  read(ids: readonly string[], signal: AbortSignal): Promise<readonly PhotoAnswer[]>;
}

/** An access review as the source tells it; its words and times are the source's own (ISO 8601, UTC). */
export interface AccessReview {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly instances: readonly ReviewInstance[];
}

/** One occurrence of an access review. `decisions` only where asked for. */
export interface ReviewInstance {
  readonly id: string;
  readonly status: string;
  readonly startsAt: string | null;
  readonly endsAt: string | null;
  readonly decisions?: readonly ReviewDecision[];
}

/** What was decided on one person's access to one thing. */
export interface ReviewDecision {
  readonly id: string;
  readonly principal: { readonly id: string; readonly name: string | null };
  readonly resource: string | null;
  readonly decision: string;
  readonly recommendation: string | null;
  readonly justification: string | null;
  readonly reviewedBy: string | null;
  readonly reviewedAt: string | null;
}

/** A licence that a tenant has. */
export interface Licence {
  /** Its object id, in lower case; Graph calls it `skuId`. */
  readonly id: string;
  /** Its part number, such as SPE_E3. */
  readonly name: string;
  /** The names of the service plans that it holds. */
  readonly plans: readonly string[];
}

/** What people and groups are read from. */
export interface Source {
  /**
   * Yields pages from a watermark (`null`: from nothing) until the round and the delta behind it have ended. One that the source cannot
   * make sense of begins a full round over what is known.
   */
  read(kind: SourceKind, from: Watermark | null, signal: AbortSignal): AsyncIterable<SourcePage>;
  /** Looks records up by id, to confirm that one which a full round missed is really gone. */
  presence(kind: SourceKind, ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Presence>>;
  /** Who these people report to, `null`: to nobody. Those that the source does not find are left out. */
  managers(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string | null>>;
  /** Named checks of the connection. Must not write anything anywhere. */
  verify(signal: AbortSignal): Promise<readonly Check[]>;
  /** Every attribute that can be read here; absent where a source has no such list. */
  attributes?(signal: AbortSignal): Promise<SourceAttributes>;
  /** The access reviews as they stand; absent where a source has none. */
  reviews?(options: { readonly decisions: boolean }, signal: AbortSignal): AsyncIterable<AccessReview>;
  /** The licences that the tenant has, or why they are not told to this application; absent where a source knows none. */
  licences?(signal: AbortSignal): Promise<readonly Licence[] | { readonly refused: string }>;
  /** Absent where a source has no photos. */
  readonly photos?: PhotoReader;
  /** Absent where a source knows no applications. */
  readonly assignments?: AssignmentReader;
  close(): Promise<void>;
}

/** One named check of a connection or target: what was found and, when not ok, how to mend it. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly fix: string | null;
}
