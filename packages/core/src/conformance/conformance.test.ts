import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome, Target, TargetChange, TargetRecord } from "../index.ts";
import { type ConformanceOptions, type KindSample, targetConformance, targetProofs } from "./index.ts";
import { createMemoryTarget } from "./memory-target.ts";

const attributes = (prefix: string) => (n: number) => ({
  login: `${prefix}${n}@example.org`,
  key: `Key-${n}`,
  note: `Note ${n}`,
});
const person: KindSample = {
  kind: "person",
  attributes: attributes("Ada"),
  text: "note",
  matching: "login",
  matchingText: "key",
  reference: "boss",
  lookup: "unit",
};
const team: KindSample = { kind: "team", attributes: attributes("Team"), text: "note", matching: "login" };

function optionsFor(spoil: (target: Target) => Partial<Target>): ConformanceOptions {
  const open = async () => {
    const target = createMemoryTarget();
    const independentRead = async (kind: string) => {
      const records: TargetRecord[] = [];
      for await (const page of target.list(kind, { members: true }, AbortSignal.any([]))) records.push(...page);
      return records;
    };
    return { target: { ...target, ...spoil(target) }, close: async () => {}, independentRead };
  };
  return { name: "memory", open, kinds: [person, team] };
}

targetConformance(optionsFor(() => ({})));

/** Rewrites every change on its way to a target that is otherwise right. */
const rewriting = (rewrite: (change: TargetChange) => TargetChange) => (target: Target) => ({
  apply: (changes: readonly TargetChange[], signal: AbortSignal) => target.apply(changes.map(rewrite), signal),
});
/** Rewrites every record on its way from a target that is otherwise right. */
const misreading = (rewrite: (record: TargetRecord) => TargetRecord) => (target: Target) => ({
  get: async (...read: Parameters<Target["get"]>) => (await target.get(...read)).map(rewrite),
});

const FAULTS: readonly {
  readonly fault: string;
  readonly kind: KindSample;
  readonly spoil: (target: Target) => Partial<Target>;
  readonly caughtBy: string;
}[] = [
  {
    fault: "trims values",
    kind: person,
    spoil: misreading((record) => ({
      ...record,
      attributes: { ...record.attributes, note: String(record.attributes.note ?? "").trim() || null },
    })),
    caughtBy: "gives back every text exactly as it was set",
  },
  {
    fault: "ignores null",
    kind: person,
    spoil: rewriting((change) => ({
      ...change,
      set: Object.fromEntries(Object.entries(change.set).filter(([, value]) => value !== null)),
    })),
    caughtBy: "clears an attribute that is set to null",
  },
  {
    fault: "replaces the whole record by an update",
    kind: person,
    spoil: rewriting((change) =>
      change.action === "update" ? { ...change, set: { login: null, key: null, ...change.set } } : change,
    ),
    caughtBy: "changes by an update only what was set",
  },
  {
    fault: "enables by every update",
    kind: person,
    spoil: rewriting((change) => ({ ...change, active: change.active ?? true })),
    caughtBy: "disables and enables without touching anything else",
  },
  {
    fault: "creates what an update misses",
    kind: person,
    spoil: (target) => ({
      apply: async (changes, signal) => {
        const outcomes = await target.apply(changes, signal);
        return outcomes.map((outcome) =>
          outcome.status === "conflict" ? { status: "applied" as const, recordId: "new" } : outcome,
        );
      },
    }),
    caughtBy: "answers record_missing for a change of a record that is gone",
  },
  {
    fault: "removes every member by one removal",
    kind: team,
    spoil: (target) => ({
      apply: async (changes, signal) => {
        const all: TargetChange[] = [];
        for (const change of changes) {
          const [group] = change.recordId
            ? await target.get("team", [change.recordId], { members: true }, signal)
            : [undefined];
          all.push(change.remove?.length ? { ...change, remove: group?.members ?? [] } : change);
        }
        return target.apply(all, signal);
      },
    }),
    caughtBy: "never removes a member that was not named",
  },
  {
    fault: "finds by substring",
    kind: person,
    spoil: (target) => ({
      find: async (kind, attribute, values, signal) => {
        const hits: TargetRecord[] = [];
        for await (const page of target.list(kind, { members: false }, signal)) hits.push(...page);
        return hits.filter((hit) => values.some((value) => String(hit.attributes[attribute]).includes(String(value))));
      },
    }),
    caughtBy: "takes no value for a query",
  },
  {
    fault: "creates a value of a lookup twice",
    kind: person,
    spoil: (target) => {
      let count = 0;
      const { lookups } = target;
      assert.ok(lookups);
      const create = async (_lookup: string, values: readonly string[]): Promise<readonly Outcome[]> =>
        values.map(() => ({ status: "applied", recordId: `unit-${++count}` }));
      return { lookups: { ...lookups, create } };
    },
    caughtBy: "creates a value of a lookup once, however it is spelled",
  },
  {
    fault: "takes a part of a lookup's value for the whole",
    kind: person,
    spoil: ({ lookups }) => {
      assert.ok(lookups);
      const known: string[] = [];
      return {
        lookups: {
          ...lookups,
          create: async (lookup, values, signal) => {
            known.push(...values);
            return await lookups.create(lookup, values, signal);
          },
          find: async (lookup, values, signal) => {
            const like = known.filter((value) => values.some((part) => value.startsWith(part)));
            return await lookups.find(lookup, [...new Set([...values, ...like])].slice(0, 100), signal);
          },
        },
      };
    },
    caughtBy: "finds values of a lookup by their names alone",
  },
  {
    fault: "lists the first page only",
    kind: person,
    spoil: (target) => ({
      async *list(...read: Parameters<Target["list"]>) {
        for await (const page of target.list(...read)) return yield page;
      },
    }),
    caughtBy: "lists 250 records exactly once",
  },
  {
    fault: "answers in another order",
    kind: person,
    spoil: (target) => ({ apply: async (...batch) => (await target.apply(...batch)).toReversed() }),
    caughtBy: "answers one outcome per change in the order of the batch",
  },
  {
    fault: "stops at a refusal",
    kind: person,
    spoil: (target) => ({
      apply: async (changes, signal) => {
        const outcomes: Outcome[] = [];
        for (const change of changes) {
          const failed: Outcome | undefined = outcomes.find(({ status }) => status === "conflict");
          outcomes.push(failed ?? (await target.apply([change], signal))[0] ?? assert.fail());
        }
        return outcomes;
      },
    }),
    caughtBy: "goes on behind a change that it refuses",
  },
  {
    fault: "sends under an aborted signal",
    kind: person,
    spoil: (target) => ({ apply: (changes) => target.apply(changes, new AbortController().signal) }),
    caughtBy: "rejects under an aborted signal without sending anything",
  },
  {
    fault: "writes while it verifies",
    kind: person,
    spoil: (target) => ({
      verify: async (signal) => {
        const probe = {
          ordinal: 0,
          kind: "person",
          action: "create",
          recordId: null,
          set: { login: "probe" },
        } as const;
        await target.apply([probe], signal);
        return target.verify(signal);
      },
    }),
    caughtBy: "verifies by named checks and writes nothing",
  },
];

for (const { fault, kind, spoil, caughtBy } of FAULTS) {
  test(`catches a target that ${fault}`, async () => {
    const proof = (await targetProofs(optionsFor(spoil), kind)).find(({ name }) => name === caughtBy);
    assert.ok(proof, `there is a claim "${caughtBy}"`);
    await assert.rejects(proof.prove(), assert.AssertionError);
  });
}
