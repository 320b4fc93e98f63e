import assert from "node:assert/strict";
import { ConnectorError, type TargetRecord, type Value } from "@entrain/core";
import { mapConcurrently } from "../shared/concurrent.ts";
import { faultOf } from "../shared/reply.ts";
import type { ScimAttribute, ScimKind } from "./attributes.ts";
import type { ScimClient } from "./client.ts";
import type { Dialect } from "./dialect.ts";
import { isJson, type Json, property, recordOf } from "./resource.ts";

/** Records of one page. Groups with their members are large: fewer at a time. */
const PAGE = 100;
const PAGE_WITH_MEMBERS = 20;
const MOST_LOOKUPS = 100;

/** What the reads have in common. */
export interface Reader {
  readonly client: ScimClient;
  readonly kind: ScimKind;
  /** How writes are worded. */
  readonly dialect: Dialect;
  readonly concurrency: number;
  readonly signal: AbortSignal;
}

/**
 * Yields all resources page by page (RFC 7644 section 3.4.2.4). Goes on from what came, not from what was asked, so a
 * server may cap `count` as it likes.
 * @throws ConnectorError `answer_invalid` for a page that is missing or repeated: a read that was cut short looks like
 * a target without those records.
 */
export async function* pages(reader: Reader, filter: string | null, members: boolean): AsyncIterable<readonly Json[]> {
  const { kind } = reader;
  let start = 1;
  let previous = "";
  for (;;) {
    const query = queryOf(kind, { filter, members, start, count: members ? PAGE_WITH_MEMBERS : PAGE });
    const body = await getJson(reader, `${kind.endpoint}?${query}`);
    const total = property(body, "totalResults");
    const resources = property(body, "Resources") ?? [];
    if (typeof total !== "number" || !Array.isArray(resources) || !resources.every(isJson)) {
      throw invalidAnswer(`The list of ${kind.endpoint} was no list`);
    }
    if (resources.length === 0) {
      if (total < start) return;
      throw invalidAnswer(`The list of ${kind.endpoint} ended after ${start - 1} of ${total} records`);
    }
    const ids = resources.map((resource) => property(resource, "id")).join("\n");
    if (ids === previous) throw invalidAnswer(`The list of ${kind.endpoint} gave the same page twice`);
    yield resources;
    previous = ids;
    start += resources.length;
    if (start > total) return;
  }
}

function queryOf(
  kind: ScimKind,
  asked: { readonly filter: string | null; readonly members: boolean; readonly start: number; readonly count: number },
): string {
  const parts = [`startIndex=${asked.start}`, `count=${asked.count}`];
  if (asked.filter !== null) parts.push(`filter=${encodeURIComponent(asked.filter)}`);
  return [...parts, ...withoutMembers(kind, asked.members)].join("&");
}

function withoutMembers(kind: ScimKind, members: boolean): readonly string[] {
  return kind.kind.members.length > 0 && !members ? ["excludedAttributes=members"] : [];
}

/** Reads one list page by page as records, leaving out what a shift between two pages repeats. */
export async function* listRecords(reader: Reader, members: boolean): AsyncIterable<readonly TargetRecord[]> {
  let before = new Set<string>();
  for await (const resources of pages(reader, null, members)) {
    const records = resources.map((resource) => toRecord(reader.kind, resource, members));
    yield records.filter(({ id }) => !before.has(id));
    before = new Set(records.map(({ id }) => id));
  }
}

/** The filter of RFC 7644 section 3.4.2.2 for one value: a JSON string, so that no value can end it. */
export function equalsFilter(attribute: string, value: string): string {
  return `${attribute} eq ${JSON.stringify(value)}`;
}

/**
 * Looks values up, one request each: `or` is not supported everywhere. What a server answers must hold the value that
 * was asked for, or a server that ignores filters would match everyone with anyone.
 */
