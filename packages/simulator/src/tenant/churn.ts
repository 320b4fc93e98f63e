import { createAddressBook } from "./addresses.ts";
import {
  HIRED_ALIKE,
  isEmployee,
  isMember,
  isWritableGroup,
  originOf,
  PLACE_OF_WORK,
  pick,
  type TenantUser,
  text,
} from "./churn-people.ts";
import { createNameBook, type PersonName } from "./names.ts";
import { createRandom } from "./random.ts";
import type { GraphGroup, GraphUser, Json } from "./types.ts";

/**
 * What churn needs of a tenant. Writes happen at once; one that the tenant refuses throws, except where said. Slots are
 * indexes that stay with their object: `userAt` answers nothing for a slot whose user is deleted.
 */
export interface TenantWriter {
  userSlots(): number;
  userAt(slot: number): TenantUser | undefined;
  user(id: string): TenantUser | undefined;
  /** Ids of the users in the deleted items. */
  deletedUsers(): readonly string[];
  managerOf(user: string): string | null;
  hasReports(user: string): boolean;
  /** The groups that list the user as a direct member. */
  groupsOf(user: string): readonly (GraphGroup & { readonly id: string })[];
  isNameTaken(userPrincipalName: string): boolean;
  /** Returns the new id. */
  createUser(user: GraphUser): string;
  updateUser(id: string, changes: Readonly<Record<string, Json>>): void;
  deleteUser(id: string): void;
  /** False when somebody else has taken the sign-in name since. */
  restoreUser(id: string): boolean;
  addMember(group: string, member: string): void;
  removeMember(group: string, member: string): void;
  setManager(user: string, manager: string | null): void;
}

/** What one step did, and to whom. A leaver is disabled first and deleted by a later step. */
export interface ChurnChange {
  readonly kind: "join" | "move" | "leave" | "rename" | "return";
  readonly action: "created" | "updated" | "disabled" | "deleted" | "enabled" | "restored";
  readonly id: string;
}

/** Calls `tick` every so many milliseconds until the function that it returns is called. */
export type Every = (milliseconds: number, tick: () => void) => () => void;

export interface Churn {
  /** Makes exactly one change; null when the tenant has nobody whom Graph would let us change. */
  step(): ChurnChange | null;
  /** Spreads the changes evenly over time, and tells of each. */
  start(every: Every, onChange?: (change: ChurnChange) => void): void;
  /** Stops at once; may be called at any time. */
  stop(): void;
}

export interface ChurnOptions {
  readonly seed: number;
  /** Changes a minute, over 0. */
  readonly perMinute: number;
  readonly writer: TenantWriter;
}

/** How often companies do what, out of a hundred steps. */
const FREQUENCY = { join: 27, move: 33, disable: 18, remove: 13, rename: 5, return: 4 } as const;
type Step = keyof typeof FREQUENCY;
const STEPS = Object.keys(FREQUENCY) as readonly Step[];
/** A leaver's account stays disabled for at least this many steps before it is deleted. */
const STEPS_BEFORE_DELETION = 5;
/** Draws before every slot is looked at in turn. */
const DRAWS_MAX = 40;
/** Timers are coarse below this; more frequent changes come several at a time. */
const TICK_MS_MIN = 20;
const MINUTE_MS = 60_000;
/** Keeps the chance of churn apart from that of a tenant generated with the same seed. */
const STREAM = 8;

/**
 * Changes people as companies do: joiners, movers, leavers, marriages, returns. The same seed on the same tenant makes
 * the same changes. Only what Graph lets an application write is touched: no synced person, no synced, dynamic,
 * role-assignable or Exchange group ("Update user", "Working with groups in Microsoft Graph").
 *
 * @throws RangeError when `perMinute` is not over 0.
 */
