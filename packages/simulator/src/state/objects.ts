import type { Json } from "../tenant/types.ts";

/** The kinds of directory object that the tenant holds, by their names in types. */
export type Kind = "user" | "group" | "orgContact";

/** Properties in Graph's shape, without `id`. Never changed in place: an update replaces the whole record. */
export type Properties = Readonly<Record<string, Json>>;

/** What a soft-deleted object gets back when it is restored: references to objects that may have gone meanwhile. */
export interface KeptReferences {
  readonly members: readonly number[];
  readonly memberOf: readonly number[];
  readonly manager: number | null;
  readonly reports: readonly number[];
  readonly userPrincipalName: string | null;
}

/**
 * One object of the directory; only `Directory` changes any of this. The lists hold ordinals, sorted,
 * and name living objects only.
 */
export interface DirectoryObject {
  readonly kind: Kind;
  readonly id: string;
  readonly ordinal: number;
  properties: Properties;
  /** Milliseconds UTC of the soft deletion; null while the object lives. */
  deletedAt: number | null;
  /** Permanently deleted: only old versions of the directory still know it. */
  purged: boolean;
  readonly members: number[];
  readonly memberOf: number[];
  readonly reports: number[];
  manager: DirectoryObject | null;
  kept: KeptReferences | null;
}

/** Whether an object can be read, as opposed to lying in the deleted items or being gone. */
export function isLive(object: DirectoryObject): boolean {
  return object.deletedAt === null && !object.purged;
}
