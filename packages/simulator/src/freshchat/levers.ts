import type { FaultSet } from "../faults/rules.ts";
import type { RequestLog } from "../server/request-log.ts";
import type { FreshchatFaultAction } from "./faults.ts";
import type { FreshchatRate } from "./rate.ts";
import type { FreshchatKinds } from "./steps.ts";
import type { FreshchatSwitches } from "./switches.ts";

/** One request that the account answered: the witness for tests that count requests. */
export interface FreshchatRequest {
  /** Milliseconds UTC by the account's clock. */
  readonly at: number;
  readonly method: string;
  /** Path and query as they came. */
  readonly path: string;
  /** 0 when the connection was cut before any status. */
  readonly status: number;
  /** Text of the body that came. */
  readonly body: string;
}

/** The levers that tests pull. `agents`, `users`, `groups` and `roles` are what another administrator sees and does. */
export interface FreshchatLevers extends FreshchatKinds {
  /** Every request under the API's host, answered or cut, oldest first. */
  readonly requests: RequestLog<FreshchatRequest>;
  readonly faults: FaultSet<FreshchatFaultAction>;
  /** All switches as they stand. */
  readonly switches: FreshchatSwitches;
  /** Changes those that are given. Deletions and users from before keep their times. Throws an Error for a value that a switch has not. */
  setSwitches(switches: Partial<FreshchatSwitches>): void;
  /** Milliseconds UTC by the account's clock. */
  now(): number;
  /** Moves the account's clock forward by milliseconds. */
  advance(ms: number): void;
  /** Makes another token the only valid one, as when the old one expired. */
  setToken(token: string): void;
  /** As the host of a portal it answers everything with 200 and a page. */
  setPortal(portal: boolean): void;
  /** Seats for full-time agents; null lifts the limit. */
  setSeats(seats: number | null): void;
  /** Begins to count anew; null lifts the limit. */
  setRate(rate: FreshchatRate | null): void;
}
