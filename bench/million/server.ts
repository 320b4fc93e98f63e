import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { startSimulator } from "@entrain/simulator";
import { lanesFor } from "../../packages/connectors/src/entra/lanes.ts";
import { answerParent } from "../child.ts";
import { FIRST_PAGE, signIn } from "../tenant/pages.ts";
import type { TenantAddress, TenantRequest } from "../tenant/tenant.ts";

const PAGE = 999;
const DELTA = "/v1.0/users/delta";
const JSON_TYPE = { "content-type": "application/json", "content-encoding": "gzip" };

/** Chooses other people in every round of changes, spread over the whole tenant. */
const STRIDE = 7919;

interface Person {
  readonly id: string;
  readonly accountEnabled?: boolean | null;
  readonly manager?: unknown;
}

/** The tenant, once it is open, and one delta answer for each round of changes. */
interface Open {
  readonly address: TenantAddress;
  readonly change: (count: number) => void;
}

/** Ids, sign-in names and addresses of page `at` begin with the page's number. */
function ownNames(text: string, at: number): string {
  const prefix = at.toString(16).padStart(8, "0");
  return text
    .replaceAll(/"id":"[0-9a-f]{8}-/g, `"id":"${prefix}-`)
    .replaceAll(/"(userPrincipalName|mail)":"/g, `"$1":"${prefix}.`);
}

/**
 * A tenant of any number of people that nobody has to hold in memory: one page of a simulated tenant, again and again, with ids and
 * names of their own. The people are dealt out to the lanes in which they are asked for.
 */
async function open(people: number): Promise<Open> {
  const simulator = await startSimulator({ people: PAGE, groups: 0, seed: 7, throttle: "off" });
  const graph = await signIn(simulator);
  const text = await graph.get(simulator.graph + FIRST_PAGE);
  const { value } = JSON.parse(text) as { readonly value: readonly Person[] };
  const whole = JSON.stringify(value);
  const lanes = lanesFor(people).map(({ from }) => from);
  const pages = Math.ceil(people / PAGE);

  /** The body of page `at`: the ids of the template begin with the page's number instead. */
  const body = (at: number): string => {
    const size = Math.min(PAGE, people - at * PAGE);
    return ownNames(size === PAGE ? whole : JSON.stringify(value.slice(0, size)), at);
  };

  const rounds: string[] = [];
  let changed = 0;
  const change = (count: number): void => {
    const told: string[] = [];
    while (told.length < count) {
      changed += 1;
      const index = (changed * STRIDE) % people;
      const { manager: _told, ...person } = value[index % PAGE] ?? { id: "" };
      // Who is disabled is not provisioned.
      if (person.accountEnabled !== true) continue;
      const entity = JSON.stringify({ ...person, jobTitle: `Specialist ${changed}` });
      told.push(ownNames(entity, Math.floor(index / PAGE)));
    }
    rounds.push(`[${told.join(",")}]`);
  };
  const delta = (token: string | null, origin: string): string => {
    const round = token === "latest" || token === null ? rounds.length : Number(token);
    const last = round + 1 >= rounds.length;
    const link = `${origin}${DELTA}?$deltatoken=${Math.min(round + 1, rounds.length)}`;
    return `{"@odata.${last ? "delta" : "next"}Link":"${link}","value":${rounds[round] ?? "[]"}}`;
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const origin = `http://${request.headers.host}`;
    if (url.pathname === "/v1.0/users/$count") {
      response.writeHead(200, { "content-type": "text/plain" }).end(String(people));
    } else if (url.pathname === DELTA) {
      response.writeHead(200, JSON_TYPE).end(gzipSync(delta(url.searchParams.get("$deltatoken"), origin)));
    } else if (url.pathname === "/v1.0/users") {
      const from = /ge '([^']*)'/.exec(url.searchParams.get("$filter") ?? "")?.[1] ?? null;
      const at = Number(url.searchParams.get("$skiptoken") ?? Math.max(0, lanes.indexOf(from)));
      const next = new URLSearchParams(url.search);
      next.set("$skiptoken", String(at + lanes.length));
      const more = at + lanes.length < pages ? `"@odata.nextLink":"${origin}/v1.0/users?${next}",` : "";
      const list = at < pages ? body(at) : "[]";
      response.writeHead(200, JSON_TYPE).end(gzipSync(`{${more}"value":${list}}`, { level: 1 }));
    } else void forward(request.method ?? "GET", url, origin);

    async function forward(method: string, { pathname, search }: URL, here: string): Promise<void> {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const sent = Buffer.concat(chunks)
        .toString()
        .replaceAll(encodeURIComponent(here), encodeURIComponent(simulator.graph));
      const type = request.headers["content-type"];
      const answer = await fetch(simulator.graph + pathname + search, {
        method,
        ...(type === undefined ? {} : { headers: { "content-type": type } }),
        ...(method === "GET" ? {} : { body: sent }),
      });
      const reply = (await answer.text()).replaceAll(simulator.graph, here);
      response
        .writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "text/plain" })
        .end(reply);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { tenant, client, secret } = simulator;
  const http = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const address = { http, https: "", ca: "", tenant, client, secret, people, pages, bytes: 0, compressedBytes: 0 };
  return { address, change };
}

if (import.meta.main) {
  let opened: Open | null = null;
  answerParent<TenantRequest, TenantAddress>(async ({ ask, people }) => {
    opened ??= await open(people);
    if (ask === "change") opened.change(people);
    return opened.address;
  });
}
