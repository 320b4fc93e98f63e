import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { startSimulator } from "@entrain/simulator";
import { lanesFor } from "../../packages/connectors/src/entra/lanes.ts";
import { answerParent } from "../child.ts";
import { FIRST_PAGE, signIn } from "../tenant/pages.ts";
import type { TenantAddress } from "../tenant/tenant.ts";

const PAGE = 999;
const DELTA = "/v1.0/users/delta";
const JSON_TYPE = { "content-type": "application/json", "content-encoding": "gzip" };

/**
 * A tenant of any number of people that nobody has to hold in memory: one page of a simulated tenant, again and again, with ids of
 * their own. The people are dealt out to the lanes in which they are asked for.
 */
async function open(people: number): Promise<TenantAddress> {
  const simulator = await startSimulator({ people: PAGE, groups: 0, seed: 7, throttle: "off" });
  const graph = await signIn(simulator);
  const text = await graph.get(simulator.graph + FIRST_PAGE);
  const { value } = JSON.parse(text) as { readonly value: readonly { readonly id: string }[] };
  const whole = JSON.stringify(value);
  const lanes = lanesFor(people).map(({ from }) => from);
  const pages = Math.ceil(people / PAGE);

  /** The body of page `at`: the ids of the template begin with the page's number instead. */
  const body = (at: number): string => {
    const size = Math.min(PAGE, people - at * PAGE);
    const prefix = at.toString(16).padStart(8, "0");
    return (size === PAGE ? whole : JSON.stringify(value.slice(0, size))).replaceAll(
      /"id":"[0-9a-f]{8}-([0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4})-([0-9a-f]{12})"/g,
      `"id":"${prefix}-$1-$2"`,
    );
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const origin = `http://${request.headers.host}`;
    if (url.pathname === "/v1.0/users/$count") {
      response.writeHead(200, { "content-type": "text/plain" }).end(String(people));
    } else if (url.pathname === DELTA) {
      const link = `${origin}${DELTA}?$deltatoken=1`;
      response.writeHead(200, JSON_TYPE).end(gzipSync(JSON.stringify({ "@odata.deltaLink": link, value: [] })));
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
  return { http, https: "", ca: "", tenant, client, secret, people, pages, bytes: 0, compressedBytes: 0 };
}

if (import.meta.main) answerParent<{ readonly people: number }, TenantAddress>(({ people }) => open(people));
