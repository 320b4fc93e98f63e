import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectorError, type Target } from "@entrain/core";
import { namedTarget } from "./named-target.ts";

const { signal } = new AbortController();
const OF = { name: "desk", addresses: ["https://desk.example.com"] } as const;

/** A target that fails in everything it can be asked. */
function broken(): Required<Target> {
  const fail = (): Promise<never> =>
    Promise.reject(new ConnectorError("unreachable", "It is away.", { stops: "sync", retry: "later" }));
  return {
    kinds: [],
    describe: fail,
    lookups: { kinds: [], find: fail, get: fail, create: fail },
    seats: fail,
    batch: 7,
    verify: fail,
    // biome-ignore lint/correctness/useYield: it fails before the first page
    list: async function* () {
      await fail();
    },
    find: fail,
    get: fail,
    apply: fail,
    wasMade: fail,
    close: () => Promise.resolve(),
  };
}

test("whatever a target is asked, its faults begin with its name and address", async () => {
  const { lookups, ...target } = namedTarget(broken(), OF.name, OF.addresses) as Required<Target>;
  const change = { ordinal: 1, kind: "user", action: "create", recordId: null, set: {} } as const;
  const asked: Readonly<Record<string, () => Promise<unknown>>> = {
    describe: () => target.describe(signal),
    lookupsFind: () => lookups.find("role", ["Agent"], signal),
    lookupsGet: () => lookups.get("role", ["1"], signal),
    lookupsCreate: () => lookups.create("role", ["Agent"], signal),
    seats: () => target.seats("user", signal),
    verify: () => target.verify(signal),
    list: () => target.list("user", { members: false }, signal)[Symbol.asyncIterator]().next(),
    find: () => target.find("user", "userName", ["ana"], signal),
    get: () => target.get("user", ["1"], { members: false }, signal),
    apply: () => target.apply([change], signal),
    wasMade: () => target.wasMade(change, "1", signal),
  };
  for (const [what, ask] of Object.entries(asked)) {
    await assert.rejects(
      ask,
      { code: "unreachable", message: "Target desk (https://desk.example.com): It is away." },
      what,
    );
  }
});

test("a target keeps what it can, and gains nothing that it cannot", () => {
  const full = broken();
  const named = namedTarget(full, OF.name, OF.addresses);
  assert.deepEqual(Object.keys(named).toSorted(), Object.keys(full).toSorted());
  assert.equal(named.batch, 7);
  assert.equal(named.lookups?.kinds, full.lookups.kinds);
  const { describe: _, lookups: _lookups, seats: _seats, wasMade: _wasMade, ...plain } = full;
  assert.deepEqual(Object.keys(namedTarget(plain, OF.name, OF.addresses)).toSorted(), Object.keys(plain).toSorted());
});

test("a target without an address is handed on as it is", () => {
  const target = broken();
  assert.equal(namedTarget(target, "portal", []), target);
});
