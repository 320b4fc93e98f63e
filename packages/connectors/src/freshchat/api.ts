import { ConnectorError, type WaitListener } from "@entrain/core";
import type { Resolve } from "../shared/addresses.ts";
import { type BaseAddress, baseAddress, isLoopback } from "../shared/base-address.ts";
import type { PaceClock } from "../shared/pace.ts";
import type { Manner, Reply } from "../shared/reply.ts";
import { createServiceClient, type ServiceClient } from "../shared/service-client.ts";
import { isJson } from "./json.ts";

/** What Freshchat answered: a JSON object, or for some lists a bare array. */
export type FreshchatReply = Reply<unknown>;
export type FreshchatClient = ServiceClient<unknown>;

export interface ApiOptions {
  readonly baseUrl: string;
  readonly token: () => string;
  readonly clock: PaceClock;
  readonly userAgent: string;
  readonly connections: number;
  readonly timeouts: { readonly connectMs: number; readonly answerMs: number };
  readonly resolve?: Resolve;
  readonly onWait: WaitListener;
}

/** The domains of Freshworks that the API is served under; a token is sent nowhere else. */
const DOMAINS: readonly string[] = [".freshchat.com", ".myfreshworks.com"];
const VERSION = "/v2";
const EXAMPLE = "https://ACCOUNT.freshchat.com/v2";

/** What a page in place of an answer means: a portal answers the API's paths with its own pages. */
export const PAGE_FIX: string = `Use the API's own host (${EXAMPLE}), not the address of a portal.`;

/** Errors are `{code, status, message}` (Freshchat API v2, "Status codes"); everything else is survived. */
const MANNER: Manner<unknown> = {
  who: "Freshchat",
  parse: (text) => {
    if (text.trim() === "") return null;
    try {
      const value: unknown = JSON.parse(text);
      return typeof value === "object" && value !== null ? value : undefined;
    } catch {
      return undefined;
    }
  },
  refusal: (body) => (isJson(body) ? { word: body.status, sentence: body.message } : { word: null, sentence: null }),
  page: (status) => `The address answers (${status}) with a page, not with the API: use the API host.`,
};

/** Speaks to one Freshchat account. @throws ConnectorError `config_invalid` for an address that must not be used */
export function createApi({ baseUrl, ...options }: ApiOptions): FreshchatClient {
  const base = addressOf(baseUrl);
  return createServiceClient({
    ...options,
    name: "Freshchat",
    base,
    reach: isLoopback(base.hostname) ? "private" : "public",
    accept: "application/json",
    contentType: "application/json",
    manner: MANNER,
  });
}

/**
 * Standalone accounts are at freshchat.com, those of the Freshsales Suite at myfreshworks.com; names of accounts can be long. This
 * machine is for a simulated account.
 */
function addressOf(baseUrl: string): BaseAddress {
  const base = baseAddress(baseUrl, { name: "Freshchat", allowHttp: false });
  const { hostname, path } = base;
  if (!isLoopback(hostname) && !DOMAINS.some((domain) => hostname.endsWith(domain))) {
    throw invalid(`The Freshchat address leads to ${hostname}, which is neither freshchat.com nor myfreshworks.com.`);
  }
  if (path === "") return { ...base, path: VERSION };
  if (path.endsWith(VERSION)) return base;
  throw invalid(`The Freshchat address must end in ${VERSION}, as in ${EXAMPLE}.`);
}

function invalid(message: string): ConnectorError {
  return new ConnectorError("config_invalid", message, { stops: "sync", retry: "never" });
}
