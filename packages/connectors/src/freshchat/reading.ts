import assert from "node:assert/strict";
import { matchKey, type TargetAttribute, type TargetRecord, type Value } from "@entrain/core";
import { mapConcurrently } from "../shared/concurrent.ts";
import { faultOf } from "../shared/reply.ts";
import { isFolding } from "./folding.ts";
import { type Json, resourceIn, textIn } from "./json.ts";
import type { FreshchatKind } from "./kinds.ts";
import type { Roster } from "./memory.ts";
import { invalidAnswer, type List, PAGE, readPage } from "./page.ts";
import { type Reader, wholeList } from "./reader.ts";
import { recordOf } from "./resource.ts";
import { walk } from "./walk.ts";

const MOST_LOOKUPS = 100;
/** The page size of clients that ask for none: with fewer rows than that a page is the last one, whatever it says. */
const LEAST_PAGE = 20;
const MOST_FILTERED_PAGES = 20;

/** Yields all records, each once. Those that this target wrote a moment ago are among them. */
export async function* listRecords(reader: Reader): AsyncIterable<readonly TargetRecord[]> {
  const { kind, memory } = reader;
  const shown = new Set<string>();
  let deactivated = false;
  const fresh = (rows: readonly Json[]): readonly TargetRecord[] => {
    const records = rows.map((row) => recordOf(kind, row)).filter((record) => record !== null);
    const here = records.filter(({ id }) => !memory.hasLeft(id) && !shown.has(id));
    for (const { id } of here) shown.add(id);
    return here;
  };
  for await (const rows of walk(reader, wholeList(kind))) {
    deactivated ||= rows.some(isDeactivated);
    yield fresh(rows);
  }
  if (kind.kind.disable && !deactivated) {
    const list = { ...wholeList(kind), filter: { is_deactivated: "true" } };
    const first = await readPage(reader, list, { page: 1, size: PAGE });
    // One row of another kind, and the filter was ignored: then they were among the others.
    if (first.rows.length > 0 && first.rows.every(isDeactivated)) {
      for await (const rows of walk(reader, list)) yield fresh(rows);
    }
  }
  const missing = [...memory.written.keys()].filter((id) => !shown.has(id));
  if (missing.length > 0) yield await recordsOf(reader, missing);
}

function isDeactivated(row: Json): boolean {
  return row.is_deactivated === true;
}

/**
 * The records whose attribute has one of the values. What Freshchat answers to a filter is compared once more. `lately`: a list
 * that was read a moment ago will do. To a look for a creation that nobody heard of it would not: that may take effect meanwhile.
 */
export async function findRecords(
  reader: Reader,
  attribute: TargetAttribute,
  { values, lately }: { readonly values: readonly Value[]; readonly lately: boolean },
): Promise<readonly TargetRecord[]> {
  assert.ok(values.length <= MOST_LOOKUPS, "find takes at most 100 values");
  const { memory } = reader;
  if (!lately) memory.roster = null;
  const keyOf = (value: Value | undefined): string => matchKey(value, attribute) ?? "";
  const wanted = new Map(values.filter((value) => keyOf(value) !== "").map((value) => [keyOf(value), String(value)]));
  if (wanted.size === 0) return [];
  const isWanted = ({ attributes }: TargetRecord): boolean => wanted.has(keyOf(attributes[attribute.name]));
  const hits =
    reader.kind.endpoint === "/agents" ? await inRoster(reader, wanted) : await byFilter(reader, attribute, wanted);
  // What was written a moment ago may not be found by it yet, or still by what it was before.
  const written = [...memory.written.values()].filter(({ record }) => isWanted(record)).map(({ record }) => record.id);
  const held = await recordsOf(reader, written);
  const found = [...hits.filter(({ id }) => !memory.written.has(id)), ...held];
  const fitting = found.filter((record) => isWanted(record) && !memory.hasLeft(record.id));
  return [...new Map(fitting.map((record) => [record.id, record])).values()];
}

async function byFilter(
  reader: Reader,
  attribute: TargetAttribute,
  wanted: ReadonlyMap<string, string>,
): Promise<readonly TargetRecord[]> {
  const { name } = attribute;
  const found = await overAll(reader, [...wanted], async ([key, value], within) => {
    const records = await filtered(within, name, value);
    return { key, records, hit: records.some((record) => matchKey(record.attributes[name], attribute) === key) };
  });
  const missed = found.filter(({ hit }) => !hit).map(({ key }) => [key, ""] as const);
  const records = found.flatMap((one) => one.records);
  if (attribute.caseExact === true || missed.length === 0) return records;
  if (await isFolding(reader, { find: filtered, roster: rosterOf })) return records;
  return [...records, ...(await inRoster(reader, new Map(missed)))];
}

