import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../clock.ts";
import { sqliteCode } from "../store/faults.ts";
import { openStore } from "../store/open.ts";
import type { Store } from "../store/store.ts";
import type { Chance } from "./chance.ts";
import type { SimulatedTime } from "./clock.ts";

/** The process ended here: nothing of it runs on, not even what it would do at its end. */
class Death extends Error {
  constructor() {
    super("the process died");
    this.name = "Death";
  }
}

/** What befalls one process, decided before it begins; moments are counted from its start. */
export interface Fate {
  /** The moment at which it dies; `null`: it lives. */
  readonly diesAt: number | null;
  /** The transactions that fail, by their number. */
  readonly storeFaults: ReadonlyMap<number, "full" | "busy" | "locked">;
  /** The moment at which it stands still while others go on. */
  readonly pausesAt: number | null;
}

export const UNHARMED: Fate = { diesAt: null, storeFaults: new Map(), pausesAt: null };

/**
 * Moments at which nobody stands still. Inside a transaction it would keep everybody else out, which is a store that is locked. And
 * what stands still on the wire for longer than a lease lives, no sender can call back, unless the target itself knew of fences.
 */
const STIRRING: ReadonlySet<string> = new Set([
  "before a commit",
  "before it calls the target",
  "before the target answers",
]);

/** A process of the server as a schedule sees it: its life has moments at which it may end, stand still, or fail to write. */
export class Life {
  moments = 0;
  isDead = false;
  /** What others do while the process stands still. */
  meanwhile: (() => Promise<void>) | null = null;
  #transactions = 0;
  readonly #fate: Fate;
  readonly #told: (line: string) => void;

  constructor(fate: Fate, told: (line: string) => void) {
    this.#fate = fate;
    this.#told = told;
  }

  /** Passes a moment. @throws Death at the one that is its last, and ever after */
  async moment(name: string): Promise<void> {
    if (this.isDead) throw new Death();
    this.moments += 1;
    const { pausesAt } = this.#fate;
    if (pausesAt !== null && this.moments >= pausesAt && this.meanwhile !== null && !STIRRING.has(name)) {
      const { meanwhile } = this;
      this.meanwhile = null;
      this.#told(`it stands still ${name}`);
      await meanwhile();
      this.#told("it goes on");
    }
    if (this.moments !== this.#fate.diesAt) return;
    this.isDead = true;
    this.#told(`it dies ${name}`);
    throw new Death();
  }

  /** Whether it would die at its next moment. */
  get isAboutToDie(): boolean {
    return this.#fate.diesAt === this.moments + 1;
  }

  /** What is wrong with its next transaction. */
  nextTransaction(): "full" | "busy" | "locked" | null {
    this.#transactions += 1;
    const fault = this.#fate.storeFaults.get(this.#transactions) ?? null;
    if (fault !== null) this.#told(`the store is ${fault}`);
    return fault;
  }
}

/** Where the store of a schedule stands: on memory, where the system has a place for that. */
export function makeFolder(): string {
  const shared = "/dev/shm";
  return mkdtempSync(join(existsSync(shared) ? shared : tmpdir(), "entrain-simulation-"));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** A store with its tables, made once and copied for each schedule. */
export class Template {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(clock: Clock): Promise<Template> {
    const folder = makeFolder();
    const store = await openStore({ location: { kind: "sqlite", folder }, clock, stamp: "real", create: true });
    await store.close();
    return new Template(folder);
  }

  copyTo(folder: string): void {
    mkdirSync(folder, { recursive: true });
    copyFileSync(join(this.#folder, "entrain.sqlite"), join(folder, "entrain.sqlite"));
  }

  remove(): void {
    removeFolder(this.#folder);
  }
}

/** The store of one process; its transactions are the moments of that process's life. */
export async function openFor(
  lifeNow: () => Life,
  of: { readonly folder: string; readonly clock: Clock; readonly time: SimulatedTime; readonly chance: Chance },
): Promise<Store> {
  const { folder, clock, time, chance } = of;
  const store = await openStore({ location: { kind: "sqlite", folder }, clock, stamp: "real", create: false });
  const lived = async <T>(begin: (work: Wrap) => Promise<T>): Promise<T> => {
    const life = lifeNow();
    await life.moment("before a transaction");
    const fault = life.nextTransaction();
    // Another process holds the lock: for a moment, or for longer than anybody waits.
    if (fault === "busy" || fault === "locked") lock(folder, time, fault === "busy" ? 1 + chance.below(5_000) : 60_000);
    const result = await begin(async (work) => {
      const done = await work();
      if (fault === "full") throw diskFull();
      await life.moment("before a commit");
      return done;
    });
    await life.moment("behind a commit");
    return result;
  };
  return {
    ...store,
    transaction: (work, options) => lived((wrap) => store.transaction((tx) => wrap(() => work(tx)), options)),
    fenced: (lease, work, options) => lived((wrap) => store.fenced(lease, (tx) => wrap(() => work(tx)), options)),
  };
}

type Wrap = <T>(work: () => Promise<T>) => Promise<T>;

/** As node:sqlite throws it (sqlite.org/rescode.html, SQLITE_FULL). */
function diskFull(): Error {
  return Object.assign(new Error("database or disk is full"), { code: "ERR_SQLITE_ERROR", errcode: 13 });
}

/** sqlite.org/rescode.html */
const SQLITE_BUSY = 5;

/** Nothing more where a transaction is under way just then: whoever wants the lock waits for that one. */
function lock(folder: string, time: SimulatedTime, ms: number): void {
  const other = new DatabaseSync(join(folder, "entrain.sqlite"));
  try {
    other.exec("begin immediate");
  } catch (error) {
    other.close();
    if (sqliteCode(error) === SQLITE_BUSY) return;
    throw error;
  }
  time.after(ms, () => {
    other.exec("rollback");
    other.close();
  });
}
