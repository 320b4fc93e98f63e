import { ConnectorError, type Presence, type SourceKind } from "@entrain/core";
import { backoffMs } from "../shared/backoff.ts";
import { mapConcurrently } from "../shared/concurrent.ts";
import type { GraphClient, GraphRequest } from "./client.ts";
import type { EntraOptions } from "./options.ts";
import { askedWaitMs } from "./sender.ts";

/** "Combine multiple HTTP requests using JSON batching": at most 20 requests, answered in any order. */
const BATCH = 20;
const ATTEMPTS = 8;
const RETRIED: ReadonlySet<number> = new Set([408, 424, 429, 500, 502, 503, 504, 509]);

const PERMISSIONS: Readonly<Record<SourceKind, string>> = {
  user: "User.Read.All",
  group: "Group.Read.All",
  contact: "OrgContact.Read.All",
};

interface Options {
  readonly client: GraphClient;
  readonly runtime: Pick<EntraOptions, "clock" | "random" | "sleep">;
  readonly concurrency: number;
}

interface Part {
  readonly id: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: unknown;
}

/**
 * Looks records up by id: present, deleted but restorable (`soft`), or gone for good (`hard`). Only Graph's own "not found" for both
 * the record and its deleted item means gone; any other failure is a fault and says nothing about the record.
 */
export async function lookUp(
  options: Options,
  kind: SourceKind,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Presence>> {
  const permission = PERMISSIONS[kind];
  const found = await exist(options, { permission, path: `/${kind}s`, ids: [...new Set(ids)] }, signal);
  // Graph keeps no deleted contacts ("Restore deleted item").
  if (kind === "contact") return new Map([...found].map(([id, there]) => [id, there ? "present" : "hard"]));
  const missing = [...found].filter(([, there]) => !there).map(([id]) => id);
  const deleted = await exist(options, { permission, path: "/directory/deletedItems", ids: missing }, signal);
  const presence = (id: string, there: boolean): Presence => (there ? "present" : deleted.get(id) ? "soft" : "hard");
  return new Map([...found].map(([id, there]) => [id, presence(id, there)]));
}

interface Question {
  readonly permission: string;
  readonly path: string;
  readonly ids: readonly string[];
}

/** Which of these ids are there below a path; every other failure than Graph's own "not found" is a fault. */
export async function exist(options: Options, question: Question, signal: AbortSignal): Promise<Map<string, boolean>> {
  const batches: (readonly string[])[] = [];
  for (let at = 0; at < question.ids.length; at += BATCH) batches.push(question.ids.slice(at, at + BATCH));
  const how = { atATime: options.concurrency, signal };
  const parts = await mapConcurrently(batches, how, (ids, within) => existBatch(options, { ...question, ids }, within));
  return new Map(parts.flatMap((part) => [...part]));
}

async function existBatch(options: Options, question: Question, signal: AbortSignal): Promise<Map<string, boolean>> {
  const answers = new Map<string, boolean>();
  let open = question.ids;
  for (let attempt = 0; open.length > 0; attempt++) {
    const again: Part[] = [];
    for (const part of await sendBatch(options.client, { ...question, ids: open }, signal)) {
      if (part.status === 200) answers.set(part.id, true);
      else if (part.status === 404 && isGraphError(part.body)) answers.set(part.id, false);
      else if (RETRIED.has(part.status) && attempt + 1 < ATTEMPTS) again.push(part);
      else throw refusal(question, part);
    }
    open = again.map((part) => part.id);
    if (open.length > 0) await pause(options, again, attempt, signal);
  }
  return answers;
}

/** What any part of a batch asks for holds for all that is sent; without a wish the pause is ours alone. */
async function pause(
  { client, runtime }: Options,
  parts: readonly Part[],
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  const asked = Math.max(0, ...parts.map((part) => askedWaitMs(part, runtime.clock.now()) ?? 0));
  if (asked > 0) client.leaveAlone(asked);
  else await runtime.sleep(backoffMs(attempt, runtime.random()), signal);
}

async function sendBatch(
  client: GraphClient,
  { permission, path, ids }: Question,
  signal: AbortSignal,
): Promise<Part[]> {
  const requests = ids.map((id, index) => ({
    id: String(index),
    method: "GET",
    url: `${path}/${encodeURIComponent(id)}?$select=id`,
  }));
  const request: GraphRequest = { permission, body: { requests } };
  const { body } = await client.request("/$batch", request, signal);
  const responses: unknown = typeof body === "object" && body !== null && "responses" in body ? body.responses : null;
  const parts = new Map<string, Part>();
  for (const response of Array.isArray(responses) ? responses : []) {
    const id = ids[Number(response?.id)];
    if (id === undefined || typeof response.status !== "number") continue;
    parts.set(id, { id, status: response.status, headers: lowerCase(response.headers), body: response.body });
  }
  if (parts.size === ids.length) return [...parts.values()];
  const message = `POST /v1.0/$batch: ${parts.size} of ${ids.length} requests were answered.`;
  throw new ConnectorError("answer_invalid", message, { stops: "run", retry: "later" });
}

function lowerCase(headers: unknown): Readonly<Record<string, string | undefined>> {
  if (typeof headers !== "object" || headers === null) return {};
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
}

/** A "not found" of Graph's own, unlike one of something on the way. */
function isGraphError(body: unknown): boolean {
  return typeof body === "object" && body !== null && "error" in body;
}

function refusal({ path, permission }: Question, part: Part): ConnectorError {
  const { id, status } = part;
  const message = `GET ${path}/${id} was answered ${status}.`;
  if (status === 403) {
    const needs = `${message} The application needs the permission ${permission}.`;
    return new ConnectorError("permission_missing", needs, { stops: "connection", retry: "never", status });
  }
  const code = status === 429 ? "throttled" : status >= 500 || status === 424 ? "server_failed" : "answer_invalid";
  return new ConnectorError(code, message, { stops: "run", retry: "later", status });
}