export async function findRecords(
  reader: Reader,
  attribute: ScimAttribute,
  values: readonly Value[],
): Promise<readonly TargetRecord[]> {
  assert.ok(values.length <= MOST_LOOKUPS, "find takes at most 100 values");
  const { name, caseExact } = attribute.declared;
  const wanted = new Set(values.filter((value) => typeof value === "string" && value !== "").map(String));
  const found = await overAll(reader, [...wanted], async (value, within) => {
    const hits: TargetRecord[] = [];
    for await (const resources of pages(within, equalsFilter(name, value), false)) {
      for (const resource of resources) hits.push(toRecord(reader.kind, resource, false));
    }
    const key = matchingKey(value, caseExact);
    if (hits.some((hit) => matchingKey(hit.attributes[name] ?? null, caseExact) !== key)) {
      throw invalidAnswer(`The server answered the filter "${name} eq …" with a record that does not match it`);
    }
    return hits;
  });
  return [...new Map(found.flat().map((record) => [record.id, record])).values()];
}

/** Values as RFC 7643 section 2.2 compares them. A server may fold case where we do not know; never the reverse. */
function matchingKey(value: Value, caseExact: boolean | undefined): string {
  const text = String(value ?? "").normalize("NFC");
  return caseExact ? text : text.toLowerCase();
}

/** Reads records by id, one request each; those that the server does not know are left out. */
export async function getRecords(
  reader: Reader,
  ids: readonly string[],
  members: boolean,
): Promise<readonly TargetRecord[]> {
  assert.ok(ids.length <= MOST_LOOKUPS, "get takes at most 100 ids");
  const found = await overAll(reader, [...new Set(ids)], async (id, within) => {
    const resource = await getResource(within, id, members);
    return resource && toRecord(reader.kind, resource, members);
  });
  return found.filter((record) => record !== null);
}

/** One resource, or `null` when the server does not know it. */
export async function getResource(reader: Reader, id: string, members: boolean): Promise<Json | null> {
  const path = resourcePath(reader.kind, id);
  if (path === null) return null;
  const query = withoutMembers(reader.kind, members).join("&");
  const reply = await reader.client.send(
    { method: "GET", path: query ? `${path}?${query}` : path, repeatable: true },
    reader.signal,
  );
  if (reply.kind === "error" && (reply.status === 404 || reply.status === 410)) return null;
  if (reply.kind !== "answer") throw stopped(reader.signal) ?? faultOf(reply, `${reader.kind.kind.name} ${id}`);
  if (reply.body === null || property(reply.body, "id") !== id) {
    throw invalidAnswer(`The answer to ${reader.kind.endpoint} by id held another record`);
  }
  return reply.body;
}

/** The path of one resource, or `null` for an id that no resource can have: it would name another place. */
export function resourcePath(kind: ScimKind, id: string): string | null {
  return id === "" || id === "." || id === ".." ? null : `${kind.endpoint}/${encodeURIComponent(id)}`;
}

async function getJson(reader: Reader, path: string): Promise<Json> {
  const reply = await reader.client.send({ method: "GET", path, repeatable: true }, reader.signal);
  if (reply.kind !== "answer") throw stopped(reader.signal) ?? faultOf(reply, `Reading ${reader.kind.endpoint}`);
  if (reply.body === null) throw invalidAnswer(`The list of ${reader.kind.endpoint} was empty`);
  return reply.body;
}

function stopped(signal: AbortSignal): unknown {
  return signal.aborted ? signal.reason : null;
}

function toRecord(kind: ScimKind, resource: Json, members: boolean): TargetRecord {
  const record = recordOf(kind, resource, members);
  if (record === null) throw invalidAnswer(`A record of ${kind.endpoint} had no id`);
  return record;
}

/** The reader that each is given ends with the first fault, which is thrown when all have ended. */
async function overAll<T>(
  reader: Reader,
  keys: readonly string[],
  one: (key: string, within: Reader) => Promise<T>,
): Promise<readonly T[]> {
  const how = { atATime: reader.concurrency, signal: reader.signal };
  return mapConcurrently(keys, how, (key, signal) => one(key, { ...reader, signal }));
}

function invalidAnswer(message: string): ConnectorError {
  return new ConnectorError("answer_invalid", `${message}.`, { stops: "sync", retry: "later" });
}
