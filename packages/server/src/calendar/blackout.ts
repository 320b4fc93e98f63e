import { type Blackout, WEEKDAYS } from "@entrain/core";
import { dayAfter, momentsOf, type WallTime, wallTime, weekdayOf } from "./zone.ts";

/** A window as it happens once, in milliseconds UTC; `to` is the first moment after it. */
export interface Window {
  readonly from: number;
  readonly to: number;
  readonly stop: boolean;
}

/** Windows that follow upon each other are followed so far; beyond lies no free moment. */
const FOLLOWED_MAX = 500;

/** The windows in which a moment lies. */
export function windowsAt(blackouts: readonly Blackout[], at: number): readonly Window[] {
  return blackouts.flatMap((blackout) => {
    const today = wallTime(at, blackout.timezone);
    // One over midnight began yesterday; where the clocks are set back, even one that ended at midnight may go on.
    return [-1, 0].flatMap((days) => {
      const window = windowOn(blackout, dayAfter(today, days));
      return window !== null && window.from <= at && at < window.to ? [window] : [];
    });
  });
}

/** The first moment from `at` on that lies in no window; null when there is none in a year or so. */
export function freeFrom(blackouts: readonly Blackout[], at: number): number | null {
  let free = at;
  for (let followed = 0; followed < FOLLOWED_MAX; followed += 1) {
    const ends = windowsAt(blackouts, free).map(({ to }) => to);
    if (ends.length === 0) return free;
    free = Math.max(...ends);
  }
  return null;
}

/** Minutes since midnight of a time of the day, `HH:MM` up to `24:00`; null when it is none. */
export function minutesOf(text: string): number | null {
  const [, hours, minutes] = /^(\d\d):(\d\d)$/.exec(text) ?? [];
  const total = Number(hours) * 60 + Number(minutes);
  return Number(minutes) < 60 && total <= 1440 ? total : null;
}

/** As long as it can be: clocks that are set back inside it prolong it. */
function windowOn({ days, from, to, timezone, stop }: Blackout, day: WallTime): Window | null {
  const weekday = WEEKDAYS[weekdayOf(day)];
  const [begins, ends] = [minutesOf(from), minutesOf(to)];
  if (weekday === undefined || !days.includes(weekday) || begins === null || ends === null) return null;
  const last = ends > begins ? day : dayAfter(day, 1);
  return {
    from: momentsOf({ ...day, minutes: begins }, timezone).first,
    to: momentsOf({ ...last, minutes: ends }, timezone).last,
    stop: stop === true,
  };
}
