import { DEFAULT_RETRIES, formatDuration, type Retries, type SyncDefinition } from "@entrain/core";
import type { Checker } from "./checker.ts";
import type { Path } from "./document.ts";
import { readDuration } from "./values.ts";

const KEYS = ["first", "last", "attempts"];
const ATTEMPTS = {
  min: 1,
  max: 1000,
  why: "a record that is tried more often than that is never looked at by anybody",
};
const FIRST_MIN_MS = 1000;
const LAST_MAX_MS = 30 * 86_400_000;

/** How refused changes are tried again; what is left out is the default's. */
export function readRetries(checker: Checker, value: unknown, path: Path): Pick<SyncDefinition, "retries"> | undefined {
  if (value === undefined) return {};
  const entry = checker.map(value, path, KEYS);
  if (entry === undefined) return undefined;
  const { firstMs, lastMs, attempts } = DEFAULT_RETRIES;
  const first = entry.first === undefined ? firstMs : readDuration(checker, entry.first, [...path, "first"]);
  const last = entry.last === undefined ? lastMs : readDuration(checker, entry.last, [...path, "last"]);
  const most =
    entry.attempts === undefined ? attempts : checker.integer(entry.attempts, [...path, "attempts"], ATTEMPTS);
  if (first === undefined || last === undefined || most === undefined) return undefined;
  if (first < FIRST_MIN_MS) return checker.flaw([...path, "first"], "must be at least 1s");
  if (last > LAST_MAX_MS) return checker.flaw([...path, "last"], "must be at most 30d");
  if (last >= first) return { retries: { firstMs: first, lastMs: last, attempts: most } };
  const place = entry.last === undefined ? "first" : "last";
  return checker.flaw(
    [...path, place],
    `last (${formatDuration(last)}) is shorter than first (${formatDuration(first)})`,
  );
}

/** The policy as a document has it. */
export function plainRetries({ firstMs, lastMs, attempts }: Retries): { readonly [key: string]: unknown } {
  return { first: formatDuration(firstMs), last: formatDuration(lastMs), attempts };
}
