import { ConnectorError } from "@entrain/core";
import { decodeJwt } from "jose";
import { type Credential, credentialName } from "./credentials/credential.ts";
import { credentialProblems } from "./credentials/problems.ts";
import { isPerson, reachOf } from "./credentials/reach.ts";
import { SignInService } from "./credentials/sign-in.ts";
import type { EntraOptions } from "./options.ts";
import { PATIENT, type Patience, type Sender } from "./sender.ts";

/** An access token. `roles` are its permissions, of the application or delegated; `null` when the token does not show them. */
export interface Token {
  readonly value: string;
  readonly roles: readonly string[] | null;
  /** Template ids of the directory roles that the person holds who signed in; null for the application's own token. */
  readonly directoryRoles: readonly string[] | null;
  readonly expiresAt: number;
}

/** A credential that Microsoft, or its own place, refused while another one worked. */
export interface FailedCredential {
  /** Position among the connection's credentials, from 0. */
  readonly at: number;
  readonly kind: Credential["kind"];
  readonly fault: ConnectorError;
}

/** A token is replaced this long before it ends, or after half its life when that is shorter. */
const AHEAD_MS = 5 * 60_000;

/**
 * Keeps the access token until shortly before it ends. Callers at the same time share one sign-in. Credentials are tried
 * in order, beginning with the one that worked last, so that they can be rotated while both are there.
 */
export class TokenProvider {
  readonly #options: EntraOptions;
  readonly #service: SignInService;
  readonly #lifetime = new AbortController();
  #token: Token | null = null;
  #pending: Promise<Token> | null = null;
  #working = 0;
  #failed: readonly FailedCredential[] = [];

  constructor(options: EntraOptions, sender: Sender) {
    this.#options = options;
    this.#service = new SignInService(options, sender);
  }

  /**
   * The present token. `refused` is one that the service no longer accepts: another is fetched in its place, with the
   * `claims` that the service asked for when it refused.
   */
  async get(
    signal: AbortSignal,
    patience: Patience = PATIENT,
    refused: Token | null = null,
    claims: string | null = null,
  ): Promise<Token> {
    signal.throwIfAborted();
    const token = this.#token;
    if (token !== null && token !== refused && this.#options.clock.now() < token.expiresAt) return token;
    this.#pending ??= this.#fetch(patience, claims).finally(() => {
      this.#pending = null;
    });
    return untilAborted(this.#pending, signal);
  }

  /** Credentials that the last sign-in had to pass over. */
  get failed(): readonly FailedCredential[] {
    return this.#failed;
  }

  /** Hides the secrets and tokens in a text that came from outside, should it repeat them. */
  redact(text: string): string {
    let clean = text.replaceAll(/eyJ[\w-]+\.[\w-]+\.[\w-]*/g, "[secret]");
    for (const hidden of [...this.#options.credentials.flatMap(spoken), this.#token?.value ?? ""]) {
      if (hidden !== "")
        clean = clean.replaceAll(hidden, "[secret]").replaceAll(encodeURIComponent(hidden), "[secret]");
    }
    return clean;
  }

  close(): void {
    this.#lifetime.abort();
  }

  async #fetch(patience: Patience, claims: string | null): Promise<Token> {
    const { credentials, clock } = this.#options;
    const failed: FailedCredential[] = [];
    let ofApplication: ConnectorError | null = null;
    for (let tried = 0; tried < credentials.length; tried++) {
      const at = (this.#working + tried) % credentials.length;
      const credential = credentials[at];
      if (credential === undefined) break;
      if (ofApplication !== null && !isPerson(credential.kind)) {
        failed.push({ at, kind: credential.kind, fault: ofApplication });
        continue;
      }
      try {
        refuseMalformed(credential, clock.now());
        const asked = clock.now();
        const granted = await this.#service.grant(credential, { claims, patience, signal: this.#lifetime.signal });
        const life = granted.expiresAt - asked;
        const expiresAt = granted.expiresAt - Math.min(AHEAD_MS, life / 2);
        this.#token = { value: granted.accessToken, ...shownIn(granted.accessToken), expiresAt };
        this.#working = at;
        this.#failed = failed;
        return this.#token;
      } catch (error) {
        const reach = error instanceof ConnectorError ? reachOf(credential, error) : "all";
        if (!(error instanceof ConnectorError) || reach === "all") throw error;
        if (reach === "application") ofApplication = error;
        failed.push({ at, kind: credential.kind, fault: error });
      }
    }
    this.#failed = failed;
    throw refusalOf(failed);
  }
}

function refuseMalformed(credential: Credential, now: number): void {
  const [problem] = credentialProblems(credential, now);
  if (problem === undefined) return;
  const message = `${problem.detail} ${problem.fix}`.trim();
  throw new ConnectorError("config_invalid", message, { stops: "connection", retry: "never" });
}

function refusalOf(failed: readonly FailedCredential[]): ConnectorError {
  const [first, ...more] = failed;
  if (first === undefined) {
    const message = "The connection has no credential.";
    return new ConnectorError("config_invalid", message, { stops: "connection", retry: "never" });
  }
  if (more.every(({ fault }) => fault === first.fault)) return first.fault;
  const told = failed
    .map(({ kind, fault }) => `the ${credentialName(kind)}: ${fault.message} ${fault.fix}`)
    .join(" — ");
  const message = `None of the ${failed.length} credentials works. ${told}`;
  const retry = failed.some(({ fault }) => fault.retry === "later") ? "later" : "never";
  return new ConnectorError("sign_in_refused", message, { stops: "connection", retry, cause: first.fault });
}

/** Secrets in their own words. One that cannot be read now was not sent either. */
function spoken(credential: Credential): readonly string[] {
  const app = "app" in credential && credential.app !== undefined ? spoken(credential.app) : [];
  try {
    if (credential.kind === "secret") return [credential.secret()];
    if (credential.kind === "password") return [credential.password(), ...app];
    if (credential.kind === "federated" && typeof credential.assertion === "object") {
      return [URL.parse(credential.assertion.url)?.search.slice(1) ?? ""];
    }
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
  }
  return app;
}

/** Decoded for comparison and diagnostics only: an access token for Graph is Graph's to validate. */
function shownIn(token: string): Pick<Token, "roles" | "directoryRoles"> {
  try {
    const { roles, scp, wids } = decodeJwt<{ roles?: unknown; scp?: unknown; wids?: unknown }>(token);
    const delegated = typeof scp === "string";
    const scopes = delegated ? scp.split(" ").filter((name) => name !== "") : [];
    return { roles: [...texts(roles), ...scopes], directoryRoles: delegated ? texts(wids) : null };
  } catch {
    return { roles: null, directoryRoles: null };
  }
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

/** One caller that gives up must not end the sign-in that others wait for. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: () => void = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
