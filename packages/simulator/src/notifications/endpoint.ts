import type { Notification } from "./notifications.ts";

/** A notification on its way. Times are milliseconds UTC by the simulator's clock. */
export interface Waiting {
  readonly notification: Notification;
  readonly dueAt: number;
  /** When it was first to be sent: after four hours it is given up. */
  readonly since: number;
  readonly attempt: number;
}

const WINDOW_MS = 10 * 60_000;
const SLOW_MS = 2900;
const DELAY_MS = 10 * 60_000;
const DELAYED_ABOVE = 0.1;
const DROPPED_FROM = 0.15;
/** A share of very few answers says nothing; the documentation names no least number. */
const ANSWERS_LEAST = 10;

/** Whether a subscriber answers in time ("Receive change notifications through webhooks", slow and dropped endpoints). */
export class EndpointHealth {
  #answers: { readonly at: number; readonly slow: boolean }[] = [];
  #droppedUntil = 0;
  #delayedUntil = 0;

  /** Notes one answer that took this many milliseconds. */
  note(at: number, tookMs: number): void {
    this.#answers = this.#answers.filter((answer) => answer.at > at - WINDOW_MS);
    this.#answers.push({ at, slow: tookMs > SLOW_MS });
    if (this.#answers.length < ANSWERS_LEAST) return;
    const share = this.#answers.filter(({ slow }) => slow).length / this.#answers.length;
    if (share >= DROPPED_FROM) this.#droppedUntil = at + WINDOW_MS;
    else if (share > DELAYED_ABOVE) this.#delayedUntil = at + WINDOW_MS;
  }

  /** Milliseconds that a notification of now must wait; null when it is dropped. */
  penalty(now: number): number | null {
    if (now < this.#droppedUntil) return null;
    return now < this.#delayedUntil ? DELAY_MS : 0;
  }
}

const FIRST_RETRY_MS = 10_000;
const LONGEST_RETRY_MS = 30 * 60_000;
const GIVE_UP_MS = 4 * 3600_000;

/** When a notification that was not accepted is sent again, doubling; null after four hours. */
export function retryOf(waiting: Waiting, now: number): Waiting | null {
  const pause = Math.min(FIRST_RETRY_MS * 2 ** (waiting.attempt - 1), LONGEST_RETRY_MS);
  if (now + pause - waiting.since > GIVE_UP_MS) return null;
  return { ...waiting, attempt: waiting.attempt + 1, dueAt: now + pause };
}
