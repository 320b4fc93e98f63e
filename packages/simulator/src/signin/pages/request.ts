import { type Application, redirectUris } from "../../applications/model.ts";
import type { WireResponse } from "../../server/exchange.ts";
import { descriptionOf, SignInError } from "../errors.ts";
import { parseClaims } from "../revocations.ts";
import type { CodeGrant } from "../sessions.ts";
import { postPage, redirect } from "./html.ts";

/** Where an answer to an app goes, and how. */
export interface ReturnAddress {
  readonly uri: string;
  readonly mode: "query" | "fragment" | "form_post";
  readonly state: string | null;
  /** Whether the address was registered for a public client. */
  readonly publicClient: boolean;
}

/** An authorization request beyond its return address and scope. */
export interface AuthorizeRequest {
  readonly prompt: string;
  readonly hint: string;
  readonly nonce: string | null;
  readonly challenge: CodeGrant["challenge"];
  readonly capable: boolean;
}

/** Finds the return address. Throws what must be shown on a page, because no app may be told. */
export function returnAddress(application: Application, query: URLSearchParams): ReturnAddress {
  const asked = query.get("redirect_uri");
  const web = redirectUris(application, "web");
  const open = [...redirectUris(application, "publicClient"), ...redirectUris(application, "spa")];
  const [only, ...more] = [...web, ...open];
  const uri = asked === null || asked === "" ? (more.length === 0 ? only : undefined) : asked;
  if (uri === undefined) throw new SignInError(900971, "No reply address provided.");
  const matches = (registered: string): boolean => registered === uri || sameLoopback(registered, uri);
  const isOpen = open.some(matches);
  if (!isOpen && !web.some(matches)) {
    throw new SignInError(
      50011,
      `The redirect URI '${uri}' specified in the request does not match the redirect URIs configured for the application '${application.appId}'. Make sure the redirect URI sent in the request matches one added to your application in the Azure portal. Navigate to https://aka.ms/redirectUriMismatchError to learn more about how to troubleshoot this error.`,
    );
  }
  const mode = query.get("response_mode") ?? "query";
  if (mode !== "query" && mode !== "fragment" && mode !== "form_post") {
    throw new SignInError(70007, `'${mode}' is not a supported value for the response_mode.`);
  }
  return { uri, mode, state: query.get("state"), publicClient: isOpen };
}

/** Reads the rest of an authorization request. Throws what the app is told. */
export function authorizeRequest(application: Application, query: URLSearchParams): AuthorizeRequest {
  const type = query.get("response_type");
  if (type === null || type === "") throw lacking("response_type");
  if (type.includes("id_token")) {
    throw new SignInError(
      700054,
      `response_type 'id_token' is not enabled for the application '${application.appId}'.`,
    );
  }
  if (type !== "code") throw new SignInError(70005, `The app returned an unsupported response type: '${type}'.`);
  const prompt = query.get("prompt") ?? "";
  if (!["", "none", "login", "consent", "select_account", "create"].includes(prompt)) {
    throw new SignInError(90023, `'${prompt}' is not a supported value for the prompt parameter.`);
  }
  const claims = parseClaims(query.get("claims"));
  if (claims === null) throw new SignInError(9002313, "Invalid request. Request is malformed or invalid: claims.");
  return {
    prompt,
    hint: query.get("login_hint") ?? "",
    nonce: query.get("nonce"),
    challenge: challengeOf(query),
    capable: claims.capable,
  };
}

/** A parameter that an authorization request lacks. */
export function lacking(name: string): SignInError {
  return new SignInError(900144, `The request body must contain the following parameter: '${name}'.`);
}

/** Answers an app at its return address. */
export function answerApp(to: ReturnAddress, values: Readonly<Record<string, string>>): WireResponse {
  const fields = { ...values, ...(to.state === null ? {} : { state: to.state }) };
  if (to.mode === "form_post") return postPage(to.uri, fields);
  const url = new URL(to.uri);
  if (to.mode === "fragment") {
    url.hash = new URLSearchParams(fields).toString();
    return redirect(url.href);
  }
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
  return redirect(url.href);
}

/** What an app is told of a refusal. */
export function refusalFields(error: SignInError, base: string, now: number): Readonly<Record<string, string>> {
  return {
    error: error.error,
    error_description: descriptionOf(error, now),
    error_uri: `${base}/error?code=${error.number}`,
    ...(error.suberror === null ? {} : { suberror: error.suberror }),
  };
}

function challengeOf(query: URLSearchParams): CodeGrant["challenge"] {
  const value = query.get("code_challenge");
  if (value === null) return null;
  const method = query.get("code_challenge_method") ?? "plain";
  if (method !== "S256" && method !== "plain") {
    throw new SignInError(9002313, `Invalid request. The code_challenge_method '${method}' is not supported.`);
  }
  if (value.length < 43 || value.length > 128) {
    throw new SignInError(501491, "InvalidCodeChallengeMethodInvalidSize - Invalid size of Code_Challenge parameter.");
  }
  return { value, method };
}

/** "Redirect URI restrictions": the port of a loopback address is ignored. */
function sameLoopback(registered: string, asked: string): boolean {
  if (!URL.canParse(registered) || !URL.canParse(asked)) return false;
  const [first, second] = [new URL(registered), new URL(asked)];
  if (first.protocol !== "http:" || !["localhost", "127.0.0.1"].includes(first.hostname)) return false;
  first.port = "";
  second.port = "";
  return first.href === second.href;
}
