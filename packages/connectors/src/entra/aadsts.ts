import { ConnectorError } from "@entrain/core";
import type { Credential } from "./credentials/credential.ts";
import type { TokenKind } from "./features.ts";
import { howToGrant } from "./verify/checking.ts";

interface Advice {
  readonly what: string;
  readonly mend: string;
  readonly retry?: "later";
  /** In place of the above for an administrator's sign-in, which can be repeated, or for any account. */
  readonly delegated?: Partial<Pick<Advice, "what" | "mend">>;
  readonly account?: Partial<Pick<Advice, "what" | "mend">>;
}

type Kind = Credential["kind"];

const NEW_SECRET = "Create a new client secret in Entra (Certificates & secrets) and give its value.";
const CHECK_TENANT = "Check the tenant id and the cloud of the connection.";
const CHECK_CLIENT =
  "Check the client id (Application (client) ID, not Object ID), and that the application is registered in, or consented by, this very tenant.";
const ADMIN_CONSENT = "Have an administrator grant admin consent on the application's API permissions page.";
const LATER = "Nothing to do: it is tried again later.";
const POLICY = "Have an administrator exclude this application from the policy, or allow this network's address.";
const FITTING: Pick<Advice, "delegated"> = {
  delegated: {
    mend: "Have an administrator exclude this application from the policy, or sign in from a device and a network that it allows: entrain connection authorize NAME.",
  },
};
const TENANT_ENDPOINT = "Give the tenant's own id instead of common, organizations or consumers.";
const SIGN_IN_AGAIN = "Have an administrator sign in again: entrain connection authorize NAME.";
const AGAIN: Pick<Advice, "delegated"> = { delegated: { mend: SIGN_IN_AGAIN } };
const NEW_CODE = "Begin the sign-in again, and enter the new code before it ends.";
const WITH_FACTOR = "Have an administrator sign in again, with the second factor: entrain connection authorize NAME.";
const ENROL_FIRST =
  "Let the administrator enrol a second factor at https://aka.ms/mfasetup. Have an administrator sign in again then: entrain connection authorize NAME.";
