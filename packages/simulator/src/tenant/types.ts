/** Anything that JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/**
 * A user in Microsoft Graph's own shape ("user resource type"). Any property is kept and answered as given; `id` and
 * `userPrincipalName` are made up from what is there when a document leaves them out.
 */
export interface GraphUser {
  readonly id?: string;
  readonly userPrincipalName?: string;
  readonly displayName?: string;
  readonly accountEnabled?: boolean;
  readonly [property: string]: Json | undefined;
}

/** A group in Microsoft Graph's own shape ("group resource type"). Any property is kept and answered as given. */
export interface GraphGroup {
  readonly id?: string;
  readonly displayName?: string;
  readonly groupTypes?: readonly string[];
  readonly mailEnabled?: boolean;
  readonly securityEnabled?: boolean;
  readonly [property: string]: Json | undefined;
}

/** An organizational contact in Microsoft Graph's own shape ("orgContact resource type"). */
export interface GraphContact {
  readonly id?: string;
  readonly displayName?: string;
  readonly [property: string]: Json | undefined;
}

/** One membership edge: `member` is the id of a user, a group or a contact. */
export interface Membership {
  readonly group: string;
  readonly member: string;
}

/** One manager reference: both ends are ids of users. */
export interface ManagerReference {
  readonly user: string;
  readonly manager: string;
}

/** A verified domain as `/organization` lists it. */
export interface VerifiedDomain {
  readonly name: string;
  readonly isDefault?: boolean;
  readonly isInitial?: boolean;
  readonly type?: string;
  readonly capabilities?: string;
}

/**
 * What `--tenant FILE.json` holds, and what the generator makes: users and groups in Graph's own shape, memberships and
 * managers beside them. Only `users` and `groups` are required. Memberships and managers may be lists of edges or
 * records keyed by group and by user. `users`, `groups` and the edge lists may be lazy iterables: each is read once.
 */
export interface TenantFile {
  readonly organization?: {
    readonly id?: string;
    readonly displayName?: string;
    readonly verifiedDomains?: readonly VerifiedDomain[];
    readonly [property: string]: Json | readonly VerifiedDomain[] | undefined;
  };
  readonly users: Iterable<GraphUser>;
  readonly groups: Iterable<GraphGroup>;
  readonly contacts?: Iterable<GraphContact>;
  readonly memberships?: Iterable<Membership> | Readonly<Record<string, readonly string[]>>;
  readonly managers?: Iterable<ManagerReference> | Readonly<Record<string, string>>;
}
