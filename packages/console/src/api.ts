const BASE = "/api/v1";
const PATIENCE_MS = 75_000;

/** A request that the API refused, or that never reached it: what happened, and what to do. */
export class ApiFault extends Error {
  readonly status: number;
  readonly code: string;
  readonly fix: string;

  constructor(problem: {
    readonly status: number;
    readonly code: string;
    readonly detail: string;
    readonly fix: string;
  }) {
    super(problem.detail);
    this.name = "ApiFault";
    this.status = problem.status;
    this.code = problem.code;
    this.fix = problem.fix;
  }
}

/** Reads from the API. @throws ApiFault */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await send(path, { method: "GET" }, signal)) as T;
}

/** What changes something. */
export interface Command {
  readonly method: "POST" | "PUT" | "DELETE";
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: object;
}

/** Gives a command, with the session's token against forged requests. @throws ApiFault */
export async function command<T>({ method, path, body }: Command, csrf: string): Promise<T> {
  const headers = { "x-csrf-token": csrf };
  if (body === undefined) return (await send(path, { method, headers })) as T;
  const json = { ...headers, "content-type": "application/json" };
  return (await send(path, { method, headers: json, body: JSON.stringify(body) })) as T;
}

/** A path with its parts escaped and the query's values that are not undefined. */
export function pathOf(
  parts: readonly string[],
  query: { readonly [name: string]: string | number | boolean | null | undefined } = {},
): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) search.set(name, String(value));
  }
  const path = parts.map((part) => `/${encodeURIComponent(part)}`).join("");
  return search.size === 0 ? path : `${path}?${search}`;
}

/** Where the browser itself finds what stands under a path: a stream of events, a file to save. */
export function addressOf(path: string): string {
  return `${BASE}${path}`;
}

async function send(path: string, init: RequestInit, signal?: AbortSignal): Promise<unknown> {
  const signals = [AbortSignal.timeout(PATIENCE_MS), ...(signal === undefined ? [] : [signal])];
  let response: Response;
  try {
    response = await fetch(`${BASE}${path}`, { ...init, credentials: "same-origin", signal: AbortSignal.any(signals) });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiFault({
      status: 0,
      code: "unreachable",
      detail: "Entrain does not answer.",
      fix: "Check that it still runs (`npx entrain serve`), and the network between.",
    });
  }
  if (response.status === 204) return null;
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw faultOf(response.status, body);
  return body;
}

function faultOf(status: number, body: unknown): ApiFault {
  const { code, detail, fix } = (body ?? {}) as { readonly [name: string]: unknown };
  const text = (value: unknown, otherwise: string): string => (typeof value === "string" ? value : otherwise);
  return new ApiFault({
    status,
    code: text(code, "internal"),
    detail: text(detail, `Entrain answered ${status}.`),
    fix: text(fix, "Try again; the server's log may say more."),
  });
}
