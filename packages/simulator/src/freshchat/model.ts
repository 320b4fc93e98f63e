/** An agent as the API shows it (Freshchat API v2, "Agents"). */
export interface FreshchatAgent {
  readonly id: string;
  readonly email: string;
  readonly first_name: string | null;
  readonly last_name: string | null;
  readonly avatar: Avatar | null;
  readonly biography: string | null;
  readonly social_profiles: readonly SocialProfile[];
  /** Ids of groups. */
  readonly groups: readonly string[];
  readonly role_id: string;
  readonly role_name: string;
  readonly skill_id: string | null;
  /** A `fulltime` agent who is neither deactivated nor deleted takes a seat; an `occasional` one takes none. */
  readonly license_type: "fulltime" | "occasional";
  readonly locale: string | null;
  readonly routing_type: string | null;
  readonly agent_capacity: number | null;
  readonly agent_status: { readonly id: string; readonly name: string };
  readonly availability_status: string;
  readonly login_status: boolean;
  readonly is_deactivated: boolean;
  readonly is_deleted: boolean;
  readonly freshchat_access: boolean;
  readonly round_robin_access: boolean;
  readonly freshid_uuid: string;
  /** ISO 8601 with milliseconds, UTC. */
  readonly created_time: string;
}

/** A user, which is what the API calls a contact (Freshchat API v2, "Users"). */
export interface FreshchatUser {
  readonly id: string;
  readonly created_time: string;
  readonly updated_time: string;
  readonly reference_id: string | null;
  readonly restore_id: string | null;
  readonly first_name: string | null;
  readonly last_name: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly avatar: Avatar | null;
  readonly properties: readonly FreshchatProperty[];
  readonly social_profiles: readonly SocialProfile[];
  readonly login_status: boolean;
  readonly org_contact_id: string | null;
}

export interface Avatar {
  readonly url: string;
}

/** A custom property; both parts are text. */
export interface FreshchatProperty {
  readonly name: string;
  readonly value: string;
}

export interface SocialProfile {
  readonly type: string;
  readonly id: string;
}

/** A group of agents. The API reads groups and has no call to write them. */
export interface FreshchatGroup {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly routing_type: string;
}

/** A role of agents. */
export interface FreshchatRole {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly is_custom_role: boolean;
}

/** Records of one kind as another administrator sees and edits them: at once, and past the rules of the API. */
export interface FreshchatRecords<T extends { readonly id: string }, Made = Partial<T>> {
  /** All that are there by the clock, oldest first. */
  list(): readonly T[];
  /** `undefined` when there is none (any more). */
  get(id: string): T | undefined;
  create(fields: Made): T;
  /** Throws a RangeError when there is none. */
  update(id: string, fields: Partial<T>): T;
  /** Takes it away at once and without a trace. Throws a RangeError when there is none. */
  remove(id: string): void;
}
