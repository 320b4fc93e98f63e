import { ConnectorError } from "@entrain/core";
import { genericGrantRequest, ResponseBodyError, type TokenEndpointResponse } from "openid-client";
import type { EntraOptions } from "../options.ts";
import { credentialFault } from "./fault.ts";
import type { Exchange } from "./sign-in.ts";

const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";
/** RFC 8628, section 3.2: without an interval of the service's own. */
const USUAL_INTERVAL_S = 5;
/** RFC 8628, section 3.5: what `slow_down` adds to the interval for good. */
const SLOWER_S = 5;

/** A device's code as the service gave it out. */
export interface DeviceCode {
  readonly deviceCode: string;
  readonly intervalS: number | undefined;
  /** Milliseconds since 1970, UTC. */
  readonly expiresAt: number;
}

/**
 * Asks for the tokens of a device until somebody has signed in for it ("OAuth 2.0 device authorization grant"; RFC 8628,
 * section 3.5). A passing fault of the service slows the asking down and does not end it: the code may be typed already.
 * @throws ConnectorError `sign_in_refused` (declined, ended, refused); anything else is the library's own error
 */
export async function pollDevice(
  exchange: () => Promise<Exchange>,
  { deviceCode, intervalS = USUAL_INTERVAL_S, expiresAt }: DeviceCode,
  { clock, sleep }: Pick<EntraOptions, "clock" | "sleep">,
  signal: AbortSignal,
): Promise<TokenEndpointResponse> {
  let pause = intervalS;
  while (clock.now() < expiresAt) {
    await sleep(pause * 1000, signal);
    signal.throwIfAborted();
    const { config, fault } = await exchange();
    try {
      return await genericGrantRequest(config, DEVICE_GRANT, { device_code: deviceCode });
    } catch (error) {
      signal.throwIfAborted();
      const asked = error instanceof ResponseBodyError ? error.error : null;
      if (asked === "slow_down" || isPassing(fault())) pause += SLOWER_S;
      else if (asked !== "authorization_pending") throw fault() ?? error;
    }
  }
  throw credentialFault("sign_in_refused", {
    message: "The code was not used in time.",
    fix: "Begin the sign-in again, and enter the new code before it ends.",
  });
}

function isPassing(fault: unknown): boolean {
  return fault instanceof ConnectorError && fault.retry === "later";
}
