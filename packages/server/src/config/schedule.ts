import { type Blackout, DEFAULTS, formatDuration, type Schedule, WEEKDAYS, type Weekday } from "@entrain/core";
import { freeFrom, minutesOf } from "../calendar/blackout.ts";
import { cronFlaw } from "../calendar/cron.ts";
import { isTimeZone } from "../calendar/zone.ts";
import type { Checker, Entries } from "./checker.ts";
import type { Path } from "./document.ts";
import { suggestion } from "./nearest.ts";
import { readDuration } from "./values.ts";

const SHORTEST_MS = 10_000;
const JITTER_MAX_MS = 3_600_000;
const UTC = "UTC";
const WAYS = ["every", "cron", "manual"] as const;
const KEYS = [...WAYS, "timezone", "blackout", "jitter"];
const WINDOW_KEYS = ["days", "from", "to", "timezone", "stop"];

/** When a sync runs by itself; `manual` alone is short for `{ manual: true }`. */
export function readSchedule(checker: Checker, value: unknown, path: Path): Schedule | undefined {
  if (value === undefined) return DEFAULTS.schedule;
  if (value === "manual") return { manual: true };
  if (typeof value === "string") {
    return checker.flaw(path, 'must be manual, { every: 5m } or { cron: "0 6 * * 1-5", timezone: Europe/Rome }');
  }
  const entry = checker.map(value, path, KEYS);
  if (entry === undefined) return undefined;
  const way = readWay(checker, entry, path);
  const blackout = readBlackouts(checker, entry, [...path, "blackout"]);
  const jitter = readJitter(checker, entry, [...path, "jitter"]);
  if (way === undefined || blackout === undefined || jitter === undefined) return undefined;
  return { ...way, ...blackout, ...jitter };
}

type Way =
  | { readonly everyMs: number }
  | { readonly cron: string; readonly timezone: string }
  | { readonly manual: true };

function readWay(checker: Checker, entry: Entries, path: Path): Way | undefined {
  const ways = WAYS.filter((way) => entry[way] !== undefined);
  if (ways.length !== 1) {
    // What else it may be called was said already.
    if (ways.length === 0 && Object.keys(entry).some((key) => !KEYS.includes(key))) return undefined;
    return checker.flaw(
      path,
      'must be one of { every: 5m }, { cron: "0 6 * * 1-5", timezone: Europe/Rome } and manual',
    );
  }
  if (entry.cron === undefined && entry.timezone !== undefined) {
    return checker.flaw([...path, "timezone"], "belongs to cron; a blackout names its own");
  }
  if (entry.manual !== undefined) {
    return entry.manual === true ? { manual: true } : checker.flaw([...path, "manual"], "must be true");
  }
  if (entry.cron !== undefined) return readCron(checker, entry, path);
  const everyMs = readDuration(checker, entry.every, [...path, "every"]);
  if (everyMs === undefined || everyMs >= SHORTEST_MS) return everyMs === undefined ? undefined : { everyMs };
  return checker.flaw([...path, "every"], "must be at least 10s");
}

function readCron(checker: Checker, entry: Entries, path: Path): Way | undefined {
  const cron = checker.text(entry.cron, [...path, "cron"]);
  const timezone = readZone(checker, entry.timezone, [...path, "timezone"], UTC);
  if (cron === undefined || timezone === undefined) return undefined;
  const flaw = cronFlaw(cron);
  if (flaw === null) return { cron, timezone };
  const form = 'must be five fields (minute, hour, day, month, weekday) such as "0 6 * * 1-5"';
  return checker.flaw([...path, "cron"], `${form}: ${flaw}`);
}

function readZone(checker: Checker, value: unknown, path: Path, fallback: string): string | undefined {
  if (value === undefined) return fallback;
  const name = checker.text(value, path);
  if (name === undefined || isTimeZone(name)) return name;
  const near = suggestion(name, Intl.supportedValuesOf("timeZone"));
  return checker.flaw(
    path,
    `there is no time zone ${JSON.stringify(name)}${near || "; write one such as Europe/Rome"}`,
  );
}

