const UNITS: readonly (readonly [string, number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
];
const LONGEST_MS = 3650 * 86_400_000;

/** Milliseconds of a text such as `24h`, `5m`, `30s`, `7d`; `null` when it is none, is zero or exceeds ten years. */
export function parseDuration(text: string): number | null {
  const [, digits = "", unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const size = UNITS.find(([name]) => name === unit)?.[1] ?? 0;
  const duration = Number(digits) * size;
  return duration > 0 && duration <= LONGEST_MS ? duration : null;
}

/** The text in the largest unit that `parseDuration` reads as these whole seconds: `1h`, `90s`, `30d`; a day is `24h`. */
export function formatDuration(durationMs: number): string {
  const seconds = Math.round(durationMs / 1000) * 1000;
  for (const [name, size] of UNITS) {
    if (seconds % size === 0 && seconds / size > (name === "d" ? 1 : 0)) return `${seconds / size}${name}`;
  }
  return `${seconds / 1000}s`;
}
