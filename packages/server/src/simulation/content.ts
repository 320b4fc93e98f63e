import type { Target } from "@entrain/core";
import type { Store } from "../store/store.ts";
import type { Chance } from "./chance.ts";

/** The values of a record that the schedules look at, by the same words for every target. */
export interface Values {
  readonly key: string | null;
  readonly login: string | null;
  readonly name: string | null;
  readonly title: string | null;
  /** A record id. */
  readonly manager: string | null;
}

/** One of them. */
type ValueName = keyof Values;

/** A record of a target as it stands there, read past the connector. */
export interface Held {
  readonly kind: "person" | "team";
  readonly id: string;
  readonly values: Values;
  readonly active: boolean;
  /** Record ids, sorted. */
  readonly members: readonly string[];
}

export type Content = ReadonlyMap<string, Held>;

/** What a target calls the values, and its two kinds of records. */
export interface Words {
  readonly person: string;
  /** `null`: the target's people have no such value. */
  readonly names: { readonly [value in Exclude<ValueName, "manager">]: string } & { readonly manager: string | null };
  /** The values that a record is matched by. */
  readonly matching: readonly Exclude<ValueName, "manager">[];
  /** Whether its people can be disabled: else whoever is to be is deleted, if the engine made the record. */
  readonly disables: boolean;
  /** Whether it holds groups that can be written. */
  readonly teams: boolean;
}

/** A target that a schedule plays with, and what is known of it without the connector. */
export interface End {
  readonly type: "portal" | "scim" | "csv" | "freshchat";
  readonly words: Words;
  /** What was drawn for it, in words. */
  readonly told: string;
  /** Only the server of this kind knows it: the engine may never tell it. */
  readonly secret: string | null;
  /** Makes the connector's own target; the portal stands in the store that is given. */
  open(store: Store): Target;
  content(): Content;
  /** Lets its server do something else than its work now and then, and says what. Nothing where it is none. */
  bend(chance: Chance): string | null;
  /** Ends that. */
  heal(): void;
  close(): Promise<void>;
}

/** A value as the schedules compare it: what is empty is absent. */
export function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

export function contentOf(held: readonly Held[]): Content {
  return new Map(held.map((one) => [one.id, one]));
}
