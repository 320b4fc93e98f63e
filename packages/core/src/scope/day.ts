const DAY_MS = 86_400_000;
const MOVING = /^today(?:([+-])(\d{1,5}))?$/;

/** True for a value that counts days from the one on which the scope is asked: `today`, `today+7`, `today-30`. */
export function isMovingDay(value: unknown): value is string {
  return typeof value === "string" && MOVING.test(value);
}

/** The beginning (UTC) of the day that such a value means at `now`; both in milliseconds. */
export function movingDay(value: string, now: number): number {
  const [, sign, days = "0"] = MOVING.exec(value) ?? [];
  return startOfDay(now) + (sign === "-" ? -1 : 1) * Number(days) * DAY_MS;
}

/** Scopes that count from today decide alike at any two times of one day (UTC), which this is the beginning of, in milliseconds. */
export function startOfDay(now: number): number {
  return Math.floor(now / DAY_MS) * DAY_MS;
}
