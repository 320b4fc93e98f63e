import { listen } from "../server/listen.ts";
import { uuidFrom } from "../state/identifiers.ts";
import type { FreshchatAgent, FreshchatGroup, FreshchatRecords, FreshchatRole, FreshchatUser } from "./model.ts";
import { type FreshchatSwitches, readSwitches, switchesAt } from "./switches.ts";

/** How a simulated Freshchat account is started; every option may be left out. */
export interface FreshchatOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number | undefined;
  /** Address to listen on; 127.0.0.1 unless given. */
  readonly host?: string | undefined;
  /** The API token; made from the seed unless given. */
  readonly token?: string | undefined;
  /** The same seed gives the same token, ids and people. */
  readonly seed?: number | undefined;
  /** Milliseconds UTC; the real clock unless given. */
  readonly clock?: (() => number) | undefined;
  /** Where they differ from the defaults. */
  readonly switches?: Partial<FreshchatSwitches> | undefined;
  /** Seats for full-time agents; no limit unless given. */
  readonly seats?: number | undefined;
  /** Names of groups, and of roles of the account's own beside the built-in ones. */
  readonly groups?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
  /** Names of the properties that the account defines for users. */
  readonly properties?: readonly string[] | undefined;
  /** How many made-up agents and users there are at the start; none unless given. */
  readonly agents?: number | undefined;
  readonly contacts?: number | undefined;
  /** Requests that are answered in a minute, the rest with 429; no limit unless given. */
  readonly requestsPerMinute?: number | undefined;
  /** Milliseconds that every answer waits. */
  readonly latencyMs?: number | undefined;
}

/** A running Freshchat account: where it is, how to sign in, and the levers that tests pull. */
export interface Freshchat {
  /** Base address of the API, `/v2` included. */
  readonly base: string;
  /** A value of the simulator's own, of use nowhere else. */
  readonly token: string;
  readonly agents: FreshchatRecords<FreshchatAgent>;
  readonly users: FreshchatRecords<FreshchatUser>;
  readonly groups: FreshchatRecords<FreshchatGroup>;
  readonly roles: FreshchatRecords<FreshchatRole>;
  /** All switches as they stand. */
  readonly switches: FreshchatSwitches;
  /** Changes those that are given. */
  setSwitches(switches: Partial<FreshchatSwitches>): void;
  /** Moves the account's clock forward by milliseconds. */
  advance(ms: number): void;
  close(): Promise<void>;
}

/** Starts a simulated Freshchat account on a port of its own. Rejects with one sentence when the port is taken. */
export async function startFreshchat(options: FreshchatOptions = {}): Promise<Freshchat> {
  const seed = options.seed ?? 1;
  let switches: FreshchatSwitches = { ...switchesAt("first"), ...options.switches };
  const server = await listen({
    port: options.port ?? 0,
    host: options.host ?? "127.0.0.1",
    tls: null,
    listener: () => (_, response) => response.writeHead(501).end(),
  });
  return {
    base: `${server.origin}/v2`,
    token: options.token ?? uuidFrom("freshchat", seed),
    agents: none(),
    users: none(),
    groups: none(),
    roles: none(),
    get switches() {
      return switches;
    },
    setSwitches: (changed) => {
      switches = { ...switches, ...readSwitches(changed) };
    },
    advance: () => undefined,
    close: () => server.close(),
  };
}

function none<T extends { readonly id: string }>(): FreshchatRecords<T> {
  const refuse = (): never => {
    throw new RangeError("Nothing is here yet.");
  };
  return { list: () => [], get: () => undefined, create: refuse, update: refuse, remove: refuse };
}
