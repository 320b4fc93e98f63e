/** Records of a portal's own that requesters point to: departments and locations. */
export interface PortalLookups {
  target: string;
  id: string;
  lookup: string;
  value: string;
  value_key: string;
  created_at: number;
}

/** The people of Entrain's own portal: what the target type `portal` holds. */
export interface PortalRequesters {
  id: string;
  target: string;
  external_id: string | null;
  user_name: string | null;
  display_name: string | null;
  attributes: string; // JSON of all attributes
  user_name_key: string | null; // Matching keys made in core.
  external_id_key: string | null;
  mail_key: string | null;
  manager: string | null;
  active: number;
  privileged: number;
  updated_at: number;
}

export interface PortalGroups {
  id: string;
  target: string;
  external_id: string | null;
  display_name: string | null;
  attributes: string;
  external_id_key: string | null;
  display_name_key: string | null;
  updated_at: number;
}

export interface PortalMembers {
  target: string;
  group_id: string;
  member_id: string;
  member_kind: string; // requester | group
}
