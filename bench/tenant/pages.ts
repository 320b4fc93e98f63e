import { gzipSync } from "node:zlib";
import { USER_ATTRIBUTES } from "@entrain/connectors/entra";
import type { Simulator } from "@entrain/simulator";

/** What every contender asks first: pages of the largest size, with the default attributes and the manager. */
export const FIRST_PAGE: string = `/v1.0/users?$top=999&$select=${["id", ...USER_ATTRIBUTES].join(",")}&$expand=manager($select=id)`;

/** Graph of a simulated tenant, asked with the application's own token. */
export interface Graph {
  get(url: string): Promise<string>;
  patch(path: string, body: object): Promise<void>;
}

export async function signIn(simulator: Simulator): Promise<Graph> {
  const granted = await fetch(`${simulator.login}/${simulator.tenant}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: simulator.client,
      client_secret: simulator.secret,
      scope: "https://graph.microsoft.com/.default",
    }),
  });
  const { access_token } = (await granted.json()) as { readonly access_token: string };
  const headers = { authorization: `Bearer ${access_token}`, "content-type": "application/json" };
  const send = async (url: string, init: RequestInit): Promise<string> => {
    const response = await fetch(url, { ...init, headers });
    const text = await response.text();
    if (!response.ok) throw new Error(`${init.method} ${url} answered ${response.status}: ${text}`);
    return text;
  };
  return {
    get: (url) => send(url, { method: "GET" }),
    patch: async (path, body) => {
      await send(`${simulator.graph}/v1.0${path}`, { method: "PATCH", body: JSON.stringify(body) });
    },
  };
}

/** A person as far as the tenant's process looks at one. */
export interface Member {
  readonly id: string;
  readonly accountEnabled?: boolean | null;
  readonly onPremisesSyncEnabled?: boolean | null;
}

/** The answers of one collection or delta round, page by page, and the people on them. */
export interface Walk {
  readonly pages: readonly { readonly link: string; readonly text: string }[];
  readonly members: readonly Member[];
  readonly deltaLink: string | null;
}

interface Body {
  readonly value: readonly Member[];
  readonly "@odata.nextLink"?: string;
  readonly "@odata.deltaLink"?: string;
}

/** Follows next links from `first` to the end. */
export async function walk(graph: Graph, first: string): Promise<Walk> {
  const pages: { link: string; text: string }[] = [];
  const members: Member[] = [];
  for (let link = first; ; ) {
    const text = await graph.get(link);
    const body = JSON.parse(text) as Body;
    pages.push({ link, text });
    for (const { id, accountEnabled = null, onPremisesSyncEnabled = null } of body.value)
      members.push({ id, accountEnabled, onPremisesSyncEnabled });
    const next = body["@odata.nextLink"];
    if (next === undefined) return { pages, members, deltaLink: body["@odata.deltaLink"] ?? null };
    link = next;
  }
}

/** A page as it is sent from an origin, its links leading there. */
export function compressed(text: string, from: string, to: string): Buffer {
  return gzipSync(text.replaceAll(from, to));
}

/** What tells one request of Graph from another, in whatever order and encoding its parameters come. */
export function keyOf(link: string): string {
  const url = new URL(link, "http://localhost");
  url.searchParams.sort();
  return `${url.pathname}?${url.searchParams}`;
}
