import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text as textOf } from "node:stream/consumers";
import { type Simulator, startSimulator } from "@entrain/simulator";
import { filterOf, lanesFor } from "../../packages/connectors/src/entra/lanes.ts";
import { makeLoopbackCertificate } from "../../packages/simulator/src/tls.ts";
import { answerParent } from "../child.ts";
import { compressed, FIRST_PAGE, type Graph, keyOf, signIn, walk } from "./pages.ts";
import type { TenantAddress, TenantRequest } from "./tenant.ts";

const GROUPS = 20;
const SEED = 7;
const DELTA = "/v1.0/users/delta";
/** Chooses other people in every round of changes, spread over the whole tenant. */
const STRIDE = 7919;

/** A door to the tenant: pages are sent as they were built for it, anything else comes from the simulator behind it. */
interface Door {
  readonly origin: string;
  readonly pages: Map<string, Buffer>;
  /** One answer per round of changes, without its link. */
  readonly changes: string[];
}

/** The tenant's parts, once it is open. */
interface Open {
  readonly simulator: Simulator;
  readonly graph: Graph;
  readonly doors: readonly Door[];
  /** Who may be changed: what comes from on-premises is read-only, and who is disabled is not provisioned. */
  readonly ids: readonly string[];
  deltaLink: string;
  changed: number;
}

async function open(people: number): Promise<{ readonly parts: Open; readonly address: TenantAddress }> {
  const simulator = await startSimulator({ people, groups: GROUPS, seed: SEED, throttle: "off" });
  const certificate = makeLoopbackCertificate(Date.now());
  const plain = await openDoor(createServer(), simulator, "http");
  const secure = await openDoor(createTlsServer(certificate), simulator, "https");
  const graph = await signIn(simulator);
  const built = await walk(graph, simulator.graph + FIRST_PAGE);
  const sizes: number[] = [];
  for (const { link, text } of built.pages) sizes.push(keep([plain, secure], simulator, link, text));
  // The same people once more, as the product asks for them.
  for (const filter of lanesFor(built.members.length).map(filterOf)) {
    if (filter === null) continue;
    const { pages } = await walk(graph, `${simulator.graph}${FIRST_PAGE}&$filter=${encodeURIComponent(filter)}`);
    for (const { link, text } of pages) keep([plain, secure], simulator, link, text);
  }
  const latest = await walk(graph, `${simulator.graph}${DELTA}?$deltatoken=latest&$select=jobTitle,manager`);
  const doors = [plain, secure];
  const changeable = built.members.filter((one) => one.accountEnabled === true && one.onPremisesSyncEnabled !== true);
  const ids = changeable.map(({ id }) => id);
  const parts = { simulator, graph, doors, ids, deltaLink: latest.deltaLink ?? "", changed: 0 };
  const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
  const { tenant, client, secret } = simulator;
  const address: TenantAddress = {
    http: plain.origin,
    https: secure.origin,
    ca: certificate.ca,
    tenant,
    client,
    secret,
    people: built.members.length,
    pages: built.pages.length,
    bytes: sum(built.pages.map(({ text }) => Buffer.byteLength(text))),
    compressedBytes: sum(sizes),
  };
  return { parts, address };
}

/** Keeps a page at every door; its compressed size in bytes. */
function keep(doors: readonly Door[], simulator: Simulator, link: string, text: string): number {
  const pages = doors.map((door) => {
    const page = compressed(text, simulator.graph, door.origin);
    door.pages.set(keyOf(link), page);
    return page.length;
  });
  return pages[0] ?? 0;
}

