import type { Source, Target, Wait, WaitListener } from "@entrain/core";
import type { Selectable } from "kysely";
import type { DB } from "../store/schema.ts";
import type { Keyring } from "../store/secrets.ts";
import type { Store } from "../store/store.ts";

export type ConnectionRow = Selectable<DB["connections"]>;
export type TargetRow = Selectable<DB["targets"]>;
export type SyncRow = Selectable<DB["syncs"]>;

/** Who did something: an operator, the command line's user, or the schedule. Written into the journal. */
export interface Actor {
  readonly kind: "operator" | "command" | "schedule" | "system";
  readonly id: string;
}

/** How far a run is. `total` is null while it is not known. */
export interface Progress {
  readonly phase: "waiting" | "reading" | "planning" | "applying" | "finished";
  readonly detail: string;
  readonly done: number;
  readonly total: number | null;
  /** Present while a request waits for a service that is busy or silent; the same object for as long as it is the same wait. */
  readonly waiting?: Wait & { readonly message: string };
}

/** What every part of a run works with. Sources and targets are opened by whoever wires the server. */
export interface Engine {
  readonly store: Store;
  /** Seals what the store keeps to itself. */
  readonly keyring: Pick<Keyring, "seal" | "open">;
  openSource(connection: ConnectionRow, onWait?: WaitListener): Promise<Source>;
  openTarget(target: TargetRow, onWait?: WaitListener): Promise<Target>;
}
