import type { SourceKind, WaitListener } from "@entrain/core";
import type { Timeouts } from "../shared/http.ts";
import { CONTACT_ATTRIBUTES, GROUP_ATTRIBUTES, USER_ATTRIBUTES } from "./attributes.ts";
import type { Credential } from "./credentials/credential.ts";
import { credentialProblems } from "./credentials/problems.ts";
import type { FeatureName } from "./features.ts";
import type { AcceptedPermission } from "./needs.ts";

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
  /** What the connection is called here, for the commands that mend it. */
  readonly name?: string;
  readonly cloud: Cloud;
  /** Directory (tenant) id, or one of the tenant's domains. */
  readonly tenant: string;
  /** Application (client) id. */
  readonly client: string;
  /** Tried in this order; two may overlap, so that one can be rotated while the other works. */
  readonly credentials: readonly Credential[];
  /** User attributes to read, in Graph's names; default {@link USER_ATTRIBUTES}. The manager is always read. */
  readonly attributes?: readonly string[];
  /** Group attributes to read, in Graph's names; default {@link GROUP_ATTRIBUTES}. Members are always read. */
  readonly groupAttributes?: readonly string[];
  /** Attributes of organisational contacts to read, in Graph's names; default {@link CONTACT_ATTRIBUTES}. */
  readonly contactAttributes?: readonly string[];
  /** What the connection is used for beside people and groups; decides which permissions are missed. */
  readonly features?: readonly FeatureName[];
  /** Permissions that are not needed, but wanted. */
  readonly accepted?: readonly AcceptedPermission[];
  /** Who wants an attribute read, in words such as `the sync people`: named when Graph refuses it. */
  readonly askedBy?: (kind: SourceKind, name: string) => readonly string[];
  /** Milliseconds since 1970, UTC. */
  readonly clock: { now(): number };
  /** A number in [0, 1), for jitter. */
  random(): number;
  /** Resolves after `ms`; rejects when the signal aborts first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Certificate authorities (PEM) in place of the system's, for a cloud with its own. */
  readonly ca?: string;
  /** Requests to Graph at a time; default 32. */
  readonly concurrency?: number;
  /** After how many milliseconds everything is read again; by default 20 hours behind a first full round, then every 7 days. */
  readonly reconcile?: { readonly firstMs: number; readonly everyMs: number };
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

/** What is wrong with one address of a cloud. */
export interface CloudProblem {
  readonly name: keyof Cloud;
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

/** Looks the settings over without sending anything. One credential that may work is enough; secrets are never repeated. */
export function problemsOf(options: EntraOptions): readonly Problem[] {
  const now = options.clock.now();
  const credentials = options.credentials.map((credential) => credentialProblems(credential, now));
  const none = credentials.every((problems) => problems.length > 0);
  const credentialFlaws = none ? credentials.flat().map((problem) => ({ of: "credential" as const, ...problem })) : [];
  const missing = { of: "credential" as const, detail: "The connection has no credential.", fix: "Give it one." };
  return [
    ...addressProblems(options),
    ...attributeProblems(options),
    ...(credentials.length === 0 ? [missing] : credentialFlaws),
  ];
}

/** What is wrong with a cloud's addresses: each is a web address, encrypted unless it is this machine's. */
export function cloudProblems({ login, graph }: Cloud): readonly CloudProblem[] {
  const all = [
    { name: "login", word: "sign-in", text: login },
    { name: "graph", word: "Graph", text: graph },
  ] as const;
  return all.flatMap(({ name, word, text }) => {
    const url = URL.parse(text);
    const plain = url !== null && url.username === "" && url.search === "" && url.hash === "";
    if (!plain || !/^https?:$/.test(url.protocol)) {
      const fix = `Give the ${word} base URL, such as ${CLOUDS.global[name]}.`;
      return [{ name, detail: `The ${word} address is not a web address.`, fix }];
    }
    if (url.protocol !== "http:" || isLoopback(url)) return [];
    const detail = `The ${word} address ${url.origin} is not encrypted.`;
    return [{ name, detail, fix: "Use https; plain http is for this machine alone." }];
  });
}

function addressProblems({ cloud, tenant, client }: EntraOptions): Problem[] {
  const problems: Problem[] = [];
  const add = (detail: string, fix: string): void => void problems.push({ of: "addresses", detail, fix });
  for (const { detail, fix } of cloudProblems(cloud)) add(detail, fix);
  if (tenant.toLowerCase() === client.toLowerCase()) {
    const fix =
      "Copy both from the application's Overview page in Entra: Directory (tenant) ID and Application (client) ID.";
    add("The tenant and the client are the same id.", fix);
    return problems;
  }
  if (!GUID.test(tenant) && !DOMAIN.test(tenant)) {
    const fix = "Copy the Directory (tenant) ID from the application's Overview page in Entra.";
    add(`The tenant ${spaced(tenant) ? "has a space in it" : "is neither an id nor a domain name"}.`, fix);
  }
  if (!GUID.test(client)) {
    const fix = "Copy the Application (client) ID from the application's Overview page in Entra.";
    add(`The client ${spaced(client) ? "has a space in it" : "is not an application id"}.`, fix);
  }
  return problems;
}

function spaced(text: string): boolean {
  return /\s/.test(text);
}

function attributeProblems(options: EntraOptions): Problem[] {
  const names = [
    ...(options.attributes ?? USER_ATTRIBUTES),
    ...(options.groupAttributes ?? GROUP_ATTRIBUTES),
    ...(options.contactAttributes ?? CONTACT_ATTRIBUTES),
  ];
  const bad = names.filter((name) => !ATTRIBUTE.test(name));
  if (bad.length === 0) return [];
  const fix = "Use Graph's attribute names, such as displayName or extension_…_costCenter.";
  return [{ of: "addresses", detail: `These are not attribute names: ${bad.join(", ")}.`, fix }];
}
