import { type Code, ConnectorError } from "@entrain/core";
import { AddressRefused } from "../shared/addresses.ts";
import { isJson, type Json, property } from "./resource.ts";

/**
 * What became of a request. `answer`: done. `error`: the server said no, and did nothing. `unheard`: it was sent, and
 * what came back does not say whether it took effect. `unsent`: it never left.
 */
export type Reply =
  | { readonly kind: "answer"; readonly status: number; readonly body: Json | null }
  | {
      readonly kind: "error";
      readonly code: Code;
      readonly status: number;
      readonly scimType: string | null;
      readonly detail: string;
      readonly retryAfterMs: number | null;
    }
  | { readonly kind: "unheard"; readonly code: Code; readonly detail: string; readonly status?: number }
  /** `guarded`: the server's name leads where it must not, unless that is allowed. */
  | { readonly kind: "unsent"; readonly code: Code; readonly detail: string; readonly guarded?: true };

/** Classifies an HTTP answer. `token` is taken out of whatever the server says. */
export function replyOf(status: number, text: string, retryAfterMs: number | null, token: string): Reply {
  const body = parse(text);
  if (status >= 200 && status < 300) {
    if (body === undefined) {
      const what = text.trimStart().startsWith("<") ? "HTML" : "something other than JSON";
      return { kind: "unheard", code: "answer_invalid", detail: `The server answered ${status} with ${what}.` };
    }
    return { kind: "answer", status, body };
  }
  const said = body && typeof property(body, "detail") === "string" ? `: ${property(body, "detail")}` : "";
  const detail = clean(`The server answered ${status}${said}`, token);
  const scimType = body ? property(body, "scimType") : null;
  const error = {
    kind: "error" as const,
    status,
    scimType: typeof scimType === "string" ? scimType : null,
    detail,
    retryAfterMs,
  };
  if (status === 429 || (status === 503 && retryAfterMs !== null)) return { ...error, code: "throttled" };
  if (status === 401) return { ...error, code: "credential_refused" };
  if (status >= 500 && status !== 501) return { kind: "unheard", code: "server_failed", detail, status };
  if (status >= 300 && status < 400) {
    return { ...error, code: "request_refused", detail: `${detail}. Redirects are not followed: correct the address.` };
  }
  return { ...error, code: "request_refused" };
}

/** `null` for no body, `undefined` for one that is not a JSON object. */
function parse(text: string): Json | null | undefined {
  if (text.trim() === "") return null;
  try {
    const value: unknown = JSON.parse(text);
    return isJson(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function clean(text: string, token: string): string {
  const printable = text.replaceAll(token, "[secret]").replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ");
  return printable.length > 300 ? `${printable.slice(0, 300)}…` : printable;
}

/** Faults in which no byte of the request can have left: the connection was never made. */
const NEVER_CONNECTED =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_.*|ERR_SSL_.*|.*CERT.*|UNABLE_TO_.*)$/;

/** Classifies a request that ended without an answer. */
export function replyOfError(error: unknown, signal: AbortSignal, answerMs: number): Reply {
  if (signal.aborted)
    return { kind: "unheard", code: "cancelled", detail: "The work was stopped before the answer came." };
  if (error instanceof AddressRefused) {
    const detail = `The server was not connected to: ${error.message}.`;
    return { kind: "unsent", code: "config_invalid", detail, guarded: true };
  }
  const code = codeOf(error);
  if (NEVER_CONNECTED.test(code)) {
    const kind =
      code.includes("CERT") || code.startsWith("UNABLE_TO") ? "Its certificate is not trusted" : "No connection";
    return { kind: "unsent", code: "unreachable", detail: `The server could not be reached: ${kind} (${code}).` };
  }
  if (/TIMEOUT/i.test(code)) {
    return { kind: "unheard", code: "timeout", detail: `The server did not answer within ${answerMs / 1000} s.` };
  }
  if (code === "UND_ERR_RES_EXCEEDED_MAX_SIZE") {
    return { kind: "unheard", code: "answer_invalid", detail: "The server's answer was too large." };
  }
  return { kind: "unheard", code: "server_failed", detail: `The connection was cut before the answer came (${code}).` };
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === "string" ? code : error.name;
}

/** A reply that is no answer, as a fault of a read. */
export function faultOf(reply: Exclude<Reply, { kind: "answer" }>, what: string): ConnectorError {
  const throttled = reply.code === "throttled";
  return new ConnectorError(reply.code, `${what}: ${reply.detail}`, {
    stops: "sync",
    retry: reply.code === "credential_refused" ? "never" : "later",
    status: reply.kind === "error" ? reply.status : null,
    retryAfterMs: throttled && reply.kind === "error" ? reply.retryAfterMs : null,
  });
}
