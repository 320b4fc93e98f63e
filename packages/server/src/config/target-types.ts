import type { Attributes, TargetKind } from "@entrain/core";

/** One setting of a target type, as `target types` lists it and a document gives it. */
export interface SettingField {
  readonly name: string;
  readonly type: "url" | "text" | "path" | "boolean" | "integer" | "columns";
  readonly required: boolean;
  /** The only texts that are allowed, where not any is. */
  readonly choices?: readonly string[];
  readonly description: string;
}

/** One secret that a target type needs. */
export interface CredentialField {
  readonly name: string;
  readonly required: boolean;
  readonly description: string;
}

/** What is known of a target type before one is configured. */
export interface TargetType {
  readonly name: string;
  readonly title: string;
  readonly settings: readonly SettingField[];
  readonly credential: readonly CredentialField[];
  /** Where its addresses lead, so that the demo's store can refuse those off loopback. */
  readonly addresses: (settings: Attributes) => readonly string[];
  /** The kinds of records that a target with these settings holds. @throws ConnectorError `config_invalid` */
  readonly kinds: (settings: Attributes) => readonly TargetKind[];
}
