import type { DirectoryObject, Kind } from "../state/objects.ts";

/** A collection that can be listed: all users, a group's members, a user's groups, … */
export interface Collection {
  /** Kind whose properties `$select`, `$filter` and the like speak of. */
  readonly kind: Kind;
  /** Mixed collections say the type of each record and select properties of several types. */
  readonly mixed: boolean;
  /** Name in `@odata.context`: `users`, `groups` or `directoryObjects`. */
  readonly set: string;
  /** Path below `/v1.0`, for links. */
  readonly path: string;
  /** Readable objects after an ordinal, in order. */
  readonly after: (ordinal: number) => Iterable<DirectoryObject>;
  /** Number of all objects, when that is known without counting. */
  readonly size?: () => number;
  /** Finds one object of the collection by id or user name, when an index can. */
  readonly find?: (key: string) => DirectoryObject | undefined;
  /** OData casts on transitive collections count as advanced queries. */
  readonly advanced?: boolean;
}
