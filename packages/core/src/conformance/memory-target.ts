import assert from "node:assert/strict";
import {
  ConnectorError,
  type LookupRecord,
  matchKey,
  type Outcome,
  type Target,
  type TargetChange,
  type TargetKind,
  type TargetLookups,
  type TargetRecord,
} from "../index.ts";

const PERSON: TargetKind = {
  name: "person",
  source: "user",
  attributes: [
    { name: "login", type: "string", required: true, unique: true },
    { name: "key", type: "string", caseExact: true },
    { name: "note", type: "string" },
    { name: "boss", type: "reference", references: "person" },
    { name: "unit", type: "lookup", lookup: "unit" },
  ],
  matchable: ["login", "key"],
  disable: true,
  members: [],
  settleMs: 0,
  preset: { mapping: {}, matching: ["login"] },
};
const TEAM: TargetKind = { ...PERSON, name: "team", source: "group", disable: false, members: ["person", "team"] };

/** The smallest target that keeps every promise: a Map per kind. For trying the suite on something known. */
export function createMemoryTarget(): Target {
  const kinds = new Map([PERSON, TEAM].map((kind) => [kind.name, { kind, records: new Map<string, TargetRecord>() }]));
  let count = 0;

  function open(kind: string, signal: AbortSignal): { kind: TargetKind; records: Map<string, TargetRecord> } {
    signal.throwIfAborted();
    const found = kinds.get(kind);
    if (found) return found;
    throw new ConnectorError("not_found", `There is no kind ${kind}.`, { stops: "sync", retry: "never" });
  }

  function applyOne(change: TargetChange, signal: AbortSignal): Outcome {
    const { kind, records } = open(change.kind, signal);
    const id = change.recordId ?? `${kind.name}-${++count}`;
    const known = records.get(id);
    if (change.action === "delete") {
      records.delete(id);
      return { status: known ? "applied" : "unchanged", recordId: id };
    }
    if (!known && change.recordId !== null) {
      return { status: "conflict", code: "record_missing", detail: `There is no ${id}.`, retry: "now" };
    }
    const login = fold(change.set.login);
    if ([...records.values()].some((other) => other.id !== id && fold(other.attributes.login) === login)) {
      return { status: "refused", code: "exists", detail: "The login is taken.", retry: "now" };
    }
    const members = new Set([...(known?.members ?? []), ...(change.add ?? [])]);
    for (const member of change.remove ?? []) members.delete(member);
    records.set(id, {
      kind: kind.name,
      id,
      attributes: { ...known?.attributes, ...change.set },
      active: change.active ?? known?.active ?? true,
      ...(kind.members.length > 0 && { members: [...members] }),
    });
    return { status: "applied", recordId: id };
  }

  return {
    kinds: [PERSON, TEAM],
    lookups: createMemoryLookups(),
    batch: 70,
    verify: async (signal) => {
      signal.throwIfAborted();
      return [{ name: "Memory", ok: true, detail: "There is some.", fix: null }];
    },
    async *list(kind, _options, signal) {
      const records = [...open(kind, signal).records.values()];
      for (let start = 0; start < records.length; start += 60) yield records.slice(start, start + 60);
    },
    find: async (kind, attribute, values, signal) => {
      const { kind: declared, records } = open(kind, signal);
      assert.ok(values.length <= 100);
      if (!declared.matchable.includes(attribute)) {
        throw new ConnectorError("not_found", `${attribute} cannot be matched.`, { stops: "sync", retry: "never" });
      }
      const key = attribute === "key" ? String : fold;
      const wanted = new Set(values.map(key));
      return [...records.values()].filter((record) => wanted.has(key(record.attributes[attribute])));
    },
    get: async (kind, ids, _options, signal) => {
      const { records } = open(kind, signal);
      assert.ok(ids.length <= 100);
      return ids.map((id) => records.get(id)).filter((record) => record !== undefined);
    },
    apply: async (changes, signal) => {
      assert.ok(changes.length <= 70);
      signal.throwIfAborted();
      for (const { kind } of changes) open(kind, signal);
      return changes.map((change) => applyOne(change, signal));
    },
    close: async () => {},
  };
}

/** One lookup, whose values may be created. */
function createMemoryLookups(): TargetLookups {
  const byKey = new Map<string, LookupRecord>();
  const open = (lookup: string, count: number, signal: AbortSignal): void => {
    signal.throwIfAborted();
    assert.ok(lookup === "unit" && count <= 100);
  };
  const keyOf = (value: string): string => matchKey(value, {}) ?? "";
  return {
    kinds: [{ name: "unit", creates: true }],
    find: async (lookup, values, signal) => {
      open(lookup, values.length, signal);
      return values.map((value) => byKey.get(keyOf(value))).filter((record) => record !== undefined);
    },
    get: async (lookup, ids, signal) => {
      open(lookup, ids.length, signal);
      return [...byKey.values()].filter(({ id }) => ids.includes(id));
    },
    create: async (lookup, values, signal) => {
      open(lookup, values.length, signal);
      return values.map((value): Outcome => {
        const known = byKey.get(keyOf(value));
        if (known) return { status: "unchanged", recordId: known.id };
        const record = { id: `unit-${byKey.size + 1}`, value };
        byKey.set(keyOf(value), record);
        return { status: "applied", recordId: record.id };
      });
    },
  };
}

function fold(value: unknown): unknown {
  return typeof value === "string" ? value.toLowerCase() : Symbol("nothing");
}
