import type { TestContext } from "node:test";
import { EVERY_ROLE, startSimulator } from "@entrain/simulator";
import type { Example } from "./examples.ts";
import { type Answer, type Graph, openGraph } from "./graph.ts";
import { isObject, type Json, type JsonObject, listIn, objectIn, textIn } from "./json.ts";
import { propsFor } from "./props.ts";
import { shapeFaults } from "./shape.ts";
import { OTHER, PERSON, relationOf, type Stage, stageFor, TEAM } from "./stage.ts";

/** What came of a replay: the differences, or the sentence with which the simulator says that it does not serve this. */
export type Outcome =
  | { readonly served: true; readonly faults: readonly string[] }
  | { readonly served: false; readonly reason: string };

/** The examples write what a connector never does. */
const MORE_ROLES = [
  "Application.ReadWrite.All",
  "AppRoleAssignment.ReadWrite.All",
  "DelegatedPermissionGrant.ReadWrite.All",
  "Policy.Read.All",
  "Policy.ReadWrite.ConditionalAccess",
  "AccessReview.ReadWrite.All",
  "LicenseAssignment.ReadWrite.All",
  "User.RevokeSessions.All",
  "Domain.Read.All",
  "Organization.Read.All",
  "Directory.Read.All",
  "AuditLog.Read.All",
  "Application.Read.All",
  "Directory.ReadWrite.All",
];

const PLACEHOLDER = /^\{.*\}$|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const NOT_SERVED = /^Resource not found for the segment|only valid with delegated|HTTP method is not allowed/;

/**
 * Sends the documented request to a tenant made for it, and compares the answer with the documented one. `/me` stands for
 * `/users/{id}`: the pages give both addresses for the same operation, and an application has no other.
 */
export async function replay(t: TestContext, example: Example, isKnown: (name: string) => boolean): Promise<Outcome> {
  const stage = stageFor(example);
  const simulator = await startSimulator({
    tenant: stage.tenant,
    throttle: "off",
    roles: [...new Set([...EVERY_ROLE, ...MORE_ROLES])],
    deltaPaging: { objects: example.target.includes("$skiptoken") ? 1 : 200, members: 1000 },
  });
  t.after(() => simulator.close());
  const client = await openGraph(simulator);
  const sent = await requestFor(client, example, stage);
  if (example.status === 429) simulator.faults.set([{ action: { type: "status", status: 429, retryAfter: 10 } }]);
  const answer = await client.send(example.method, sent.target, sent.body, example.headers);
  const message = textIn(objectIn(answer.json, "error"), "message") ?? "";
  if (answer.status >= 400 && NOT_SERVED.test(message)) return { served: false, reason: message };
  const wanted = example.status ?? (answer.status < 300 ? answer.status : 200);
  if (answer.status !== wanted) return { served: true, faults: [`${answer.status} instead of ${wanted}: ${message}`] };
  return { served: true, faults: shapeFaultsOf(example, answer, isKnown) };
}

function shapeFaultsOf(example: Example, answer: Answer, isKnown: (name: string) => boolean): readonly string[] {
  const { answer: documented, status } = example;
  // Some pages show a count as text, an answer that is cut to be read, or none at all.
  if (!isObject(documented) || status === null) return [];
  const answered = answer.json;
  if (answered === null) return ["the answer is no JSON"];
  if (status >= 400) {
    const [wanted, found] = [documented, answered].map((one) => textIn(isObject(one) ? one.error : null, "code"));
    return wanted === found ? [] : [`the refusal's code is ${found}, not ${wanted}`];
  }
  return shapeFaults(documented, answered, isKnown);
}

/** Slips of the pages' writers. */
const SLIPS: readonly (readonly [string, string])[] = [["$orderbydisplayName", "$orderby=displayName"]];

interface Sent {
  readonly target: string;
  readonly body: Json | undefined;
}

/** The documented request with ids of this tenant. Whatever must have happened before, happens here. */
async function requestFor(client: Graph, example: Example, stage: Stage): Promise<Sent> {
  const [, search = ""] = example.target.split(/\?(.*)/s);
  const query = search === "" ? "" : `?${SLIPS.reduce((text, [slip, meant]) => text.replace(slip, meant), search)}`;
  const link = await linkFor(client, example, query);
  if (link !== null) return { target: link, body: undefined };
  const props = await propsFor(client, example, stage);
  const ids = [...(props.ids ?? idsFor(example, stage))];
  const path = (example.target.split("?")[0] ?? "")
    .replace(/^\/me(?=\/|$)/, "/users/{id}")
    .split("/")
    .map((segment) => (PLACEHOLDER.test(segment) ? (ids.shift() ?? segment) : segment))
    .join("/");
  const body = example.body === null ? undefined : bodyFor(client, example, stage, props.body ?? example.body);
  return { target: `${path}${escaped(props.query ?? query)}`, body };
}

/** Ids for the path's placeholders, in their order. */
function idsFor(example: Example, { players }: Stage): readonly string[] {
  const [set] = example.segments;
  const own = players[0]?.id;
  const subject = set === "groups" ? TEAM : PERSON;
  if (example.segments.length === 2 && own !== undefined) return [own];
  if (set === "directory" || set === "directoryObjects") return [own ?? PERSON];
  return relationOf(example) === "" ? [subject] : [subject, OTHER];
}

/** The documentation's tokens stand for any: ours come from a round of our own. */
async function linkFor(client: Graph, { segments, target }: Example, query: string): Promise<string | null> {
  if (segments[1] !== "delta" || !/\$(skip|delta)token=/.test(query)) return null;
  const select = segments[0] === "groups" ? "?$select=displayName,description,members" : "";
  let page = await client.get(`/${segments[0] ?? ""}/delta${select}`);
  for (;;) {
    const next = textIn(page, "@odata.nextLink");
    if (next === null || target.includes("$skiptoken")) return next ?? textIn(page, "@odata.deltaLink");
    page = await client.get(next);
  }
}

/** Names in a body that point to records of the writer's tenant point to ours; what is left to the reader is filled in. */
function bodyFor(client: Graph, example: Example, { players }: Stage, body: Json): Json {
  if (!isObject(body)) return body;
  const reference = `${client.base}/directoryObjects/`;
  const filled: Record<string, Json> = { ...body };
  for (const [name, value] of Object.entries(body)) {
    if (name === "@odata.id") filled[name] = `${reference}${PERSON}`;
    if (name.endsWith("@odata.bind")) {
      filled[name] = listIn(body, name).map((_, i) => `${reference}${i === 0 ? PERSON : OTHER}`);
    }
    if (name === "passwordProfile") filled[name] = { ...(value as JsonObject), password: "xWwvJ]6NMw+bWH-d" };
  }
  if (example.segments[1] === "getByIds") filled.ids = players.map(({ id }) => id);
  if (example.segments[0] === "$batch") {
    filled.requests = listIn(body, "requests").map((one) => ({
      ...(one as JsonObject),
      url: (textIn(one, "url") ?? "")
        .replace(/^\/me\b/, `/users/${PERSON}`)
        .replace(/^\/groups\/.*/, `/groups/${TEAM}`),
    }));
  }
  return filled;
}

function escaped(query: string): string {
  return query.replaceAll('"', "%22").replaceAll(" ", "%20");
}