const NO_MFA = "Exclude the account from the policy, or better: connect by a certificate or a client secret.";
/** Where a second factor is asked for: a password cannot show it, an administrator who comes back can. */
const FACTOR: Advice = {
  what: "the password is right, but a second factor is asked for, which this kind of sign-in cannot pass",
  mend: NO_MFA,
  delegated: {
    what: "a second factor is asked for, which the administrator's sign-in did not show",
    mend: WITH_FACTOR,
  },
};
const ENROLMENT: Advice = {
  what: "the account must enrol a second factor first, which this kind of sign-in cannot do",
  mend: NO_MFA,
  delegated: { what: "the administrator must enrol a second factor first", mend: ENROL_FIRST },
};
const UNLOCK = "Check the account in Entra, or better: connect by a certificate or a client secret.";
const ENABLE = "Enable the account in Entra, or better: connect by a certificate or a client secret.";
const NEW_PASSWORD = "Set the account's password anew in Entra, and give it here.";
const PUBLIC_CLIENT = "Turn on Allow public client flows on the application's Authentication page in Entra.";
const FEDERATION =
  "Compare issuer, subject and audience letter by letter; a new credential takes some minutes to work.";
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
  7000218: {
    what: "the application is not a public client, and no secret or certificate was sent",
    mend: PUBLIC_CLIENT,
  },
  700025: {
    what: "the application is a public client and must not send a secret",
    mend: "Turn off Allow public client flows for the application, or register a confidential one.",
  },
  700027: { what: "the certificate is not one of the application's, or has ended there", mend: CERTIFICATE },
  700030: { what: "the certificate's subject is not authorised for the application", mend: CERTIFICATE },
  50012: { what: "the client assertion or its certificate chain is not valid", mend: CERTIFICATE },
  50027: { what: "the client assertion is not a valid JWT", mend: CERTIFICATE },
  700021: { what: "the client assertion is not meant for this application", mend: CERTIFICATE },
  700023: { what: "the client assertion's audience is not this tenant's token endpoint", mend: CHECK_TENANT },
  700024: {
    what: "the client assertion is not valid at this time",
    mend: "Set this machine's clock right, or give a fresh assertion.",
  },
  50166: {
    what: "the other provider's keys could not be read",
    mend: "Check that the issuer's discovery document is public.",
  },
  70021: { what: "no federated identity credential matches", mend: FEDERATION },
  700211: { what: "no federated identity credential has the assertion's issuer", mend: FEDERATION },
  700212: { what: "no federated identity credential has the assertion's audience", mend: FEDERATION },
  700213: { what: "no federated identity credential has the assertion's subject", mend: FEDERATION },
  700222: {
    what: "the assertion is one of Entra's own tokens, which it does not accept as another provider's",
    mend: "Give an assertion of another provider; on Azure connect by the managed identity itself.",
  },
  700016: { what: "the application was not found in this tenant", mend: CHECK_CLIENT },
  700011: { what: "the application was not found in this tenant", mend: CHECK_CLIENT },
  7000112: { what: "the application is disabled", mend: "Enable it under Enterprise applications in Entra." },
  70001: { what: "the application is disabled or not found", mend: CHECK_CLIENT },
  90002: { what: "the tenant was not found", mend: CHECK_TENANT },
  900023: { what: "the tenant is neither a valid id nor a known domain", mend: CHECK_TENANT },
  90038: { what: "the tenant belongs to another cloud", mend: CHECK_TENANT },
  900432: { what: "the tenant belongs to another cloud", mend: CHECK_TENANT },
  7000229: {
    what: "the application has no service principal (Enterprise application) in this tenant",
    mend: "Have an administrator grant admin consent to the application in this very tenant, which makes it: entrain connection consent NAME.",
  },
  900382: {
    what: "the tenant belongs to another cloud, and applications with a secret or a certificate cannot cross clouds",
    mend: "Register the application in the tenant's own cloud, and set the connection's cloud to that.",
  },
  900439: {
    what: "the tenant belongs to US Government, which signs in at an address of its own",
    mend: "Set the connection's cloud to usgov or usgov-dod, with an application that is registered there.",
  },
  900440: {
    what: "the tenant belongs to the public cloud, and was asked for at US Government's address",
    mend: "Set the connection's cloud to global, with an application that is registered there.",
  },
  50194: { what: "the application serves one tenant only", mend: TENANT_ENDPOINT },
  9001023: { what: "this kind of sign-in needs the tenant's own address", mend: TENANT_ENDPOINT },
  65001: { what: "nobody has consented to the application", mend: ADMIN_CONSENT },
  90094: { what: "admin consent is required", mend: ADMIN_CONSENT },
  650056: {
    what: "the application's registration asks for no permissions",
    mend: toAdd("application"),
    account: { what: "the application's registration asks for no delegated permissions", mend: toAdd("delegated") },
  },
  650057: {
    what: "the application's registration does not ask for Microsoft Graph",
    mend: toAdd("application"),
    account: {
      what: "the application's registration does not ask for delegated permissions of Microsoft Graph",
      mend: toAdd("delegated"),
    },
  },
  500011: { what: "Microsoft Graph is not known to this tenant under this address", mend: CHECK_TENANT },
  70011: { what: "the scope is not valid in this cloud", mend: CHECK_TENANT },
  28002: { what: "the scope is not valid in this cloud", mend: CHECK_TENANT },
  65004: {
    what: "the administrator declined to consent",
    mend: "Begin the sign-in again, and accept what it asks for.",
  },
  50034: { what: "the account is not in this tenant", mend: "Check the user name and the tenant.", ...AGAIN },
  50126: { what: "the user name or the password is wrong", mend: NEW_PASSWORD, ...AGAIN },
  50055: {
    what: "the account's password has expired",
    mend: NEW_PASSWORD,
    delegated: {
      mend: "Let the administrator set a new password, then sign in again: entrain connection authorize NAME.",
    },
  },
  50056: { what: "the account has no password in this tenant", mend: UNLOCK },
  50057: { what: "the account is disabled", mend: ENABLE },
  500571: { what: "the guest's account is disabled", mend: ENABLE },
  50053: { what: "the account is locked, or the address is blocked, after too many wrong passwords", mend: UNLOCK },
  50020: { what: "the account belongs to another tenant", mend: "Use an account of the tenant itself." },
  50076: FACTOR,
  50074: FACTOR,
  50079: ENROLMENT,
  50072: ENROLMENT,
  50158: {
    what: "a conditional access policy asks for another provider's check, which this kind of sign-in cannot pass",
    mend: NO_MFA,
    delegated: { what: "a conditional access policy asks for another provider's check", mend: SIGN_IN_AGAIN },
  },
  50173: { what: "the administrator's sign-in was revoked", mend: SIGN_IN_AGAIN },
  50132: { what: "the administrator's password was changed, which ends the sign-in", mend: SIGN_IN_AGAIN },
  50133: { what: "the administrator's password was changed, which ends the sign-in", mend: SIGN_IN_AGAIN },
  70000: { what: "the administrator's sign-in is no longer valid", mend: SIGN_IN_AGAIN },
  70008: { what: "the administrator's sign-in has expired", mend: SIGN_IN_AGAIN },
  54005: { what: "the sign-in's code was used already", mend: SIGN_IN_AGAIN },
  50089: { what: "the administrator's sign-in has ended", mend: SIGN_IN_AGAIN },
  70043: {
    what: "the sign-in frequency of a conditional access policy ended the administrator's sign-in",
    mend: "Exclude this application from the policy, then have an administrator sign in again: entrain connection authorize NAME.",
  },
  700084: { what: "the administrator's sign-in was one of a web page's, which lasts a day", mend: SIGN_IN_AGAIN },
  50078: { what: "the administrator's second factor has to be shown again", mend: SIGN_IN_AGAIN },
  700082: { what: "the administrator's sign-in was not used for too long", mend: SIGN_IN_AGAIN },
  70018: { what: "the code is wrong", mend: NEW_CODE },
  70019: { what: "the code was not used in time", mend: NEW_CODE },
  70020: { what: "the code was not used in time", mend: NEW_CODE },
  50011: {
    what: "the redirect address is not registered",
    mend: "Add it under Authentication of the application in Entra, letter by letter.",
  },
  53003: { what: "a conditional access policy blocks the sign-in", mend: POLICY, ...FITTING },
  53000: { what: "a conditional access policy asks for a compliant device", mend: POLICY, ...FITTING },
  53001: { what: "a conditional access policy asks for a joined device", mend: POLICY, ...FITTING },
  530035: {
    what: "the tenant's security defaults block the sign-in",
    mend: "Connect by a certificate or a client secret: security defaults cannot leave an application out.",
    delegated: { mend: WITH_FACTOR },
  },
  50105: {
    what: "the application must be assigned first",
    mend: "Assign the application under Enterprise applications in Entra.",
    account: {
      what: "the account is not assigned to the application",
      mend: "Assign the account to the application under Enterprise applications in Entra (Users and groups).",
    },
  },
  90055: transient("the sign-in service is throttling"),
  90024: transient("the sign-in service is busy"),
  90033: transient("the sign-in service had a passing fault"),
  50196: transient("the sign-in service saw too many equal requests"),
};

