import { type DateTime, TICKS_PER_SECOND } from "./calendar.ts";

/** Seconds from 1601-01-01 to 1970-01-01. */
const EPOCH_SECONDS = 11_644_473_600;
const LAST_FILETIME = 2_650_467_743_999_999_999n;
const NEVER = 9_223_372_036_854_775_807n;

/** 100 ns since 1601-01-01 UTC ("FILETIME structure", Windows): exact, for beyond 2^53 a number is not. A text is a flaw. */
export function fileTimeOf(date: DateTime): bigint | string {
  const seconds = date.seconds + EPOCH_SECONDS;
  if (seconds < 0) return "Active Directory's dates begin with the year 1601";
  return BigInt(seconds) * BigInt(TICKS_PER_SECOND) + BigInt(date.ticks);
}

/**
 * Milliseconds UTC. `null` for 0 and 9223372036854775807, by which Active Directory says that there is no such date: an
 * account that never expires ("Account-Expires attribute"), a password that never was set, a log-on that never was.
 * A text says what is wrong.
 */
export function millisecondsOfFileTime(value: number | string): number | null | string {
  const fileTime = integerOf(value);
  if (fileTime === null) return "it is no whole number";
  // As a number, the mark for "never" is rounded up to the next one that there is.
  if (fileTime === 0n || fileTime === NEVER || (typeof value === "number" && fileTime === NEVER + 1n)) return null;
  if (fileTime < 0n) return "Active Directory's dates begin with the year 1601";
  if (fileTime > LAST_FILETIME) return "it lies beyond the year 9999";
  return Number(fileTime / 10_000n) - EPOCH_SECONDS * 1000;
}

function integerOf(value: number | string): bigint | null {
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : null;
  return /^[+-]?\d{1,20}$/.test(value.trim()) ? BigInt(value.trim().replace("+", "")) : null;
}
