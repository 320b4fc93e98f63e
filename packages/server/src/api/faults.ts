import { CODES, ConnectorError } from "@entrain/core";

/** Why something that goes on behind its request failed, as it may be shown. */
export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly fix: string;
}

/** Describes a fault; what is not known to be fit for a page is called an unexpected one. */
export function describeFault(fault: unknown, signal: AbortSignal): Fault {
  if (signal.aborted) return { code: "cancelled", message: "It was stopped.", fix: "Start it again when you like." };
  if (fault instanceof ConnectorError) return { code: fault.code, message: fault.message, fix: fault.fix };
  return { code: "internal", message: "An unexpected fault; the server's log names it.", fix: CODES.internal };
}
