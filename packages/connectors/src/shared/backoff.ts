const BASE_MS = 500;
const CAP_MS = 30_000;

/**
 * Milliseconds that a `Retry-After` header asks to wait: seconds (whole, or with a fraction as Graph's own sample shows) or an
 * HTTP date, counted from the answer's own `Date` so that a wrong local clock does no harm. `null` when there is no usable value
 * (RFC 9110, 10.2.3; "Microsoft Graph throttling guidance").
 */
export function retryAfterMs(header: string | null, date: string | null, now: number): number | null {
  const text = header?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  const at = /^[A-Za-z]{3,9}, .* GMT$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) return null;
  const from = date === null ? Number.NaN : Date.parse(date);
  return Math.max(0, at - (Number.isNaN(from) ? now : from));
}

/** Full jitter: a random share of an exponentially growing bound. `attempt` counts from 0, `random` is in [0, 1). */
export function backoffMs(attempt: number, random: number): number {
  return Math.round(random * Math.min(CAP_MS, BASE_MS * 2 ** attempt));
}
