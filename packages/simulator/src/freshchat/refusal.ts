import type { WireResponse } from "../server/exchange.ts";

/**
 * An answer other than the wanted one. The body is `{code, status, message}` (Freshchat API v2, "Status codes"); of the
 * constants in `status`, only AGENT_NOT_FOUND is documented.
 */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: number;
  readonly status: string;

  constructor(code: number, message: string, status: string = CONSTANTS[code] ?? "ERROR") {
    super(message);
    this.code = code;
    this.status = status;
  }
}

const CONSTANTS: Readonly<Record<number, string>> = {
  202: "ACCEPTED",
  400: "BAD_REQUEST",
  401: "UNAUTHORIZED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  405: "METHOD_NOT_ALLOWED",
  413: "REQUEST_TOO_LARGE",
  429: "TOO_MANY_REQUESTS",
  500: "INTERNAL_SERVER_ERROR",
  503: "SERVICE_UNAVAILABLE",
};

/** What a proxy in front of the API, or a Freshworks portal, shows instead of JSON. */
const PAGE = "<!DOCTYPE html><html><head><title>Freshworks</title></head><body><h1>Freshworks</h1></body></html>";

/** An answer in JSON. */
export function json(status: number, value: unknown): WireResponse {
  return { status, headers: { "content-type": "application/json;charset=UTF-8" }, body: JSON.stringify(value) };
}

/** The documented body around a status, `{code, status, message}`. */
export function message(code: number, text: string, status: string = CONSTANTS[code] ?? "ERROR"): WireResponse {
  return json(code, { code, status, message: text });
}

/** A page of HTML where JSON belongs. */
export function html(status: number): WireResponse {
  return { status, headers: { "content-type": "text/html;charset=UTF-8" }, body: PAGE };
}

/** No body at all. */
export function empty(status: number): WireResponse {
  return { status, headers: {}, body: "" };
}
