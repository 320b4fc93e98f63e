/** A request that was not answered well waits before it is sent again. Never holds an address, a query or a body. */
export interface Wait {
  /** Who is waited for, as an operator calls it: `Microsoft Graph`, a host. */
  readonly service: string;
  /** The answer's HTTP status; `null` when there was no answer. */
  readonly status: number | null;
  /** How long, rounded up. */
  readonly seconds: number;
  /** The attempt that follows; the first one of a request is 1. */
  readonly attempt: number;
  /** The most attempts that the request gets. */
  readonly of: number;
}

/** Takes in each wait when it begins, and `null` when it is over: as many of one as of the other, perhaps several at a time. */
export type WaitListener = (wait: Wait | null) => void;

/** Answers by which a service says that it has too much to do, not that something broke. */
const BUSY: ReadonlySet<number> = new Set([429, 503, 509]);

/** One clause for an operator: who, why, how long, and which attempt comes. */
export function waitInWords({ service, status, seconds, attempt, of }: Wait): string {
  return `${service} ${whyInWords(status)}; trying again in ${seconds} s (attempt ${attempt} of ${of})`;
}

function whyInWords(status: number | null): string {
  if (status === null) return "does not answer";
  if (BUSY.has(status)) return `is busy (${status})`;
  return status < 300 ? `answers (${status}) with something other than its API` : `failed (${status})`;
}