export function createChurn({ seed, perMinute, writer }: ChurnOptions): Churn {
  if (!(perMinute > 0 && perMinute < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`perMinute is ${perMinute}, but must be over 0.`);
  }
  const company = new ChurningCompany(seed, writer);
  let cancel: (() => void) | null = null;
  return {
    step: () => company.step(),
    start: (every, onChange = () => undefined) => {
      if (cancel !== null) throw new Error("This churn has been started already.");
      const interval = Math.max(TICK_MS_MIN, MINUTE_MS / perMinute);
      let due = 0;
      cancel = every(interval, () => {
        // The sum of exact fractions may end just below a whole step.
        for (due += (interval * perMinute) / MINUTE_MS; due > 1 - 1e-9; due -= 1) {
          const change = company.step();
          if (change !== null) onChange(change);
        }
      });
    },
    stop: () => {
      cancel?.();
      cancel = null;
    },
  };
}

class ChurningCompany {
  readonly #random;
  readonly #writer: TenantWriter;
  readonly #names = createNameBook();
  /** Who was disabled by a step, and at which. */
  readonly #leavers: { readonly id: string; readonly since: number }[] = [];
  #steps = 0;

  constructor(seed: number, writer: TenantWriter) {
    this.#random = createRandom(seed, STREAM);
    this.#writer = writer;
  }

  step(): ChurnChange | null {
    this.#steps += 1;
    const weights = STEPS.map((step) => FREQUENCY[step]);
    const first = STEPS[this.#random.weighted(weights)] ?? "join";
    for (const step of [first, ...STEPS]) {
      const change = this.#try(step);
      if (change !== null) return change;
    }
    return null;
  }

  #try(step: Step): ChurnChange | null {
    switch (step) {
      case "join":
        return this.#join();
      case "move":
        return this.#move();
      case "disable":
        return this.#disable();
      case "remove":
        return this.#remove();
      case "rename":
        return this.#rename();
      case "return":
        return this.#return();
    }
  }

  /** A new colleague beside an old one: same team, same manager, same groups. */
  #join(): ChurnChange | null {
    const writer = this.#writer;
    const peer = this.#find((user) => isMember(user) && !writer.hasReports(user.id));
    if (peer === undefined) return null;
    const name = this.#names.draw(this.#random, originOf(this.#random, peer));
    const userPrincipalName = this.#claimName(name, peer);
    const id = writer.createUser({
      ...pick(peer, HIRED_ALIKE),
      accountEnabled: true,
      userType: "Member",
      displayName: name.displayName,
      ...(name.givenName === null ? {} : { givenName: name.givenName }),
      ...(name.surname === null ? {} : { surname: name.surname }),
      userPrincipalName,
      mailNickname: localPart(userPrincipalName),
      mail: userPrincipalName,
      proxyAddresses: [`SMTP:${userPrincipalName}`],
      employeeId: String(this.#random.integer(500_000, 999_999)),
      employeeType: "Employee",
    });
    const manager = writer.managerOf(peer.id);
    if (manager !== null) writer.setManager(id, manager);
    for (const group of writer.groupsOf(peer.id).filter(isWritableGroup)) writer.addMember(group.id, id);
    return { kind: "join", action: "created", id };
  }

