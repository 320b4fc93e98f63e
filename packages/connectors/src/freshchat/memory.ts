import type { TargetChange, TargetRecord } from "@entrain/core";
import type { PaceClock } from "../shared/pace.ts";

/** So long a list that was read tells, before a creation, whether somebody else made the record. */
const ROSTER_MS = 20_000;
/** So long after a write, and the time in which it settles, filters may not find what was written. */
const WRITTEN_MS = 60_000;
/** So many creations that nobody heard of are remembered, the last ones: they are looked for right behind the batch. */
const UNHEARD_MOST = 100;

/** So long accepted deletions are watched in all: a hundred leavers must not take minutes. */
const WATCHED_MS = 7_750;

/** Milliseconds that may be waited in all. */
class Patience {
  #leftMs: number;

  constructor(ms: number) {
    this.#leftMs = ms;
  }

  /** Takes so much of what is left; false when nothing is left, or less. */
  take(ms: number): boolean {
    if (this.#leftMs <= 0 || ms > this.#leftMs) return false;
    this.#leftMs -= ms;
    return true;
  }
}

/** A creation before which its record was not there, and of which nobody heard. Times in milliseconds UTC. */
export interface UnheardCreation {
  readonly change: TargetChange;
  readonly sentAt: number;
  readonly givenUpAt: number;
}

/** All records of a kind by the key of one attribute, and when they began to be read. */
export interface Roster {
  readonly at: number;
  readonly byKey: ReadonlyMap<string, readonly TargetRecord[]>;
}

/**
 * What is known of one kind from its own writes, for as long as the target is open. Freshchat finds a created record by filters
 * only after a while, and shows one whose deletion it accepted for another while: what was written is read nevertheless.
 */
export class Memory {
  readonly #clock: PaceClock;
  readonly #settleMs: number;
  readonly #written = new Map<string, { readonly at: number; readonly record: TargetRecord }>();
  readonly #left = new Set<string>();
  /** Accepted deletions that were not seen to have happened. */
  readonly #leaving = new Set<string>();
  #roster: Roster | null = null;
  #unheardUntil = Number.NEGATIVE_INFINITY;
  readonly #unheard = new Map<number, UnheardCreation>();
  #folds: boolean | null = null;
  /** For seeing accepted deletions happen; all of them together. */
  readonly watching: Patience = new Patience(WATCHED_MS);

  constructor(clock: PaceClock, settleMs: number) {
    this.#clock = clock;
    this.#settleMs = settleMs;
  }

  /** A record as it was just created or changed. */
  wrote(record: TargetRecord): void {
    const now = this.#clock.now();
    for (const [id, { at }] of this.#written) {
      if (now - at <= WRITTEN_MS + this.#settleMs) break;
      this.#written.delete(id);
    }
    this.#written.delete(record.id);
    this.#written.set(record.id, { at: now, record });
  }

  /** The records that were written lately, as they were written. */
  get written(): ReadonlyMap<string, { readonly record: TargetRecord }> {
    return this.#written;
  }

  /** A record was deleted, or the deletion was accepted. */
  left(id: string, { seen }: { readonly seen: boolean }): void {
    this.#left.add(id);
    this.#written.delete(id);
    if (seen) this.#leaving.delete(id);
    else this.#leaving.add(id);
  }

  hasLeft(id: string): boolean {
    return this.#left.has(id);
  }

  get leaving(): readonly string[] {
    return [...this.#leaving];
  }

  /** What does not go however long it is waited for holds nobody up again. */
  giveUpLeaving(): void {
    this.#leaving.clear();
  }

  /**
   * A creation was sent and not heard of: until it can no longer take effect, no list that was read before counts. `looked`: its
   * record was not there before.
   */
  unheard(change: TargetChange, { sentAt, looked }: { readonly sentAt: number; readonly looked: boolean }): void {
    const now = this.#clock.now();
    this.#roster = null;
    this.#unheardUntil = now + this.#settleMs;
    this.#unheard.delete(change.ordinal);
    if (looked) this.#unheard.set(change.ordinal, { change, sentAt, givenUpAt: now });
    const [oldest] = this.#unheard.keys();
    if (this.#unheard.size > UNHEARD_MOST && oldest !== undefined) this.#unheard.delete(oldest);
  }

  /** What is known of a creation that was not heard of, or null. */
  unheardOf({ ordinal, set }: TargetChange): UnheardCreation | null {
    const known = this.#unheard.get(ordinal);
    return known !== undefined && JSON.stringify(known.change.set) === JSON.stringify(set) ? known : null;
  }

  get roster(): Roster | null {
    const now = this.#clock.now();
    if (this.#roster === null || now <= this.#unheardUntil || now - this.#roster.at > ROSTER_MS) return null;
    return this.#roster;
  }

  set roster(roster: Roster | null) {
    this.#roster = roster;
  }

  /** Whether the filter by address takes capital and small letters for the same; `null` until it was tried. */
  get folds(): boolean | null {
    return this.#folds;
  }

  set folds(folds: boolean | null) {
    this.#folds = folds;
  }
}
