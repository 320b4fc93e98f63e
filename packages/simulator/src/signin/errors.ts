import { randomUUID } from "node:crypto";

/** A refusal of the sign-in service ("Microsoft Entra authentication and authorization error codes"). */
export class SignInError extends Error {
  override readonly name = "SignInError";
  readonly status: number;
  readonly error: string;
  readonly number: number;
  /** More about the kind of refusal, where the service tells: `consent_required`, `basic_action`, … */
  readonly suberror: string | null;
  /** Claims that the next request must bring, as JSON text. */
  readonly claims: string | null;

  constructor(number: number, message: string, more: { readonly claims?: string; readonly error?: string } = {}) {
    super(message);
    const [status, error, suberror] = KINDS[number] ?? [400, "invalid_request"];
    this.number = number;
    this.status = status;
    this.error = more.error ?? error;
    this.suberror = suberror ?? null;
    this.claims = more.claims ?? null;
  }
}

const REQUEST = [400, "invalid_request"] as const;
const GRANT = [400, "invalid_grant"] as const;
const CLIENT = [401, "invalid_client"] as const;
const UNAUTHORIZED = [400, "unauthorized_client"] as const;
const SCOPE = [400, "invalid_scope"] as const;
const INTERACTION = [400, "interaction_required", "basic_action"] as const;

const KINDS: Readonly<Record<number, readonly [status: number, error: string, suberror?: string]>> = {
  28002: SCOPE,
  50011: REQUEST,
  50012: CLIENT,
  50020: GRANT,
  50027: CLIENT,
  50034: GRANT,
  50048: CLIENT,
  50049: REQUEST,
  50053: GRANT,
  50055: [400, "invalid_grant", "user_password_expired"],
  50056: GRANT,
  50057: GRANT,
  50058: [400, "login_required"],
  50059: REQUEST,
  50072: INTERACTION,
  50074: INTERACTION,
  50076: INTERACTION,
  50079: INTERACTION,
  50105: [400, "interaction_required"],
  50126: GRANT,
  50133: [400, "invalid_grant", "bad_token"],
  50166: CLIENT,
  50173: [400, "invalid_grant", "bad_token"],
  50194: REQUEST,
  50196: GRANT,
  501461: REQUEST,
  501481: GRANT,
  501491: REQUEST,
  53000: [400, "interaction_required", "device_authentication_failed"],
  53001: [400, "interaction_required", "device_authentication_failed"],
  53003: [400, "access_denied"],
  530035: [400, "access_denied"],
  54005: GRANT,
  65001: [400, "invalid_grant", "consent_required"],
  65004: [400, "access_denied"],
  650053: SCOPE,
  650056: UNAUTHORIZED,
  650057: [400, "invalid_resource"],
  70000: GRANT,
  70001: UNAUTHORIZED,
  70003: [400, "unsupported_grant_type"],
  70005: [400, "unsupported_response_type"],
  70007: REQUEST,
  70008: [400, "invalid_grant", "token_expired"],
  70011: SCOPE,
  70016: [400, "authorization_pending"],
  70018: [400, "bad_verification_code"],
  70019: [400, "expired_token"],
  70021: CLIENT,
  90002: REQUEST,
  90014: REQUEST,
  90024: [503, "temporarily_unavailable"],
  90033: [503, "temporarily_unavailable"],
  90038: REQUEST,
  90055: [429, "temporarily_unavailable"],
  90094: [400, "access_denied"],
  90100: REQUEST,
  500011: [400, "invalid_resource"],
  700005: GRANT,
  700011: UNAUTHORIZED,
  700016: UNAUTHORIZED,
  700022: SCOPE,
  700021: CLIENT,
  700023: CLIENT,
  700024: CLIENT,
  700025: CLIENT,
  700027: CLIENT,
  700030: CLIENT,
  700054: [400, "unsupported_response_type"],
  700082: [400, "invalid_grant", "token_expired"],
  900144: REQUEST,
  900432: REQUEST,
  900561: REQUEST,
  1002012: SCOPE,
  7000112: UNAUTHORIZED,
  7000215: CLIENT,
  7000218: CLIENT,
  7000222: CLIENT,
  9001023: REQUEST,
};

/** The error body of the token endpoint. `base` is the sign-in service's own address. */
export function signInErrorBody(
  error: SignInError,
  context: { readonly now: number; readonly base: string; readonly correlation: string | undefined },
): Readonly<Record<string, unknown>> {
  const timestamp = timestampOf(context.now);
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
    ...(error.suberror === null ? {} : { suberror: error.suberror }),
    ...(error.claims === null ? {} : { claims: error.claims }),
  };
}

/** `error_description` of a redirect back to an app. */
export function descriptionOf(error: SignInError, now: number): string {
  const ids = `Trace ID: ${randomUUID()}\r\nCorrelation ID: ${randomUUID()}`;
  return `AADSTS${error.number}: ${error.message}\r\n${ids}\r\nTimestamp: ${timestampOf(now)}`;
}

function timestampOf(now: number): string {
  return new Date(now)
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, "Z");
}