  /** Somebody takes a desk in another department: its title, manager, place and groups. */
  #move(): ChurnChange | null {
    const writer = this.#writer;
    const mover = this.#find((user) => isEmployee(user) && !writer.hasReports(user.id));
    if (mover === undefined) return null;
    const host = this.#find(
      (user) =>
        isMember(user) &&
        !writer.hasReports(user.id) &&
        text(user, "department") !== null &&
        text(user, "department") !== text(mover, "department"),
    );
    if (host === undefined) return null;
    writer.updateUser(mover.id, pick(host, PLACE_OF_WORK));
    const manager = writer.managerOf(host.id);
    if (manager !== mover.id) writer.setManager(mover.id, manager);
    const before = writer
      .groupsOf(mover.id)
      .filter(isWritableGroup)
      .map(({ id }) => id);
    const after = writer
      .groupsOf(host.id)
      .filter(isWritableGroup)
      .map(({ id }) => id);
    for (const group of before) if (!after.includes(group)) writer.removeMember(group, mover.id);
    for (const group of after) if (!before.includes(group)) writer.addMember(group, mover.id);
    return { kind: "move", action: "updated", id: mover.id };
  }

  #disable(): ChurnChange | null {
    const leaver = this.#find((user) => isEmployee(user) && !this.#writer.hasReports(user.id));
    if (leaver === undefined) return null;
    this.#writer.updateUser(leaver.id, { accountEnabled: false });
    this.#leavers.push({ id: leaver.id, since: this.#steps });
    return { kind: "leave", action: "disabled", id: leaver.id };
  }

  #remove(): ChurnChange | null {
    const longest = this.#leavers[0];
    if (longest === undefined || this.#steps - longest.since < STEPS_BEFORE_DELETION) return null;
    this.#leavers.shift();
    // Somebody else may have deleted or enabled the account meanwhile.
    if (this.#writer.user(longest.id)?.accountEnabled !== false) return null;
    this.#writer.deleteUser(longest.id);
    return { kind: "leave", action: "deleted", id: longest.id };
  }

  /** A marriage: surname, display name, sign-in name and mail change; the old address stays as an alias. */
  #rename(): ChurnChange | null {
    const user = this.#find(
      (candidate) =>
        isEmployee(candidate) && text(candidate, "surname") !== null && text(candidate, "givenName") !== null,
    );
    const old = user === undefined ? null : text(user, "userPrincipalName");
    if (user === undefined || old === null) return null;
    const name = this.#names.rename(this.#random, {
      givenName: text(user, "givenName"),
      address: { given: localPart(old).split(".")[0] ?? "", surname: "" },
      origin: originOf(this.#random, user),
      female: this.#random.chance(0.5),
    });
    const userPrincipalName = this.#claimName(name, user);
    const mail = text(user, "mail");
    const moves = mail !== null && mail.toLowerCase() === old.toLowerCase();
    this.#writer.updateUser(user.id, {
      surname: name.surname,
      displayName: name.displayName,
      userPrincipalName,
      mailNickname: localPart(userPrincipalName),
      ...(moves ? { mail: userPrincipalName, proxyAddresses: [`SMTP:${userPrincipalName}`, `smtp:${mail}`] } : {}),
    });
    return { kind: "rename", action: "updated", id: user.id };
  }

  /** Back from leave, or hired again within the thirty days that a deleted account is kept. */
  #return(): ChurnChange | null {
    const at = this.#leavers.findLastIndex(({ id }) => this.#writer.user(id)?.accountEnabled === false);
    const leaver = this.#leavers[at];
    if (leaver !== undefined && this.#random.chance(0.5)) {
      this.#leavers.splice(at, 1);
      this.#writer.updateUser(leaver.id, { accountEnabled: true });
      return { kind: "return", action: "enabled", id: leaver.id };
    }
    const deleted = this.#writer.deletedUsers();
    const id = deleted.length === 0 ? undefined : this.#random.pick(deleted);
    if (id === undefined || !this.#writer.restoreUser(id)) return null;
    this.#writer.updateUser(id, { accountEnabled: true });
    return { kind: "return", action: "restored", id };
  }

  /** A living user at random, fairly unless hardly anyone fits. */
  #find(fits: (user: TenantUser) => boolean): TenantUser | undefined {
    const slots = this.#writer.userSlots();
    if (slots === 0) return undefined;
    for (let draw = 0; draw < DRAWS_MAX; draw += 1) {
      const user = this.#writer.userAt(this.#random.integer(0, slots - 1));
      if (user !== undefined && fits(user)) return user;
    }
    const start = this.#random.integer(0, slots - 1);
    for (let offset = 0; offset < slots; offset += 1) {
      const user = this.#writer.userAt((start + offset) % slots);
      if (user !== undefined && fits(user)) return user;
    }
    return undefined;
  }

  /** A free sign-in name in the domain of a colleague. */
  #claimName(name: PersonName, colleague: GraphUser): string {
    const { given, surname } = name.address;
    const domain = (text(colleague, "userPrincipalName") ?? "").replace(/^.*@/u, "");
    const addresses = createAddressBook((address) => this.#writer.isNameTaken(address));
    return addresses.claim((surname === "" ? given : `${given}.${surname}`).replaceAll("'", ""), domain);
  }
}

function localPart(userPrincipalName: string): string {
  return userPrincipalName.replace(/@.*$/u, "");
}
