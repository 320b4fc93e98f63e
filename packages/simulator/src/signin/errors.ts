import { randomUUID } from "node:crypto";

/** A refusal of the sign-in service ("Microsoft Entra authentication and authorization error codes"). */
export class SignInError extends Error {
  override readonly name = "SignInError";
  readonly status: number;
  readonly error: string;
  readonly number: number;

  constructor(number: number, message: string) {
    super(message);
    const [status, error] = KINDS[number] ?? [400, "invalid_request"];
    this.number = number;
    this.status = status;
    this.error = error;
  }
}

const KINDS: Readonly<Record<number, readonly [number, string]>> = {
  70003: [400, "unsupported_grant_type"],
  70011: [400, "invalid_scope"],
  90002: [400, "invalid_request"],
  500011: [400, "invalid_resource"],
  700016: [400, "unauthorized_client"],
  900144: [400, "invalid_request"],
  1002012: [400, "invalid_scope"],
  7000215: [401, "invalid_client"],
  7000218: [401, "invalid_client"],
  7000222: [401, "invalid_client"],
  9001023: [400, "invalid_request"],
};

/** The error body of the token endpoint. `base` is the sign-in service's own address. */
export function signInErrorBody(
  error: SignInError,
  context: { readonly now: number; readonly base: string; readonly correlation: string | undefined },
): Readonly<Record<string, unknown>> {
  const timestamp = new Date(context.now)
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, "Z");
  const trace = randomUUID();
  const correlation = context.correlation ?? randomUUID();
  return {
    error: error.error,
    error_description: `AADSTS${error.number}: ${error.message} Trace ID: ${trace} Correlation ID: ${correlation} Timestamp: ${timestamp}`,
    error_codes: [error.number],
    timestamp,
    trace_id: trace,
    correlation_id: correlation,
    error_uri: `${context.base}/error?code=${error.number}`,
  };
}