/** Microsoft refused to give a token. `aadsts` is the number of the refusal, `fix` the mend for just that number and credential. */
export class SignInRefused extends ConnectorError {
  readonly aadsts: number | null;

  constructor(
    aadsts: number | null,
    otherwise: string,
    answer: {
      readonly requestId: string | null;
      readonly status: number;
      readonly kind: Kind | null;
      readonly named?: string | undefined;
    },
  ) {
    const { kind, ...facts } = answer;
    const advice = aadsts === null ? undefined : adviceFor(aadsts, kind);
    const number = aadsts === null ? "" : ` (AADSTS${aadsts})`;
    const trace = answer.requestId === null ? "" : ` (trace id ${answer.requestId})`;
    super("sign_in_refused", `Microsoft refused the sign-in: ${advice?.what ?? otherwise}${number}.${trace}`, {
      stops: "connection",
      retry: advice?.retry ?? (advice === undefined && isPassing(facts.status) ? "later" : "never"),
      ...(advice === undefined ? {} : { fix: advice.mend }),
      ...facts,
    });
    this.aadsts = aadsts;
  }
}

/** What every connection reads; what its other features need is told once it signs in. */
function toAdd(token: TokenKind): string {
  return `${howToGrant(token)}: User.Read.All and GroupMember.Read.All at least.`;
}

function adviceFor(aadsts: number, kind: Kind | null): Advice | undefined {
  const advice = ADVICE[aadsts];
  if (advice === undefined) return undefined;
  const account = kind === "password" || kind === "delegated" ? advice.account : undefined;
  return { ...advice, ...account, ...(kind === "delegated" ? advice.delegated : undefined) };
}

function isPassing(status: number): boolean {
  return status === 429 || status >= 500;
}

/**
 * Reads the token endpoint's error body: `error`, `error_codes`, `trace_id`. `null` when it is none. The `kind` of credential
 * that was refused decides how it is mended, where that is known; `named` is what the connection is called.
 */
export function signInRefusal(
  status: number,
  body: unknown,
  kind: Kind | null = null,
  named?: string,
): SignInRefused | null {
  if (typeof body !== "object" || body === null || !("error" in body) || typeof body.error !== "string") return null;
  const codes: readonly unknown[] = "error_codes" in body && Array.isArray(body.error_codes) ? body.error_codes : [];
  const number = codes.find((code) => typeof code === "number" && code in ADVICE) ?? codes[0];
  const requestId = "trace_id" in body && typeof body.trace_id === "string" ? body.trace_id : null;
  const told = /^[a-z_]{1,40}$/.test(body.error) ? body.error : "an unnamed error";
  return new SignInRefused(typeof number === "number" ? number : null, told, { requestId, status, kind, named });
}
