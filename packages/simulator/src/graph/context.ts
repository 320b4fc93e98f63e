import type { Identity } from "../signin/identity.ts";
import type { Realm } from "../signin/realm.ts";
import type { Directory } from "../state/directory.ts";
import type { Kind } from "../state/objects.ts";
import type { View } from "../state/view.ts";
import type { QueryOptions } from "./odata/options.ts";
import type { GraphRequest } from "./request.ts";
import type { Stores } from "./stores.ts";

/** How much of a kind of object the token's roles show. */
export type Access = "full" | "basic" | "none";

/** What the tenant says of itself. */
export interface TenantProfile {
  readonly id: string;
  readonly organization: Readonly<Record<string, unknown>>;
  readonly defaultDomain: string;
  readonly domains: readonly string[];
}

/** Sizes of delta pages: objects a page, and entries of `members@delta` a page. */
export interface DeltaPaging {
  readonly objects: number;
  readonly members: number;
}

/** Whose token a request brought: the app and the object that it acts as. */
export interface Caller {
  readonly tenant: string;
  readonly client: string;
  readonly principal: string;
  /** Whether the app acts for a signed-in person, whose object id `principal` then is. */
  readonly delegated: boolean;
}

/** Everything that answering one Graph request needs. */
export interface Context extends Stores {
  readonly request: GraphRequest;
  readonly options: QueryOptions;
  readonly directory: Directory;
  /** What this reader sees: the newest version, or an older one when the endpoint's replica lags. */
  readonly view: View;
  readonly tenant: TenantProfile;
  readonly roles: ReadonlySet<string>;
  readonly caller: Caller;
  /** Apps, accounts and administrators of all tenants, and those of this one. */
  readonly identity: Identity;
  readonly realm: Realm;
  readonly access: Readonly<Record<Kind, Access>>;
  /** Whether memberships of groups with hidden membership may be read. */
  readonly hiddenMembers: boolean;
  /** Absolute URL of `/v1.0`, for links and contexts. */
  readonly base: string;
  readonly now: number;
  /** Delta tokens issued before this time are expired by command, milliseconds UTC. */
  readonly expiredBefore: number;
  readonly deltaPaging: DeltaPaging;
  /** Changes what `$count` says, while a fault makes it stale. */
  readonly staleCount: (count: number) => number;
}

/** Whether `ConsistencyLevel: eventual` was sent ("Advanced query capabilities on directory objects"). */
export function isEventual(context: Context): boolean {
  return context.request.headers.consistencylevel?.toLowerCase() === "eventual";
}
