import { createHash } from "node:crypto";
import type { Schedule } from "@entrain/core";
import { freeFrom } from "./blackout.ts";
import { nextCron } from "./cron.ts";

/** What became of a sync until now, as far as its next run depends on it. Times in milliseconds UTC. */
export interface Past {
  /** The sync's id: with the time itself it decides how much later than that the run begins. */
  readonly sync: string;
  /** When its last run began that read and planned by itself; null when none ever did. */
  readonly lastRunAt: number | null;
  /** The last run was cut off, by the end of its process or by a blackout: what it left is taken up at once. */
  readonly cutOff: boolean;
  /** When its schedule became what it is. */
  readonly since: number;
}

/** A moment is read from the first four bytes of a digest. */
const RANGE = 2 ** 32;

/**
 * When a sync is to run by itself, as if there were no blackout; null for one that runs only when asked to. A moment that lies
 * in the past was missed, and is made good once: the run that does so is the last one from then on.
 */
export function dueAt(schedule: Schedule, past: Past, now: number): number | null {
  if ("manual" in schedule) return null;
  const { lastRunAt, cutOff, since } = past;
  if (cutOff) return now;
  if ("everyMs" in schedule) {
    if (lastRunAt === null) return Math.min(since, now);
    // What ran in the future ran before the clock was set back.
    if (lastRunAt > now) return now;
    return later(schedule, past.sync, lastRunAt + schedule.everyMs);
  }
  const from = Math.min(Math.max(lastRunAt ?? 0, since), now);
  const next = nextCron(schedule, from);
  return next === null ? null : later(schedule, past.sync, next);
}

/** The same, past the blackout that would be on then; null too where the blackout never ends. */
export function nextRunAt(schedule: Schedule, past: Past, now: number): number | null {
  const due = dueAt(schedule, past, now);
  if (due === null || schedule.blackout === undefined) return due;
  const begins = Math.max(due, now);
  const free = freeFrom(schedule.blackout, begins);
  return free === begins ? due : free;
}

/**
 * Not by chance drawn anew: whoever asks, in whichever process, gets the same moment. The sync's id came of chance when it was
 * made, so that syncs of the same time spread over the jitter.
 */
function later({ jitterMs = 0 }: Schedule, sync: string, time: number): number {
  if (jitterMs === 0) return time;
  const drawn = createHash("sha256").update(`${sync}\n${time}`).digest().readUInt32BE(0);
  return time + Math.floor((drawn / RANGE) * jitterMs);
}
