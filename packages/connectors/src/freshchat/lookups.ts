import assert from "node:assert/strict";
import { ConnectorError, type LookupRecord, matchKey, type Outcome, type TargetLookups } from "@entrain/core";
import type { FreshchatClient } from "./api.ts";
import { textIn } from "./json.ts";
import type { List } from "./page.ts";
import { walk } from "./walk.ts";

const MOST = 100;
/** Roles and groups hardly ever change, and are asked for with every batch of agents. */
const FRESH_MS = 60_000;

const LISTS: ReadonlyMap<string, List> = new Map([
  ["role", { path: "/roles", filter: {}, names: ["roles", "role"] }],
  ["group", { path: "/groups", filter: {}, names: ["groups", "group"] }],
]);

/** The account's roles and groups, by name. The API has no call that makes one. */
export function createFreshchatLookups(client: FreshchatClient, now: () => number): TargetLookups {
  const known = new Map<string, { readonly at: number; readonly records: readonly LookupRecord[] }>();
  const all = async (lookup: string, signal: AbortSignal): Promise<readonly LookupRecord[]> => {
    const list = listOf(lookup);
    const last = known.get(lookup);
    if (last !== undefined && now() - last.at < FRESH_MS) return last.records;
    const at = now();
    const records = new Map<string, LookupRecord>();
    for await (const rows of walk({ client, signal }, list)) {
      for (const { id, name } of rows) {
        const [key, value] = [textIn(id), textIn(name)];
        if (key !== null && value !== null) records.set(key, { id: key, value });
      }
    }
    known.set(lookup, { at, records: [...records.values()] });
    return [...records.values()];
  };
  return {
    kinds: [...LISTS.keys()].map((name) => ({ name, creates: false })),
    async find(lookup, values, signal) {
      check(lookup, values, signal);
      const keys = new Set(values.map((value) => matchKey(value, {})).filter((key) => key !== null));
      if (keys.size === 0) return [];
      return (await all(lookup, signal)).filter(({ value }) => keys.has(matchKey(value, {}) ?? ""));
    },
    async get(lookup, ids, signal) {
      check(lookup, ids, signal);
      const wanted = new Set(ids);
      return ids.length === 0 ? [] : (await all(lookup, signal)).filter(({ id }) => wanted.has(id));
    },
    async create(lookup, values, signal) {
      check(lookup, values, signal);
      const detail = `Freshchat lets no ${lookup} be created by its API: add it in Freshchat.`;
      return values.map((): Outcome => ({ status: "refused", code: "request_refused", detail, retry: "later" }));
    },
  };
}

function check(lookup: string, asked: readonly string[], signal: AbortSignal): void {
  signal.throwIfAborted();
  listOf(lookup);
  assert.ok(asked.length <= MOST, `a lookup takes ${MOST} values at once`);
}

function listOf(lookup: string): List {
  const list = LISTS.get(lookup);
  if (list !== undefined) return list;
  throw new ConnectorError("not_found", `Freshchat has no lookup ${lookup}.`, { stops: "sync", retry: "never" });
}
