import { uuidFrom } from "../state/identifiers.ts";
import type { FreshchatAgent, FreshchatGroup, FreshchatRole, FreshchatUser } from "./model.ts";
import { Shelf } from "./shelf.ts";
import type { FreshchatSwitches } from "./switches.ts";

/** What an account begins with. */
export interface AccountOptions {
  readonly seed: number;
  readonly now: () => number;
  readonly switches: FreshchatSwitches;
  /** Infinite when there is no limit. */
  readonly seats: number;
  /** Names of the properties that are defined for users. */
  readonly properties: readonly string[];
}

/** One Freshchat account: its records, its switches and its clock. */
export class Account {
  readonly now: () => number;
  readonly agents: Shelf<FreshchatAgent>;
  readonly users: Shelf<FreshchatUser>;
  readonly groups: Map<string, FreshchatGroup> = new Map();
  readonly roles: Map<string, FreshchatRole> = new Map();
  readonly properties: ReadonlySet<string>;
  switches: FreshchatSwitches;
  seats: number;
  readonly #seed: number;
  #made = 0;

  constructor({ seed, now, switches, seats, properties }: AccountOptions) {
    this.#seed = seed;
    this.now = now;
    this.switches = switches;
    this.seats = seats;
    this.properties = new Set(properties);
    this.agents = new Shelf<FreshchatAgent>({
      now,
      keys: { email: ({ email }) => email.toLowerCase() },
      deleted: (agent) =>
        this.switches.agentDeletion === "marked" ? { ...agent, is_deleted: true, login_status: false } : undefined,
    });
    this.users = new Shelf<FreshchatUser>({
      now,
      keys: {
        email: ({ email }) => email?.toLowerCase() ?? null,
        reference_id: ({ reference_id }) => reference_id,
        phone: ({ phone }) => phone,
      },
      deleted: () => undefined,
    });
  }

  /** An id that nothing else has; the same for the same seed and number of ids before it. */
  newId(): string {
    return uuidFrom("freshchat", this.#seed, this.#made++);
  }

  /** The time as the API writes it. */
  timestamp(): string {
    return new Date(this.now()).toISOString();
  }

  /** When filters begin to find a user who is created now. */
  findableAt(): number {
    return this.now() + this.switches.indexDelayMs;
  }

  /** When a deletion that is accepted now comes through. */
  goneAt(): number {
    return this.now() + this.switches.deletionDelayMs;
  }
}
