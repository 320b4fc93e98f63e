import { ConnectorError } from "@entrain/core";

interface Advice {
  readonly what: string;
  readonly mend: string;
  readonly retry?: "later";
}

const NEW_SECRET = "Create a new client secret in Entra (Certificates & secrets) and give its value.";
const CHECK_TENANT = "Check the tenant id and the cloud of the connection.";
const CHECK_CLIENT =
  "Check the client id, and that the application is registered in, or consented by, this very tenant.";
const ADMIN_CONSENT = "Have an administrator grant admin consent on the application's API permissions page.";
const LATER = "Nothing to do: it is tried again later.";
const POLICY = "Have an administrator exclude this application from the policy, or allow this network's address.";
const TENANT_ENDPOINT = "Give the tenant's own id instead of common, organizations or consumers.";
const CERTIFICATE =
  "Upload the certificate's public part to the application in Entra, or give the matching private key.";

function transient(what: string): Advice {
  return { what, mend: LATER, retry: "later" };
}

/** "Microsoft Entra authentication & authorization error codes"; the numbers are diagnostic and may change. */
const ADVICE: Readonly<Record<number, Advice>> = {
  7000215: {
    what: "the client secret is wrong (often the secret's id was pasted instead of its value)",
    mend: NEW_SECRET,
  },
  7000222: { what: "the client secret has expired", mend: NEW_SECRET },
  7000218: { what: "a client secret is required and none was sent", mend: NEW_SECRET },
  700025: {
    what: "the application is a public client and must not send a secret",
    mend: "Turn off Allow public client flows for the application, or register a confidential one.",
  },
  700027: { what: "the certificate does not match the application's", mend: CERTIFICATE },
  700030: { what: "the certificate's subject is not authorised for the application", mend: CERTIFICATE },
  50012: { what: "the client assertion or its certificate chain is not valid", mend: CERTIFICATE },
  70021: {
    what: "no federated identity credential matches",
    mend: "Compare issuer, subject and audience letter by letter; a new credential takes some minutes to work.",
  },
  700016: { what: "the application was not found in this tenant", mend: CHECK_CLIENT },
  700011: { what: "the application was not found in this tenant", mend: CHECK_CLIENT },
  7000112: { what: "the application is disabled", mend: "Enable it under Enterprise applications in Entra." },
  70001: { what: "the application is disabled or not found", mend: CHECK_CLIENT },
  90002: { what: "the tenant was not found", mend: CHECK_TENANT },
  900023: { what: "the tenant is neither a valid id nor a known domain", mend: CHECK_TENANT },
  90038: { what: "the tenant belongs to another cloud", mend: CHECK_TENANT },
  900432: { what: "the tenant belongs to another cloud", mend: CHECK_TENANT },
  50194: { what: "the application serves one tenant only", mend: TENANT_ENDPOINT },
  9001023: { what: "this kind of sign-in needs the tenant's own address", mend: TENANT_ENDPOINT },
  65001: { what: "nobody has consented to the application", mend: ADMIN_CONSENT },
  90094: { what: "admin consent is required", mend: ADMIN_CONSENT },
  650056: { what: "the application's registration asks for no permissions", mend: ADMIN_CONSENT },
  650057: { what: "the application's registration does not ask for Microsoft Graph", mend: ADMIN_CONSENT },
  500011: { what: "Microsoft Graph is not known to this tenant under this address", mend: CHECK_TENANT },
  70011: { what: "the scope is not valid in this cloud", mend: CHECK_TENANT },
  28002: { what: "the scope is not valid in this cloud", mend: CHECK_TENANT },
  53003: { what: "a conditional access policy blocks the sign-in", mend: POLICY },
  53000: { what: "a conditional access policy asks for a compliant device", mend: POLICY },
  53001: { what: "a conditional access policy asks for a joined device", mend: POLICY },
  530035: { what: "the tenant's security defaults block the sign-in", mend: POLICY },
  50105: { what: "the application must be assigned first", mend: "Assign it under Enterprise applications in Entra." },
  90055: transient("the sign-in service is throttling"),
  90024: transient("the sign-in service is busy"),
  90033: transient("the sign-in service had a passing fault"),
  50196: transient("the sign-in service saw too many equal requests"),
};

/** Microsoft refused to give a token. `aadsts` is the number of the refusal, `fix` the mend for just that number. */
export class SignInRefused extends ConnectorError {
  readonly aadsts: number | null;
  readonly #mend: string | null;

  constructor(
    aadsts: number | null,
    otherwise: string,
    answer: { readonly requestId: string | null; readonly status: number },
  ) {
    const advice = aadsts === null ? undefined : ADVICE[aadsts];
    const number = aadsts === null ? "" : ` (AADSTS${aadsts})`;
    const trace = answer.requestId === null ? "" : ` (trace id ${answer.requestId})`;
    super("sign_in_refused", `Microsoft refused the sign-in: ${advice?.what ?? otherwise}${number}.${trace}`, {
      stops: "connection",
      retry: advice?.retry ?? "never",
      ...answer,
    });
    this.aadsts = aadsts;
    this.#mend = advice?.mend ?? null;
  }

  override get fix(): string {
    return this.#mend ?? super.fix;
  }
}

/** Reads the token endpoint's error body: `error`, `error_codes`, `trace_id`. `null` when it is none. */
export function signInRefusal(status: number, body: unknown): SignInRefused | null {
  if (typeof body !== "object" || body === null || !("error" in body) || typeof body.error !== "string") return null;
  const codes: readonly unknown[] = "error_codes" in body && Array.isArray(body.error_codes) ? body.error_codes : [];
  const number = codes.find((code) => typeof code === "number" && code in ADVICE) ?? codes[0];
  const requestId = "trace_id" in body && typeof body.trace_id === "string" ? body.trace_id : null;
  const named = /^[a-z_]{1,40}$/.test(body.error) ? body.error : "an unnamed error";
  return new SignInRefused(typeof number === "number" ? number : null, named, { requestId, status });
}
