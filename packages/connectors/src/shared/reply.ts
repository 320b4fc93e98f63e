import { type Code, ConnectorError } from "@entrain/core";
import { AddressRefused } from "./addresses.ts";

/**
 * What became of a request to a target's API. `answer`: done. `error`: the service said no, and did nothing. `unheard`: it was
 * sent, and what came back does not say whether it took effect. `unsent`: it never left.
 */
export type Reply<Body> =
  | { readonly kind: "answer"; readonly status: number; readonly body: Body | null }
  | {
      readonly kind: "error";
      readonly code: Code;
      readonly status: number;
      /** The service's own word for its refusal, where it has one. */
      readonly word: string | null;
      readonly detail: string;
      readonly retryAfterMs: number | null;
      /** The same request was sent before, and may have taken effect: nobody heard what became of it. */
      readonly repeated?: true;
    }
  | { readonly kind: "unheard"; readonly code: Code; readonly detail: string; readonly status?: number }
  /** `guarded`: the server's name leads where it must not, unless that is allowed. */
  | { readonly kind: "unsent"; readonly code: Code; readonly detail: string; readonly guarded?: true };

/** How the answers of one kind of service are read. */
export interface Manner<Body> {
  /** The service, as a sentence begins with it. */
  readonly who: string;
  /** `null` for no body, `undefined` for one that is none of the service's. */
  readonly parse: (text: string) => Body | null | undefined;
  /** What it says of a refusal: its own word and its sentence. */
  readonly refusal: (body: Body) => { readonly word: unknown; readonly sentence: unknown };
  /** What a success with a page of HTML in place of an answer means, in one sentence. */
  readonly page: (status: number) => string;
}

/** Classifies an HTTP answer. `token` is taken out of whatever the service says. */
export function replyOf<Body>(
  {
    status,
    text,
    retryAfterMs,
  }: { readonly status: number; readonly text: string; readonly retryAfterMs: number | null },
  token: string,
  manner: Manner<Body>,
): Reply<Body> {
  const { who } = manner;
  const body = manner.parse(text);
  if (status >= 200 && status < 300) {
    if (body !== undefined) return { kind: "answer", status, body };
    const detail = text.trimStart().startsWith("<")
      ? manner.page(status)
      : `${who} answered ${status} with something other than JSON.`;
    return { kind: "unheard", code: "answer_invalid", detail, status };
  }
  const plain = { word: null, sentence: body === undefined ? plainText(text) : null };
  const refusal = body === undefined || body === null ? plain : manner.refusal(body);
  const said = typeof refusal.sentence === "string" ? `: ${refusal.sentence}` : "";
  const detail = clean(`${who} answered ${status}${said}`, token);
  const word = typeof refusal.word === "string" ? refusal.word : null;
  const error = { kind: "error" as const, status, word, detail, retryAfterMs };
  if (status === 429 || (status === 503 && retryAfterMs !== null)) return { ...error, code: "throttled" };
  if (status === 401) return { ...error, code: "credential_refused" };
  if (status >= 500 && status !== 501) return { kind: "unheard", code: "server_failed", detail, status };
  if (status >= 300 && status < 400) {
    return { ...error, code: "request_refused", detail: `${detail}. Redirects are not followed: correct the address.` };
  }
  return { ...error, code: "request_refused" };
}

/** What somebody in between says, or a service that forgot its own form; a page says nothing in a sentence. */
function plainText(text: string): string | null {
  const said = text.trim();
  return said === "" || /^[<{[]/.test(said) ? null : said;
}

function clean(text: string, token: string): string {
  const printable = text.replaceAll(token, "[secret]").replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ");
  return printable.length > 300 ? `${printable.slice(0, 300)}…` : printable;
}

/** Faults in which no byte of the request can have left: the connection was never made. */
const NEVER_CONNECTED =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_.*|ERR_SSL_.*|.*CERT.*|UNABLE_TO_.*)$/;

/** Classifies a request that ended without an answer. `who` is the service, as a sentence begins with it. */
export function replyOfError(
  error: unknown,
  { signal, answerMs, who }: { readonly signal: AbortSignal; readonly answerMs: number; readonly who: string },
): Reply<never> {
  if (signal.aborted)
    return { kind: "unheard", code: "cancelled", detail: "The work was stopped before the answer came." };
  if (error instanceof AddressRefused) {
    const detail = `${who} was not connected to: ${error.message}.`;
    return { kind: "unsent", code: "config_invalid", detail, guarded: true };
  }
  const code = codeOf(error);
  if (NEVER_CONNECTED.test(code)) {
    const kind =
      code.includes("CERT") || code.startsWith("UNABLE_TO") ? "Its certificate is not trusted" : "No connection";
    return { kind: "unsent", code: "unreachable", detail: `${who} could not be reached: ${kind} (${code}).` };
  }
  if (/TIMEOUT/i.test(code)) {
    return { kind: "unheard", code: "timeout", detail: `${who} did not answer within ${answerMs / 1000} s.` };
  }
  if (code === "UND_ERR_RES_EXCEEDED_MAX_SIZE") {
    return { kind: "unheard", code: "answer_invalid", detail: `The answer of ${lowerFirst(who)} was too large.` };
  }
  return { kind: "unheard", code: "server_failed", detail: `The connection was cut before the answer came (${code}).` };
}

function lowerFirst(who: string): string {
  return who.replace(/^The /, "the ");
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === "string" ? code : error.name;
}

/** A reply that is no answer, as a fault of a read. */
export function faultOf(reply: Exclude<Reply<unknown>, { kind: "answer" }>, what: string): ConnectorError {
  const throttled = reply.code === "throttled";
  return new ConnectorError(reply.code, `${what}: ${reply.detail}`, {
    stops: "sync",
    retry: reply.code === "credential_refused" ? "never" : "later",
    status: reply.kind === "error" ? reply.status : null,
    retryAfterMs: throttled && reply.kind === "error" ? reply.retryAfterMs : null,
  });
}
