import type { WaitListener } from "@entrain/core";
import type { Timeouts } from "../shared/http.ts";
import { GROUP_ATTRIBUTES, USER_ATTRIBUTES } from "./attributes.ts";

/** Base URLs of a Microsoft cloud, or of whatever stands in for one: `{login}/{tenant}/…`, `{graph}/v1.0/…`. */
export interface Cloud {
  readonly login: string;
  readonly graph: string;
}

/** Microsoft's clouds ("National cloud deployments", Entra "National clouds"). Tokens of one are void in another. */
export const CLOUDS: Readonly<Record<"global" | "usgov" | "usgov-dod" | "china", Cloud>> = {
  global: { login: "https://login.microsoftonline.com", graph: "https://graph.microsoft.com" },
  usgov: { login: "https://login.microsoftonline.us", graph: "https://graph.microsoft.us" },
  "usgov-dod": { login: "https://login.microsoftonline.us", graph: "https://dod-graph.microsoft.us" },
  china: {
    login: "https://login.partner.microsoftonline.cn",
    graph: "https://microsoftgraph.chinacloudapi.cn",
  },
};

/** One request that was made, for progress and metrics. Never holds a query, a header or a body. */
export interface RequestEvent {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  /** `null` when there was no answer. */
  readonly status: number | null;
  readonly ms: number;
  /** 0 for the first try of a request, 1 for its first retry, and so on. */
  readonly retry: number;
}

/** How to reach one Entra tenant, and what to read there. */
export interface EntraOptions {
  readonly cloud: Cloud;
  /** Directory (tenant) id, or one of the tenant's domains. */
  readonly tenant: string;
  /** Application (client) id. */
  readonly client: string;
  /** Asked for each sign-in, so that a replaced secret is used at once. */
  readonly secret: () => string;
  /** User attributes to read, in Graph's names; default {@link USER_ATTRIBUTES}. The manager is always read. */
  readonly attributes?: readonly string[];
  /** Group attributes to read, in Graph's names; default {@link GROUP_ATTRIBUTES}. Members are always read. */
  readonly groupAttributes?: readonly string[];
  /** Milliseconds since 1970, UTC. */
  readonly clock: { now(): number };
  /** A number in [0, 1), for jitter. */
  random(): number;
  /** Resolves after `ms`; rejects when the signal aborts first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Certificate authorities (PEM) in place of the system's, for a cloud with its own. */
  readonly ca?: string;
  /** Requests at a time while memberships are read; default 4. */
  readonly concurrency?: number;
  readonly timeouts?: Partial<Timeouts>;
  readonly onRequest?: (event: RequestEvent) => void;
  /** Told whenever a request waits before it is tried again. */
  readonly onWait?: WaitListener;
}

/** What is wrong with the settings before anything is sent: a sentence that may be shown, and how to mend it. */
export interface Problem {
  readonly of: "addresses" | "credential";
  readonly detail: string;
  readonly fix: string;
}

const GUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const DOMAIN = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*$/i;
const ATTRIBUTE = /^[A-Za-z][A-Za-z0-9_]*$/;

/** The host is this machine, so that plain HTTP does not leave it. */
export function isLoopback(url: URL): boolean {
  return url.hostname === "localhost" || url.hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(url.hostname);
}

/** Looks the settings over without sending anything. The secret is looked at, never repeated. */
export function problemsOf(options: EntraOptions): readonly Problem[] {
  return [...addressProblems(options), ...attributeProblems(options), ...secretProblems(options.secret())];
}

function addressProblems({ cloud, tenant, client }: EntraOptions): Problem[] {
  const problems: Problem[] = [];
  const add = (detail: string, fix: string): void => void problems.push({ of: "addresses", detail, fix });
  for (const [name, text] of Object.entries({ "sign-in": cloud.login, Graph: cloud.graph })) {
    const url = URL.parse(text);
    if (
      url === null ||
      !/^https?:$/.test(url.protocol) ||
      url.username !== "" ||
      url.search !== "" ||
      url.hash !== ""
    ) {
      add(`The ${name} address is not a web address.`, `Give the ${name} base URL, such as ${CLOUDS.global.login}.`);
    } else if (url.protocol === "http:" && !isLoopback(url)) {
      add(`The ${name} address ${url.origin} is not encrypted.`, "Use https; plain http is for this machine alone.");
    }
  }
  if (!GUID.test(tenant) && !DOMAIN.test(tenant)) {
    const fix = "Copy the Directory (tenant) ID from the application's Overview page in Entra.";
    add("The tenant is neither an id nor a domain name.", fix);
  }
  if (!GUID.test(client)) {
    const fix = "Copy the Application (client) ID from the application's Overview page in Entra.";
    add("The client is not an application id.", fix);
  }
  return problems;
}

function attributeProblems(options: EntraOptions): Problem[] {
  const names = [...(options.attributes ?? USER_ATTRIBUTES), ...(options.groupAttributes ?? GROUP_ATTRIBUTES)];
  const bad = names.filter((name) => !ATTRIBUTE.test(name));
  if (bad.length === 0) return [];
  const fix = "Use Graph's attribute names, such as displayName or extension_…_costCenter.";
  return [{ of: "addresses", detail: `These are not attribute names: ${bad.join(", ")}.`, fix }];
}

function secretProblems(secret: string): Problem[] {
  const add = (detail: string, fix: string): Problem[] => [{ of: "credential", detail, fix }];
  if (secret === "") return add("There is no client secret.", "Give the client secret's value.");
  if (/\s/.test(secret)) {
    return add(
      "The client secret holds a space or a line break.",
      "Copy the secret's value again, without blanks around it.",
    );
  }
  if (GUID.test(secret)) {
    const fix = "Copy the column Value, not Secret ID; Entra shows it only once, so a new secret may be needed.";
    return add("The client secret looks like the secret's id, not its value.", fix);
  }
  return [];
}
