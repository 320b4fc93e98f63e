import { createHash, randomBytes } from "node:crypto";
import { SignInError } from "./errors.ts";
import type { DelegatedScopes } from "./scopes.ts";

/** A person who has signed in to an app in a tenant, and what the app asked for. */
export interface Delegation {
  /** Tenant whose resources are meant. */
  readonly tenant: string;
  /** Client id. */
  readonly client: string;
  /** Object id of the person. */
  readonly person: string;
  readonly scopes: DelegatedScopes;
  /** How the person signed in: `pwd`, and `mfa` after a second factor. */
  readonly methods: readonly string[];
  /** When the person signed in, milliseconds UTC. */
  readonly signedInAt: number;
  readonly nonce: string | null;
}

/** An authorization code with what its redemption must match. */
export interface CodeGrant extends Delegation {
  readonly redirectUri: string;
  readonly challenge: { readonly value: string; readonly method: "S256" | "plain" } | null;
  /** The redirect URI belongs to a public client, which must not send a credential. */
  readonly publicClient: boolean;
  readonly capable: boolean;
}

interface IssuedCode extends CodeGrant {
  readonly endsAt: number;
  redeemed: boolean;
  ended: boolean;
}

interface IssuedRefresh extends Delegation {
  readonly issuedAt: number;
  /** Why it is of no use any more. */
  ended: "revoked" | "password" | null;
}

/** A device that waits for somebody to sign in for it. */
export interface DeviceGrant {
  readonly userCode: string;
  readonly client: string;
  /** As the request named it: a tenant, `common` or `organizations`. */
  readonly tenantName: string;
  readonly scope: string;
  readonly endsAt: number;
  state: "pending" | "declined" | "redeemed" | Delegation;
}

/** One browser's sign-in. */
export interface BrowserSession {
  readonly tenant: string;
  readonly person: string;
  readonly methods: readonly string[];
  readonly signedInAt: number;
}

const CODE_LIFE_MS = 10 * 60_000;
const REFRESH_IDLE_MS = 90 * 24 * 3600_000; // "Refresh tokens": 90 days for everything but single-page apps.
const DEVICE_LIFE_MS = 15 * 60_000;
const USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXYZ23456789";
const LIMIT = 50_000;

/** Codes, refresh tokens, waiting devices and browsers' sessions of all tenants. */
export class Sessions {
  readonly #clock: () => number;
  readonly #codes = new Map<string, IssuedCode>();
  readonly #refresh = new Map<string, IssuedRefresh>();
  readonly #devices = new Map<string, DeviceGrant>();
  readonly #browsers = new Map<string, BrowserSession>();

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  issueCode(grant: CodeGrant): string {
    const code = `1.${secret(64)}`;
    keep(this.#codes, code, { ...grant, endsAt: this.#clock() + CODE_LIFE_MS, redeemed: false, ended: false });
    return code;
  }

  /** Redeems a code once. Throws when it is unknown, used, expired or revoked. */
  redeemCode(code: string, match: (grant: CodeGrant) => void): CodeGrant {
    const grant = this.#codes.get(code);
    if (grant === undefined) throw invalidGrant("The provided authorization code is not valid.");
    if (grant.redeemed) {
      throw new SignInError(
        54005,
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
      );
    }
    if (grant.ended) throw revoked();
    if (grant.endsAt <= this.#clock()) {
      throw new SignInError(
        70008,
        "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.",
      );
    }
    match(grant);
    grant.redeemed = true;
    return grant;
  }

  issueRefresh(delegation: Delegation): string {
    const token = `1.${secret(96)}`;
    keep(this.#refresh, token, { ...delegation, issuedAt: this.#clock(), ended: null });
    return token;
  }

  /** What a refresh token stands for. It stays good after use, as the documentation says; every use makes a new one. */
  refresh(token: string): Delegation {
    const known = this.#refresh.get(token);
    if (known === undefined) throw invalidGrant("The refresh token isn't valid.");
    if (known.ended === "revoked") throw revoked();
    if (known.ended === "password") {
      throw new SignInError(50133, "The session is not valid due to password expiration or recent password change.");
    }
    if (known.issuedAt + REFRESH_IDLE_MS <= this.#clock()) {
      throw new SignInError(
        700082,
        `The refresh token has expired due to inactivity. The token was issued on ${new Date(known.issuedAt).toISOString()} and was inactive for 90.00:00:00.`,
      );
    }
    return known;
  }

  startDevice(
    grant: Pick<DeviceGrant, "client" | "tenantName" | "scope">,
  ): DeviceGrant & { readonly deviceCode: string } {
    const deviceCode = secret(96);
    const userCode = [...randomBytes(9)].map((byte) => USER_CODE_LETTERS[byte % USER_CODE_LETTERS.length]).join("");
    const device: DeviceGrant = { ...grant, userCode, endsAt: this.#clock() + DEVICE_LIFE_MS, state: "pending" };
    keep(this.#devices, deviceCode, device);
    return { ...device, deviceCode };
  }

  device(deviceCode: string): DeviceGrant | undefined {
    return this.#devices.get(deviceCode);
  }

  deviceByUserCode(userCode: string): DeviceGrant | undefined {
    const wanted = userCode.replace(/[\s-]/g, "").toUpperCase();
    return [...this.#devices.values()].find((device) => device.userCode === wanted);
  }

  /** Remembers a browser; answers the value of its cookie. */
  openBrowser(session: BrowserSession): string {
    const cookie = secret(32);
    keep(this.#browsers, cookie, session);
    return cookie;
  }

  browser(cookie: string | null): BrowserSession | null {
    return cookie === null ? null : (this.#browsers.get(cookie) ?? null);
  }

  closeBrowser(cookie: string | null): void {
    if (cookie !== null) this.#browsers.delete(cookie);
  }

  /** Ends everything that a person has: refresh tokens, codes, browsers. */
  end(person: string, why: "revoked" | "password"): void {
    for (const token of this.#refresh.values()) if (token.person === person) token.ended ??= why;
    for (const code of this.#codes.values()) if (code.person === person) code.ended = true;
    for (const [cookie, browser] of this.#browsers) if (browser.person === person) this.#browsers.delete(cookie);
  }

  /** Ends the refresh tokens of one app, as when its consent is withdrawn for good. */
  endClient(client: string): void {
    for (const token of this.#refresh.values()) if (token.client === client) token.ended ??= "revoked";
  }
}

/** Whether a verifier belongs to a challenge (RFC 7636 section 4.6). */
export function verifies(verifier: string, challenge: { readonly value: string; readonly method: string }): boolean {
  if (challenge.method === "plain") return verifier === challenge.value;
  return createHash("sha256").update(verifier).digest("base64url") === challenge.value;
}

function invalidGrant(message: string): SignInError {
  return new SignInError(70000, message);
}

function revoked(): SignInError {
  return new SignInError(
    50173,
    "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.",
  );
}

function secret(bytes: number): string {
  return randomBytes(bytes).toString("base64url");
}

/** Keeps a demo that runs for weeks from growing: the oldest entry goes first. */
function keep<T>(map: Map<string, T>, key: string, value: T): void {
  if (map.size >= LIMIT)
    for (const [oldest] of map) {
      map.delete(oldest);
      break;
    }
  map.set(key, value);
}
