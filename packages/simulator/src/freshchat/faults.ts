import type { FaultRule } from "../faults/rules.ts";
import { type AdminStep, checkStep } from "./steps.ts";

/** What a fault does to the requests that it matches. */
export type FreshchatFaultAction =
  /**
   * Answers with this status and does nothing else; `retryAfter` seconds are sent as the header, without it none is. The
   * body is the documented JSON unless `empty` or `html` is wanted.
   */
  | {
      readonly type: "status";
      readonly status: number;
      readonly retryAfter?: number;
      readonly body?: "json" | "empty" | "html";
    }
  /**
   * Cuts the connection: before the request is looked at, after its work is done but before any header, or in the
   * middle of the body.
   */
  | { readonly type: "cut"; readonly at: "headers" | "answer" | "body" }
  /** Half of the body under a matching content length. */
  | { readonly type: "truncate" }
  /** Another administrator does this right before the request is looked at. */
  | { readonly type: "meanwhile"; readonly steps: readonly AdminStep[] };

/** One fault: which requests (`page` is the page that is asked for), how often, what happens. */
export type FreshchatFault = FaultRule<FreshchatFaultAction>;

const BODIES: readonly unknown[] = [undefined, "json", "empty", "html"];
const PLACES: readonly unknown[] = ["headers", "answer", "body"];

/** A fault that came as JSON. Throws an Error with one sentence when it is none. */
export function checkFault(fault: unknown): FreshchatFault {
  const told = JSON.stringify(fault);
  if (!isRecord(fault) || !isRecord(fault.action)) throw new Error(`The fault ${told} has no action.`);
  for (const name of ["page", "skip", "times"]) {
    if (fault[name] !== undefined && !isWhole(fault[name])) {
      throw new Error(`The fault ${told} needs a whole number as ${name}.`);
    }
  }
  const flaw = flawOf(fault.action);
  if (flaw !== null) throw new Error(`The fault ${told} ${flaw}.`);
  return fault as unknown as FreshchatFault;
}

function flawOf(action: Readonly<Record<string, unknown>>): string | null {
  switch (action.type) {
    case "status":
      if (!isWhole(action.status) || Number(action.status) < 200 || Number(action.status) > 599) {
        return "needs a status between 200 and 599";
      }
      if (action.retryAfter !== undefined && !isWhole(action.retryAfter)) return "needs whole seconds as retryAfter";
      return BODIES.includes(action.body) ? null : "needs json, empty or html as body";
    case "cut":
      return PLACES.includes(action.at) ? null : "must cut at headers, answer or body";
    case "truncate":
      return null;
    case "meanwhile":
      if (!Array.isArray(action.steps)) return "needs a list of steps";
      action.steps.forEach(checkStep);
      return null;
    default:
      return "has no action of a known type (status, cut, truncate, meanwhile)";
  }
}

function isWhole(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
