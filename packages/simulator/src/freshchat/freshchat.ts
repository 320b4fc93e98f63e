import { FaultSet } from "../faults/rules.ts";
import { listen } from "../server/listen.ts";
import { RequestLog } from "../server/request-log.ts";
import { uuidFrom } from "../state/identifiers.ts";
import { Account } from "./account.ts";
import { FreshchatControl } from "./control.ts";
import type { FreshchatFault, FreshchatFaultAction } from "./faults.ts";
import { type Door, freshchatListener } from "./http.ts";
import type { FreshchatLevers, FreshchatRequest } from "./levers.ts";
import { addPeople } from "./people.ts";
import { type FreshchatRate, RateLimit } from "./rate.ts";
import { recordsOf } from "./records.ts";
import { FreshchatService } from "./service.ts";
import type { FreshchatKinds } from "./steps.ts";
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
  readonly rate?: FreshchatRate | undefined;
  readonly faults?: readonly FreshchatFault[] | undefined;
  /** Milliseconds that every answer waits. */
  readonly latencyMs?: number | undefined;
}

/** A running Freshchat account: where it is, how to sign in, and the levers that tests pull. */
export interface Freshchat extends FreshchatLevers {
  /** Base address of the API, `/v2` included. */
  readonly base: string;
  /** The token that is valid now; a value of the simulator's own, of use nowhere else. */
  readonly token: string;
  /** Stops serving. */
  close(): Promise<void>;
}

const DEFAULTS = { seed: 1, host: "127.0.0.1" } as const;
const GROUPS = ["Sales", "Support", "Billing", "Onboarding"];
const PROPERTIES = ["department", "job_title", "company", "office", "city", "country", "employee_id", "manager"];
/** Ids of built-in roles are words; those of an account's own roles are UUIDs. */
const ROLES: readonly (readonly [id: string, name: string])[] = [
  ["ACCOUNT_ADMIN", "Account Admin"],
  ["ADMIN", "Admin"],
  ["SUPERVISOR", "Supervisor"],
  ["AGENT", "Agent"],
];

/**
 * Starts a simulated Freshchat account on a port of its own. Rejects with one sentence when the port is taken or a
 * switch has no such value.
 */
export async function startFreshchat(options: FreshchatOptions = {}): Promise<Freshchat> {
  const { seed = DEFAULTS.seed, clock = Date.now, latencyMs = 0 } = options;
  let ahead = 0;
  const now = (): number => clock() + ahead;
  const account = openAccount(options, now);
  const kinds = recordsOf(account);
  fill(kinds, options, now());
  const door: Door = { token: options.token ?? uuidFrom("freshchat token", seed), portal: false };
  const rate = new RateLimit(now, options.rate ?? null);
  const faults = new FaultSet<FreshchatFaultAction>(options.faults);
  const requests = new RequestLog<FreshchatRequest>();
  const levers: FreshchatLevers = {
    ...kinds,
    faults,
    requests,
    get switches() {
      return account.switches;
    },
    setSwitches: (changed) => {
      account.switches = { ...account.switches, ...readSwitches({ ...changed }) };
    },
    now,
    advance: (ms) => {
      ahead += ms;
    },
    setToken: (token) => {
      door.token = token;
    },
    setPortal: (portal) => {
      door.portal = portal;
    },
    setSeats: (seats) => {
      account.seats = seats ?? Number.POSITIVE_INFINITY;
    },
    setRate: (limit) => rate.set(limit),
  };
  const [service, control] = [new FreshchatService(account), new FreshchatControl(levers)];
  const server = await listen({
    port: options.port ?? 0,
    host: options.host ?? DEFAULTS.host,
    tls: null,
    listener: () => freshchatListener({ service, control, faults, kinds, rate, requests, now, latencyMs, door }),
  });
  return {
    ...levers,
    base: `${server.origin}/v2`,
    get switches() {
      return account.switches;
    },
    get token() {
      return door.token;
    },
    close: () => server.close(),
  };
}

function openAccount(options: FreshchatOptions, now: () => number): Account {
  return new Account({
    seed: options.seed ?? DEFAULTS.seed,
    now,
    switches: { ...switchesAt("first"), ...readSwitches({ ...options.switches }) },
    seats: options.seats ?? Number.POSITIVE_INFINITY,
    properties: options.properties ?? PROPERTIES,
  });
}

function fill(kinds: FreshchatKinds, options: FreshchatOptions, now: number): void {
  for (const name of options.groups ?? GROUPS) kinds.groups.create({ name, description: `Agents of ${name}` });
  for (const [id, name] of ROLES) kinds.roles.create({ id, name, is_custom_role: false });
  for (const name of options.roles ?? []) kinds.roles.create({ name });
  const { seed = DEFAULTS.seed, agents = 0, contacts = 0 } = options;
  if (agents + contacts > 0) addPeople(kinds, { seed, agents, contacts, now });
}
