import { badRequest } from "../graph/request.ts";
import type { Json } from "../tenant/types.ts";

const MOST = 20; // "Combine multiple HTTP requests using JSON batching".

/** One request of a batch. */
export interface BatchedRequest {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly search: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Json | undefined;
  readonly dependsOn: readonly string[];
}

/** Reads the batch, with predecessors first. Refuses the whole batch when it is not well formed. */
export function parseBatch(body: Json | undefined): readonly BatchedRequest[] {
  const list = recordOf(body)?.requests;
  if (!Array.isArray(list)) throw badRequest("Batch request is missing the 'requests' property.");
  if (list.length > MOST) throw badRequest(`Number of batch request steps exceeds the maximum of ${MOST}.`);
  const requests = list.map(requestOf);
  const ids = new Set(requests.map(({ id }) => id));
  if (ids.size !== requests.length) throw badRequest("Batch request ids must be unique.");
  const unknown = requests.flatMap(({ dependsOn }) => dependsOn).find((id) => !ids.has(id));
  if (unknown !== undefined) throw badRequest(`A batch request depends on '${unknown}', which is not in the batch.`);
  return inOrder(requests);
}

function requestOf(entry: Json): BatchedRequest {
  const record = recordOf(entry);
  const [id, method, url] = ["id", "method", "url"].map((name) => textOf(record?.[name]));
  if (id == null || method == null || url == null) {
    throw badRequest("Every batch request needs the properties 'id', 'method' and 'url'.");
  }
  if (/^https?:/i.test(url)) throw badRequest(`The url of batch request '${id}' must be relative.`);
  const lowered = loweredHeaders(recordOf(record?.headers));
  const { body, dependsOn } = record ?? {};
  if (record !== null && "body" in record && lowered["content-type"] === undefined) {
    throw badRequest(`Batch request '${id}' has a body and therefore needs a Content-Type header.`);
  }
  const [path = "", search = ""] = splitOnce(url.startsWith("/") ? url : `/${url}`);
  return {
    id,
    method: method.toUpperCase(),
    path: path.replace(/^\/v1\.0(?=\/)/, ""),
    search,
    headers: lowered,
    body,
    dependsOn: Array.isArray(dependsOn) ? dependsOn.map(String) : [],
  };
}

function inOrder(requests: readonly BatchedRequest[]): readonly BatchedRequest[] {
  const ordered: BatchedRequest[] = [];
  const done = new Set<string>();
  while (ordered.length < requests.length) {
    const ready = requests.filter(({ id, dependsOn }) => !done.has(id) && dependsOn.every((other) => done.has(other)));
    if (ready.length === 0) throw badRequest("The dependencies of the batch requests form a cycle.");
    for (const request of ready) {
      done.add(request.id);
      ordered.push(request);
    }
  }
  return ordered;
}

function splitOnce(url: string): readonly string[] {
  const at = url.indexOf("?");
  return at < 0 ? [url, ""] : [url.slice(0, at), url.slice(at + 1)];
}

function loweredHeaders(headers: Readonly<Record<string, Json>> | null): BatchedRequest["headers"] {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]));
}

function textOf(value: Json | undefined): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function recordOf(value: Json | undefined): Readonly<Record<string, Json>> | null {
  return value !== null && typeof value === "object" && !Array.isArray(value)
    ? (value as Readonly<Record<string, Json>>)
    : null;
}
