import { ConnectorError } from "@entrain/core";
import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  initiateDeviceAuthorization,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  type TokenEndpointResponse,
} from "openid-client";
import { createTransport } from "../../shared/http.ts";
import { SignInRefused } from "../aadsts.ts";
import type { EntraOptions } from "../options.ts";
import { HASTY, Sender } from "../sender.ts";
import { clientAuth } from "./client-auth.ts";
import type { AppCredential } from "./credential.ts";
import { pollDevice } from "./device.ts";
import { type Exchange, SignInService } from "./sign-in.ts";

/** What an administrator agreed to. The refresh token is a secret; the rest may be shown. */
export interface AdministratorGrant {
  readonly refreshToken: string;
  readonly account: { readonly tenant: string; readonly objectId: string; readonly username: string };
  readonly scopes: readonly string[];
}

/** A sign-in on another device, waiting for its code to be typed there. */
export interface DeviceSignIn {
  readonly userCode: string;
  readonly verificationUri: string;
  /** Milliseconds since 1970, UTC. */
  readonly expiresAt: number;
  /** Resolves once the administrator has signed in. @throws ConnectorError `sign_in_refused` (declined, expired, refused) */
  finished(signal: AbortSignal): Promise<AdministratorGrant>;
}

/** A sign-in through the browser. All but the address stays with who began it, bound to that person's session. */
export interface BrowserSignIn {
  readonly url: string;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** Lets an administrator sign in, so that Entrain may read on their behalf. */
export interface AdministratorSignIn {
  /** "OAuth 2.0 device authorization grant": for a public client. */
  device(signal: AbortSignal): Promise<DeviceSignIn>;
  /** "OAuth 2.0 authorization code flow" with PKCE. `loginHint` fills the account in. */
  begin(redirectUri: string, signal: AbortSignal, loginHint?: string): Promise<BrowserSignIn>;
  /** Redeems what Microsoft sent to the redirect address. @throws ConnectorError `sign_in_refused` */
  redeem(answer: URL, begun: Omit<BrowserSignIn, "url">, signal: AbortSignal): Promise<AdministratorGrant>;
  close(): Promise<void>;
}

type SignInOptions = Pick<EntraOptions, "cloud" | "tenant" | "client" | "clock" | "random" | "sleep" | "ca"> & {
  /** The confidential client's credential; a public client has none. */
  readonly app?: AppCredential;
  /** Graph's delegated permissions beside `User.Read`. */
  readonly permissions: readonly string[];
};

/** Nothing is sent before the first call. Faults never hold a code, a token or a secret. */
export function createAdministratorSignIn(options: SignInOptions): AdministratorSignIn {
  const transport = createTransport(options.ca === undefined ? {} : { ca: options.ca });
  const full = { ...options, credentials: [] };
  const service = new SignInService(full, new Sender("Microsoft sign-in", transport, full));
  const graph = options.cloud.graph.replace(/\/+$/, "");
  const scope = [
    "openid",
    "profile",
    "email",
    "offline_access",
    ...options.permissions.map((name) => `${graph}/${name}`),
  ];
  /** Makes an exchange whenever it is asked to: an assertion of the application's own ends sooner than a device's code. */
  const exchanges = async (signal: AbortSignal): Promise<() => Promise<Exchange>> => {
    const attempt = { patience: HASTY, signal };
    const server = await service.discover(attempt);
    return async () => {
      const auth = await clientAuth(options.app, server.token_endpoint ?? "", options.clock.now());
      return service.configure(server, auth, { ...attempt, kind: "delegated" });
    };
  };
  const exchange = async (signal: AbortSignal): Promise<Exchange> => (await exchanges(signal))();
  return {
    device: async (signal) => {
      const ready = await exchange(signal);
      const begun = await ours(
        signal,
        () => initiateDeviceAuthorization(ready.config, { scope: scope.join(" ") }),
        ready,
      );
      const expiresAt = options.clock.now() + begun.expires_in * 1000;
      return {
        userCode: begun.user_code,
        verificationUri: begun.verification_uri,
        expiresAt,
        finished: async (until) => {
          const polling = await exchanges(until);
          const code = { deviceCode: begun.device_code, intervalS: begun.interval, expiresAt };
          return grantOf(await ours(until, () => pollDevice(polling, code, options, until)), until);
        },
      };
    },
    begin: async (redirectUri, signal, loginHint) => {
      const { config } = await exchange(signal);
      const secrets = { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier() };
      const url = buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: scope.join(" "),
        state: secrets.state,
        nonce: secrets.nonce,
        code_challenge: await calculatePKCECodeChallenge(secrets.verifier),
        code_challenge_method: "S256",
        prompt: "select_account",
        ...(loginHint === undefined ? {} : { login_hint: loginHint }),
      });
      return { url: url.href, ...secrets };
    },
    redeem: async (answer, begun, signal) => {
      refuseErrorAnswer(answer);
      const ready = await exchange(signal);
      const checks = { expectedState: begun.state, expectedNonce: begun.nonce, pkceCodeVerifier: begun.verifier };
      const redeemed = (): Promise<TokenEndpointResponse> => authorizationCodeGrant(ready.config, answer, checks);
      return grantOf(await ours(signal, redeemed, ready), signal);
    },
    close: () => transport.close(),
  };
}

/** The library's errors carry the request's answer, and so perhaps the token: only our own fault goes on. */
async function ours<T>(signal: AbortSignal, ask: () => Promise<T>, exchange?: Exchange): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ConnectorError) throw error;
    throw exchange?.fault() ?? refused("The sign-in service's answer does not belong to this sign-in.");
  }
}

/** "Error response" of the authorization endpoint: only the number is taken over, the text may hold anything. */
function refuseErrorAnswer(answer: URL): void {
  const error = answer.searchParams.get("error");
  if (error === null) return;
  if (error === "access_denied") throw refused("The administrator declined the sign-in.");
  const number = /AADSTS(\d{4,9})/.exec(answer.searchParams.get("error_description") ?? "")?.[1];
  throw new SignInRefused(number === undefined ? null : Number(number), "the sign-in did not succeed", {
    requestId: null,
    status: 400,
    kind: "delegated",
  });
}

interface Claims {
  readonly tid?: unknown;
  readonly oid?: unknown;
  readonly preferred_username?: unknown;
}

function grantOf(
  given: TokenEndpointResponse & { claims?: () => object | undefined },
  signal: AbortSignal,
): AdministratorGrant {
  signal.throwIfAborted();
  const { tid, oid, preferred_username }: Claims = given.claims?.() ?? {};
  if (given.refresh_token === undefined)
    throw refused("Microsoft gave no refresh token; the permission offline_access is missing.");
  if (typeof tid !== "string" || typeof oid !== "string") throw refused("Microsoft did not say who signed in.");
  return {
    refreshToken: given.refresh_token,
    account: {
      tenant: tid.toLowerCase(),
      objectId: oid.toLowerCase(),
      username: typeof preferred_username === "string" ? preferred_username : "",
    },
    scopes: (given.scope ?? "").split(" ").filter((name) => name !== ""),
  };
}

function refused(message: string): ConnectorError {
  return new ConnectorError("sign_in_refused", message, { stops: "connection", retry: "never" });
}
