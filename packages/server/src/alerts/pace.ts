const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** After each attempt until the next: three days in all (Standard Webhooks 1.0.0, Deliverability and reliability). */
const PAUSES_MS = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
] as const;
const LONGEST_MS = 24 * HOUR;
/** Receivers that failed together are not met together again. */
const JITTER = 0.2;

/** How often an alert is tried. */
export const ATTEMPTS: number = PAUSES_MS.length + 1;

/** Milliseconds until the next attempt. `attempt` counts from 1, `random` is in [0, 1). */
export function pauseAfter(attempt: number, random: number): number {
  const pause = PAUSES_MS[attempt - 1] ?? LONGEST_MS;
  return Math.round(pause * (1 - JITTER + 2 * JITTER * random));
}

/** The same where the receiver asked for a time: never sooner, and never later than in a day. */
export function pauseAsked(pauseMs: number, askedMs: number | null): number {
  return Math.max(pauseMs, Math.min(askedMs ?? 0, LONGEST_MS));
}
