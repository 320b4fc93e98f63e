import { usage } from "./command.ts";

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const DAY_MS = 86_400_000;

/**
 * A moment of the past that `--at` names; of a day that is not over, what is known of it so far.
 * @throws ConnectorError `usage`, for one in the future, too
 */
export function momentBefore(text: string, now: number): number {
  const at = momentOf(text, "at", "end");
  if (at <= now) return at;
  if (momentOf(text, "at", "begin") <= now) return now;
  const today = new Date(now).toISOString().slice(0, 16).replace("T", " ");
  throw usage(`--at lies in the future: nobody knows what the directory holds then. It is ${today} UTC now.`);
}

/**
 * A moment as the command line takes it, in milliseconds UTC: a day (`2026-03-03`), whose end or beginning is meant, or a time
 * of ISO 8601 with its zone. @throws ConnectorError `usage`
 */
export function momentOf(text: string, option: string, edge: "begin" | "end"): number {
  const at = Date.parse(DAY.test(text) ? `${text}T00:00:00Z` : text);
  const isZoned = DAY.test(text) || /(?:Z|[+-]\d{2}:?\d{2})$/.test(text);
  // Days that no calendar has are moved by Date to the next month.
  const isReal = !DAY.test(text) || (!Number.isNaN(at) && new Date(at).toISOString().startsWith(text));
  if (Number.isNaN(at) || !isZoned || !isReal) {
    throw usage(
      `--${option} takes a day such as 2026-03-03, or a time with its zone such as 2026-03-03T17:30:00Z, not "${text}".`,
    );
  }
  return DAY.test(text) && edge === "end" ? at + DAY_MS - 1 : at;
}
