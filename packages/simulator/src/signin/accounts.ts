import { createHash } from "node:crypto";
import type { Directory } from "../state/directory.ts";
import { type DirectoryObject, isLive } from "../state/objects.ts";
import { SignInError } from "./errors.ts";
import type { RealmProfile } from "./profile.ts";

/** Whether a person must pass a second factor: not at all, with the code, or first enrol for one. */
export type Mfa = "off" | "required" | "unenrolled";

/** What tests may set of a person's account; everything else is the directory's. */
export interface AccountChange {
  /** null: the person has none, as one who signs in without passwords. */
  readonly password?: string | null;
  readonly expired?: boolean;
  readonly mfa?: Mfa;
  /** Locks the account for a minute from now, as smart lockout does, or unlocks it. */
  readonly locked?: boolean;
}

interface State {
  password: string | null;
  expired: boolean;
  mfa: Mfa;
  failures: number;
  lockedUntil: number;
  /** When the password last changed after the start, milliseconds UTC; null: never. */
  changedAt: number | null;
}

/** One person's account as a state file holds it. */
export type SavedAccount = readonly [id: string, state: Readonly<State>];

/** What the controls tell of a person who can sign in. */
export interface AccountView {
  readonly id: string;
  readonly userPrincipalName: string;
  readonly password: string | null;
  readonly mfaCode: string;
  readonly mfa: Mfa;
  readonly roles: readonly string[];
}

const LOCK_AFTER = 10; // "Smart lockout": 10 failures in the public cloud and the first lock lasts 60 seconds.
const LOCK_MS = 60_000;

/** Passwords, second factors and locks of one tenant's people: made from the seed until something changes them. */
export class Accounts {
  readonly #seed: number;
  readonly #directory: Directory;
  readonly #profile: RealmProfile;
  readonly #clock: () => number;
  readonly #states = new Map<string, State>();
  /** In lower case; beside those that the tenant itself says are federated. */
  readonly #federated = new Set<string>();

  constructor(options: {
    readonly seed: number;
    readonly directory: Directory;
    readonly profile: RealmProfile;
    readonly clock: () => number;
  }) {
    this.#seed = options.seed;
    this.#directory = options.directory;
    this.#profile = options.profile;
    this.#clock = options.clock;
  }

  /** A living person by user name or object id. */
  find(key: string): DirectoryObject | undefined {
    const user = this.#directory.byUserPrincipalName(key.trim()) ?? this.#directory.byId(key.trim());
    return user?.kind === "user" && isLive(user) ? user : undefined;
  }

  passwordOf(id: string): string | null {
    return this.#stateOf(id).password;
  }

  /** The code that the person's second factor shows; it never changes here. */
  mfaCodeOf(id: string): string {
    const digest = createHash("sha256").update(`mfa ${this.#seed} ${id}`).digest();
    return String(digest.readUInt32BE(0) % 1_000_000).padStart(6, "0");
  }

  mfaOf(id: string): Mfa {
    return this.#stateOf(id).mfa;
  }

  /** When the person's password last changed; null when it is still the first one. */
  passwordChangedAt(id: string): number | null {
    return this.#stateOf(id).changedAt;
  }

  set(id: string, change: AccountChange): void {
    const state = this.#stateOf(id);
    if (change.password !== undefined) {
      state.password = change.password;
      state.changedAt = this.#clock();
      state.expired = false;
    }
    if (change.expired !== undefined) state.expired = change.expired;
    if (change.mfa !== undefined) state.mfa = change.mfa;
    if (change.locked === true) state.lockedUntil = this.#clock() + LOCK_MS;
    if (change.locked === false || change.password !== undefined) Object.assign(state, { lockedUntil: 0, failures: 0 });
    this.#states.set(id, state);
  }

  /** Has a domain hand sign-in to another provider, or no longer. */
  federate(domain: string, federated: boolean): void {
    if (federated) this.#federated.add(domain.toLowerCase());
    else this.#federated.delete(domain.toLowerCase());
  }

  /** Whether a domain hands sign-in to another provider. */
  isFederated(domain: string): boolean {
    if (this.#federated.has(domain.toLowerCase())) return true;
    const domains = this.#profile.organization.verifiedDomains;
    if (!Array.isArray(domains)) return false;
    return (domains as readonly { readonly name?: string; readonly type?: string }[]).some(
      ({ name, type }) => name?.toLowerCase() === domain.toLowerCase() && type === "Federated",
    );
  }

  /**
   * Checks user name and password, in the order in which the service answers. Throws the refusal; the second factor is
   * left to the caller.
   */
  authenticate(userName: string, password: string): DirectoryObject {
    const user = this.find(userName);
    if (
      user === undefined ||
      String(user.properties.userPrincipalName).toLowerCase() !== userName.trim().toLowerCase()
    ) {
      throw new SignInError(
        50034,
        `The user account ${userName} does not exist in the ${this.#profile.id} directory. To sign into this application, the account must be added to the directory.`,
      );
    }
    const state = this.#stateOf(user.id);
    const now = this.#clock();
    if (state.lockedUntil > now) throw locked();
    const domain = userName.trim().split("@")[1] ?? "";
    if (this.isFederated(domain) || user.properties.userType === "Guest" || state.password === null) {
      throw new SignInError(50056, "Invalid or null password: password does not exist in the directory for this user.");
    }
    if (state.password !== password) {
      state.failures++;
      if (state.failures >= LOCK_AFTER) Object.assign(state, { failures: 0, lockedUntil: now + LOCK_MS });
      this.#states.set(user.id, state);
      throw new SignInError(50126, "Error validating credentials due to invalid username or password.");
    }
    state.failures = 0;
    if (user.properties.accountEnabled === false) throw new SignInError(50057, "The user account is disabled.");
    if (state.expired) throw new SignInError(50055, "The password is expired.");
    return user;
  }

  /** Accounts that are not as the seed made them. */
  save(): readonly SavedAccount[] {
    return [...this.#states].map(([id, state]) => [id, { ...state }]);
  }

  load(saved: readonly SavedAccount[]): void {
    for (const [id, state] of saved) this.#states.set(id, { ...state });
  }

  #stateOf(id: string): State {
    const known = this.#states.get(id);
    if (known !== undefined) return known;
    const password = this.#firstPassword(id);
    return { password, expired: false, mfa: "off", failures: 0, lockedUntil: 0, changedAt: null };
  }

  /** Meets Entra's complexity; of use in this simulator only. */
  #firstPassword(id: string): string {
    return `Sim-${createHash("sha256").update(`password ${this.#seed} ${id}`).digest("base64url").slice(0, 16)}7a`;
  }
}

function locked(): SignInError {
  return new SignInError(
    50053,
    "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
  );
}