function readBlackouts(checker: Checker, entry: Entries, path: Path): Pick<Schedule, "blackout"> | undefined {
  if (entry.blackout === undefined) return {};
  const zone = typeof entry.timezone === "string" && isTimeZone(entry.timezone) ? entry.timezone : UTC;
  const read = checker.list(entry.blackout, path)?.map((item, at) => readWindow(checker, item, [...path, at], zone));
  if (read === undefined || read.some((window) => window === undefined)) return undefined;
  const blackout = read.filter((window) => window !== undefined);
  if (blackout.length === 0) return {};
  // Windows come again each week, whatever moment one begins to look at.
  if (freeFrom(blackout, 0) !== null) return { blackout };
  return checker.flaw(path, "leaves no time at all in which a run may begin");
}

function readWindow(checker: Checker, value: unknown, path: Path, zone: string): Blackout | undefined {
  const entry = checker.map(value, path, WINDOW_KEYS);
  if (entry === undefined) return undefined;
  const days = readDays(checker, entry.days, [...path, "days"]);
  const from = readTime(checker, entry.from, [...path, "from"]);
  const to = readTime(checker, entry.to, [...path, "to"]);
  const timezone = readZone(checker, entry.timezone, [...path, "timezone"], zone);
  const stop = entry.stop === undefined ? false : checker.boolean(entry.stop, [...path, "stop"]);
  if (from !== undefined && from === to) {
    return checker.flaw([...path, "to"], 'is the same as from; write from "00:00" to "24:00" for whole days');
  }
  if (!days || from === undefined || to === undefined || timezone === undefined || stop === undefined) return undefined;
  return { days, from, to, timezone, ...(stop ? { stop } : {}) };
}

/** In the order of the week, each once; every day where none is named. */
function readDays(checker: Checker, value: unknown, path: Path): readonly Weekday[] | undefined {
  if (value === undefined) return WEEKDAYS;
  const days = checker.list(value, path)?.map((item, at) => checker.oneOf(item, [...path, at], WEEKDAYS));
  if (days === undefined || days.some((day) => day === undefined)) return undefined;
  if (days.length === 0) return checker.flaw(path, "must name a day; leave it out for every day");
  return WEEKDAYS.filter((day) => days.includes(day));
}

/** YAML reads `08:00` as text, and so must whoever writes JSON; a number is a slip. */
function readTime(checker: Checker, value: unknown, path: Path): string | undefined {
  const text = checker.text(value, path);
  if (text === undefined) return undefined;
  const minutes = minutesOf(text);
  if (minutes !== null && !(path.at(-1) === "from" && text === "24:00")) return text;
  return checker.flaw(path, `must be a time of the day such as "08:00", not ${JSON.stringify(text)}`);
}

function readJitter(checker: Checker, entry: Entries, path: Path): Pick<Schedule, "jitterMs"> | undefined {
  if (entry.jitter === undefined) return {};
  if (entry.manual !== undefined) return checker.flaw(path, "delays runs that begin by themselves; this sync has none");
  const jitterMs = readDuration(checker, entry.jitter, path);
  if (jitterMs === undefined || jitterMs <= JITTER_MAX_MS) return jitterMs === undefined ? undefined : { jitterMs };
  return checker.flaw(path, "must be at most 1h");
}

/** The schedule as a document has it. */
export function plainSchedule(schedule: Schedule): unknown {
  const { blackout, jitterMs } = schedule;
  const also = {
    ...(blackout === undefined ? {} : { blackout }),
    ...(jitterMs === undefined ? {} : { jitter: formatDuration(jitterMs) }),
  };
  if ("everyMs" in schedule) return { every: formatDuration(schedule.everyMs), ...also };
  if ("cron" in schedule) return { cron: schedule.cron, timezone: schedule.timezone, ...also };
  return blackout === undefined ? "manual" : { manual: true, ...also };
}

/** The schedule in a few words: `every 5m`, `0 6 * * 1-5 Europe/Rome`, `manual`. */
export function scheduleInWords(schedule: Schedule): string {
  if ("everyMs" in schedule) return `every ${formatDuration(schedule.everyMs)}`;
  return "cron" in schedule ? `${schedule.cron} ${schedule.timezone}` : "manual";
}
