/** Where alerts go. Immutable id; `name` is an alias. */
export interface Channels {
  id: string;
  organisation: string;
  name: string;
  type: string; // webhook | email | slack | teams
  settings: string; // JSON: what of the entry is no secret.
  credential: string; // JSON: secrets by field, as the targets' credentials.
  revision: number;
  created_at: number;
  /** Since when nothing is sent there, and why: the receiver said that it wants no more. */
  disabled_at: number | null;
  disabled_of: string | null;
}

/** What operators are told. Its id goes to every receiver, and is the same at every attempt. */
export interface Alerts {
  id: string;
  type: string; // credential.expiring, …
  data: string; // JSON; never a secret.
  at: number;
}

/** That an alert is to go to a channel, and how far that has come. */
export interface AlertDeliveries {
  alert: string;
  channel: string;
  /** Counted before anything is sent. */
  attempts: number;
  next_at: number | null; // Null: accepted, or given up.
  accepted_at: number | null;
  /** Why the last attempt failed. */
  failure: string | null;
}

/** Something that goes on, so that it is told once, now and then again while it lasts, and once when it is over. */
export interface AlertEpisodes {
  kind: string; // sync.failing | sync.quarantined | connection.failing | plan.held
  subject: string; // The id of the sync, connection or plan.
  /** How often in a row it was seen. */
  count: number;
  since: number;
  told_at: number | null; // When it was told last; null: nobody was told yet.
}
