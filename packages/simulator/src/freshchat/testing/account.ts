import type { TestContext } from "node:test";
import { type Freshchat, type FreshchatOptions, startFreshchat } from "../freshchat.ts";

type Json = Readonly<Record<string, unknown>>;

/** An answer with its body read. */
interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body, when it is a JSON object; empty otherwise. */
  readonly body: Json;
  /** Rows of a list, with or without an envelope. */
  readonly rows: readonly Json[];
}

/** A running account and a client of it. */
export interface Opened {
  readonly freshchat: Freshchat;
  /** Sends JSON with the valid token; `headers` add to those or replace them. */
  call(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
}

/** Where the clock of accounts in tests stands. */
export const START: number = Date.UTC(2026, 0, 5, 9);

/** An account whose clock stands still until it is moved; closed at the end of the test. */
export async function openAccount(t: TestContext, options: FreshchatOptions = {}): Promise<Opened> {
  const freshchat = await startFreshchat({ clock: () => START, ...options });
  t.after(() => freshchat.close());
  return {
    freshchat,
    call: async (method, path, body, headers = {}) => {
      const response = await fetch(`${freshchat.base}${path}`, {
        method,
        headers: { authorization: `Bearer ${freshchat.token}`, "content-type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      return answerOf(response, await response.text());
    },
  };
}

function answerOf({ status, headers }: Response, text: string): Answer {
  const value = headers.get("content-type")?.startsWith("application/json") ? (JSON.parse(text) as unknown) : {};
  const body = isObject(value) ? value : {};
  const rows = [value, ...Object.values(body)].find((part): part is readonly Json[] => Array.isArray(part)) ?? [];
  return { status, headers, text, body, rows };
}

function isObject(value: unknown): value is Json {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