/** The records that a filter gives. A filter that is ignored gives all of them, which few accounts have room for. */
async function filtered(reader: Reader, name: string, value: string): Promise<readonly TargetRecord[]> {
  const { kind } = reader;
  const list: List = { path: kind.endpoint, names: kind.names, filter: { [name]: value } };
  const records: TargetRecord[] = [];
  for (let page = 1; page <= MOST_FILTERED_PAGES; page += 1) {
    const { rows, more } = await readPage(reader, list, { page, size: PAGE });
    records.push(...rows.map((row) => recordOf(kind, row)).filter((record) => record !== null));
    if (more === false || rows.length === 0 || (more === null && rows.length < LEAST_PAGE)) return records;
  }
  throw invalidAnswer(`The filter "${name}" of ${kind.endpoint} gave more than ${MOST_FILTERED_PAGES * PAGE} records`);
}

/** Where no filter finds an address, or only in its very letters, it is looked for in the whole list. */
async function inRoster(reader: Reader, wanted: ReadonlyMap<string, unknown>): Promise<readonly TargetRecord[]> {
  const roster = await rosterOf(reader);
  return [...wanted.keys()].flatMap((key) => roster.byKey.get(key) ?? []);
}

/** The list as it was read lately, or is read now. */
async function rosterOf(reader: Reader): Promise<Roster> {
  const { memory } = reader;
  const roster = memory.roster ?? (await readRoster(reader));
  memory.roster = roster;
  return roster;
}

async function readRoster(reader: Reader): Promise<Roster> {
  const at = reader.now();
  const byKey = new Map<string, TargetRecord[]>();
  for await (const page of listRecords(reader)) {
    for (const record of page) {
      const key = matchKey(record.attributes.email, {});
      if (key !== null) byKey.set(key, [...(byKey.get(key) ?? []), record]);
    }
  }
  return { at, byKey };
}

/** Reads records by id, one request each; those that are not there, or are deleted, are left out. */
export async function getRecords(reader: Reader, ids: readonly string[]): Promise<readonly TargetRecord[]> {
  assert.ok(ids.length <= MOST_LOOKUPS, "get takes at most 100 ids");
  return await recordsOf(reader, ids);
}

async function recordsOf(reader: Reader, ids: readonly string[]): Promise<readonly TargetRecord[]> {
  const found = await overAll(reader, [...new Set(ids)], async (id, within) => {
    const resource = reader.memory.hasLeft(id) ? null : await getResource(within, id);
    return resource && recordOf(reader.kind, resource);
  });
  return found.filter((record) => record !== null);
}

/** One resource as it is there, deleted or not, or `null` when Freshchat does not know it. */
export async function getResource(reader: Reader, id: string): Promise<Json | null> {
  const { client, kind, signal } = reader;
  const path = resourcePath(kind, id);
  if (path === null) return null;
  const reply = await client.send({ method: "GET", path, repeatable: true }, signal);
  if (reply.kind === "error" && (reply.status === 404 || reply.status === 410)) return null;
  if (reply.kind !== "answer") {
    if (signal.aborted) throw signal.reason;
    throw faultOf(reply, `The ${kind.kind.name} ${id}`);
  }
  const resource = resourceIn(reply.body, kind.names);
  if (resource === null || textIn(resource.id) !== id) {
    throw invalidAnswer(`The answer to ${kind.endpoint} by id held another record`);
  }
  return resource;
}

/** The path of one resource, or `null` for an id that no resource can have: it would name another place. */
export function resourcePath({ endpoint }: FreshchatKind, id: string): string | null {
  return id === "" || id === "." || id === ".." ? null : `${endpoint}/${encodeURIComponent(id)}`;
}

async function overAll<K, T>(
  reader: Reader,
  keys: readonly K[],
  one: (key: K, within: Reader) => Promise<T>,
): Promise<readonly T[]> {
  const how = { atATime: reader.concurrency, signal: reader.signal };
  return mapConcurrently(keys, how, (key, signal) => one(key, { ...reader, signal }));
}