/** Makes real changes at the simulator and keeps its delta answer, which is served from then on. */
async function change(parts: Open, people: number): Promise<void> {
  const { ids, graph, simulator, doors } = parts;
  for (let left = people; left > 0; left -= 1) {
    parts.changed += 1;
    const id = ids[(parts.changed * STRIDE) % ids.length];
    await graph.patch(`/users/${id}`, { jobTitle: `Specialist ${parts.changed}` });
  }
  const { pages, deltaLink } = await walk(graph, parts.deltaLink);
  parts.deltaLink = deltaLink ?? "";
  const [page] = pages;
  if (page === undefined || pages.length > 1) throw new Error("a round of changes must fit on one page");
  const { "@odata.deltaLink": _link, ...body } = JSON.parse(page.text) as { readonly "@odata.deltaLink": string };
  for (const door of doors) door.changes.push(JSON.stringify(body).replaceAll(simulator.graph, door.origin));
}

async function openDoor(server: Server, simulator: Simulator, scheme: "http" | "https"): Promise<Door> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const name = scheme === "https" ? "localhost" : "127.0.0.1";
  const origin = `${scheme}://${name}:${(server.address() as AddressInfo).port}`;
  const door: Door = { origin, pages: new Map(), changes: [] };
  server.keepAliveTimeout = 60_000;
  server.on("request", listener(door, simulator));
  return door;
}

function listener(door: Door, simulator: Simulator): RequestListener {
  return (request, response) => {
    const url = new URL(request.url ?? "/", door.origin);
    const page = door.pages.get(keyOf(url.href));
    if (page !== undefined) send(response, 200, page, { "content-type": JSON_TYPE, "content-encoding": "gzip" });
    else if (url.pathname === DELTA)
      send(response, 200, Buffer.from(deltaPage(door, url)), { "content-type": JSON_TYPE });
    else forward(door, simulator, request, response).catch((error: unknown) => response.destroy(error as Error));
  };
}

const JSON_TYPE = "application/json;odata.metadata=minimal";

/** The delta tokens of this door count the rounds of changes. */
function deltaPage(door: Door, url: URL): string {
  const token = url.searchParams.get("$deltatoken");
  const round = token === "latest" ? door.changes.length : Number(token);
  const body = door.changes[round];
  const link = (next: number): string => `${door.origin}${DELTA}?$deltatoken=${next}`;
  if (body === undefined) return JSON.stringify({ "@odata.deltaLink": link(round), value: [] });
  const last = round + 1 === door.changes.length;
  return JSON.stringify({ [last ? "@odata.deltaLink" : "@odata.nextLink"]: link(round + 1), ...JSON.parse(body) });
}

/** Sign-in, counts, groups: whatever is asked once in a read. */
async function forward(
  door: Door,
  simulator: Simulator,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = "GET", headers } = request;
  // A token is asked for under the address of Graph, which is the door's for whoever stands before it.
  const [here, there] = [door.origin, simulator.graph].map(encodeURIComponent);
  const body = method === "GET" ? {} : { body: (await textOf(request)).replaceAll(here ?? "", there ?? "") };
  const passed = Object.entries(headers).filter(([name]) => PASSED.has(name));
  const answer = await fetch(simulator.graph + (request.url ?? "/"), {
    method,
    headers: passed.map(([name, value]) => [name, String(value)] as [string, string]),
    ...body,
  });
  const text = (await answer.text()).replaceAll(simulator.graph, door.origin);
  send(response, answer.status, Buffer.from(text), { "content-type": answer.headers.get("content-type") ?? JSON_TYPE });
}

const PASSED: ReadonlySet<string> = new Set(["authorization", "content-type", "accept", "consistencylevel"]);

function send(response: ServerResponse, status: number, body: Buffer, headers: Readonly<Record<string, string>>): void {
  response.writeHead(status, { ...headers, "content-length": body.length });
  response.end(body);
}

if (import.meta.main) {
  let parts: Open | null = null;
  let address: TenantAddress | null = null;
  answerParent<TenantRequest, TenantAddress>(async (request) => {
    if (request.ask === "open") ({ parts, address } = await open(request.people));
    else if (parts !== null) await change(parts, request.people);
    if (address === null) throw new Error("the tenant is not open yet");
    return address;
  });
}
