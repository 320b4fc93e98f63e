import type { Readable, Writable } from "node:stream";
import type { Inspector } from "@entrain/connectors/entra";
import type { Clock } from "../clock.ts";
import type { TargetTypes } from "../config/targets.ts";
import type { OpenSubscriptions } from "../notifications/maintain.ts";
import type { ConnectionRow, Engine } from "../runs/context.ts";
import type { Keyring } from "../store/secrets.ts";
import type { Store } from "../store/store.ts";

/** One opened installation: its store, with what can be done on it. */
export interface Installation {
  readonly store: Store;
  readonly engine: Engine;
  readonly keyring: Keyring;
  readonly types: TargetTypes;
  readonly demo: boolean;
  /** What Microsoft tells of a connection's changes. Nothing is sent before the first call. */
  openSubscriptions(connection: ConnectionRow): OpenSubscriptions;
  /** What can be learnt of a connection beside its people. Nothing is sent before the first call. */
  openInspector(connection: ConnectionRow): Inspector;
  /** The data folder, which also holds the key file. */
  readonly folder: string;
  close(): Promise<void>;
}

/** How `serve` listens. */
export interface ServeOptions {
  readonly demo: boolean;
  readonly port: number;
  readonly host: string;
  /** The origin under which operators reach the console through a proxy. */
  readonly publicOrigin: string | null;
  /** For how many milliseconds runs and decided plans are kept. */
  readonly keepHistoryMs: number;
  /** For how long it is remembered what the directory was. */
  readonly keepDirectoryMs: number;
  /** Tell where it listens in one line of JSON, and nothing else. */
  readonly json: boolean;
}

/** What a command of the command line can reach: its surroundings, and what whoever wires the program gave it. */
export interface World {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable;
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly environment: { readonly [name: string]: string | undefined };
  readonly clock: Clock;
  /** Who types the commands: the operating system's user name. */
  readonly user: string;
  readonly version: string;
  /** Aborts when the user asks to stop. */
  readonly signal: AbortSignal;
  /** Every target type that can be configured. */
  targetTypes(): Promise<TargetTypes>;
  /** @throws ConnectorError `store_failed`, `store_demo`, `store_real`, `key_wrong`, `config_invalid` */
  openInstallation(options: { readonly demo: boolean; readonly create: boolean }): Promise<Installation>;
  /** Serves until the signal aborts. @throws ConnectorError `port_taken` and what opening an installation throws */
  serve(options: ServeOptions): Promise<void>;
}
