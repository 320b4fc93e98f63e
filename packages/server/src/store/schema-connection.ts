/** One Entra tenant. Immutable id; `name` is an alias. One per (cloud, tenant) and organisation. */
export interface Connections {
  id: string;
  organisation: string;
  name: string;
  cloud: string; // JSON: {kind, login?, graph?}
  cloud_key: string; // kind, or for custom its Graph origin: what "one per cloud" compares.
  tenant: string;
  client: string;
  labels: string; // JSON list
  attributes: string; // JSON list; empty: the default selection.
  licences: string | null; // JSON KnownLicences; null: nobody asked which ones the tenant has.
  uses: string | null; // JSON: {features, accept, reconcileMs, protect}; null: people and groups, nothing else, every week.
  credential: string; // Sealed, or {env}/{file} reference as JSON; see store/secrets.ts.
  revision: number;
  /** The last directory change number given out. Raised only under this row's lock until commit. */
  sequence: number;
  created_at: number;
}

/** What an administrator agreed to in Microsoft's sign-in; one per connection. */
export interface ConnectionGrants {
  connection: string;
  token: string | null; // Sealed refresh token; null once it died.
  account: string; // JSON: {tenant, objectId, username}
  scopes: string; // JSON list
  granted_at: number;
  /** Since when Microsoft refuses it, and why; while the token is kept it may work again. */
  died_at: number | null;
  died_of: string | null;
}

/** A link to Microsoft's admin consent that was given out; it comes back with the state, once. */
export interface ConnectionConsents {
  state_hash: string; // SHA-256 of the state, in hex: the state itself is nowhere kept.
  connection: string;
  expires_at: number;
}

/** A link that lets an administrator sign in for a connection, and the sign-in that a browser began with it. */
export interface ConnectionAuthorizations {
  id: string; // SHA-256 of the ticket in the link, in hex.
  connection: string;
  operator: string; // Who made the link.
  origin: string; // Of the addresses that the administrator is sent to.
  state_hash: string | null; // Null until a browser began.
  begun: string | null; // Sealed JSON: {state, nonce, verifier, key}
  expires_at: number;
}

/** When a connection's credentials end, as it was last learnt; what the warnings are told by. */
export interface CredentialEnds {
  connection: string;
  position: number;
  kind: string;
  ends_at: number | null; // Null: nobody tells.
  told_by: string | null; // certificate | registration | configuration
  checked_at: number;
}

/** That somebody was told of a credential's end; a credential is known again by its kind and its end. */
export interface CredentialWarnings {
  connection: string;
  kind: string;
  ends_at: number;
  /** The least threshold that was told of, in days before the end; 0: that it has come. */
  threshold: number;
}

/** A subscription to a connection's changes, as Microsoft keeps it; one for each kind of record. */
export interface SubscriptionRows {
  connection: string;
  watched: string; // users | groups
  graph_id: string | null; // Null until Microsoft has answered, or when it refused.
  address: string; // Where Microsoft posts to.
  state_hash: string; // SHA-256 of the clientState, in hex: the state itself is nowhere kept.
  expires_at: number;
  /** 1 when Microsoft asked for a new authorization. */
  reauthorize: number;
  /** Why the last attempt failed, and when the next one is. */
  failure: string | null;
  retry_at: number;
}
