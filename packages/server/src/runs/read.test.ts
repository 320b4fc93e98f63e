import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import {
  ConnectorError,
  type Source,
  type SourceKind,
  type SourcePage,
  type SourceRecord,
  type Watermark,
} from "@entrain/core";
import { acquireLease, isLease, processOwner } from "../store/leases.ts";
import type { Lease } from "../store/store.ts";
import { type ReadOptions, readKind, readKinds } from "./read.ts";
import { openScene, type Scene } from "./testing/scene.ts";

let scene: Scene | null = null;
beforeEach(async () => {
  await scene?.close();
  scene = await openScene();
});
after(() => scene?.close());

function record(kind: SourceKind, id: string): SourceRecord {
  return { kind, id, form: "whole", attributes: { accountEnabled: true } };
}

function page(kind: SourceKind, ids: readonly string[], more: Partial<SourcePage> = {}): SourcePage {
  const watermark = `${kind} behind ${ids.at(-1)}` as Watermark;
  const records = ids.map((id) => record(kind, id));
  return { records, watermark, round: "full", begins: false, complete: false, ...more };
}

/** A source of fixed pages, each handed over once its turn has come. */
function sourceOf(pages: (kind: SourceKind, signal: AbortSignal) => AsyncIterable<SourcePage>): Source {
  return {
    read: (kind, _from, signal) => pages(kind, signal),
    presence: async () => new Map(),
    managers: async () => new Map(),
    verify: async () => [],
    close: async () => undefined,
  };
}

async function optionsOf(source: Source): Promise<ReadOptions> {
  assert.ok(scene);
  const { store } = scene;
  const lease: Lease | object = await acquireLease(store, "read:c_test", processOwner(store.clock), 60_000);
  assert.ok(isLease(lease as Parameters<typeof isLease>[0]));
  const signal = new AbortController().signal;
  const common = { store, source, connection: "c_test", run: null, signal, onProgress: () => undefined };
  return { ...common, lease: lease as Lease };
}

async function storedIds(): Promise<readonly string[]> {
  const rows = await scene?.store.db.selectFrom("records").select("id").orderBy("id").execute();
  return rows?.map(({ id }) => id) ?? [];
}

const TEN = Array.from({ length: 10 }, (_, at) => `p${at}`);

test("takes a first round without one record for failed where the service counts some, however few", async () => {
  let expected = 2;
  const source = sourceOf(async function* () {
    yield page("group", [], { begins: true, complete: true, expected });
  });
  const options = await optionsOf(source);
  await assert.rejects(readKind(options, "group"), { code: "round_empty" });
  expected = 0;
  assert.equal((await readKind(options, "group")).pages, 1);
});

test("does not let a person who came twice make up for one who never came", async () => {
  const source = sourceOf(async function* () {
    yield page("user", TEN, { begins: true, expected: 20 });
    yield page("user", TEN, { complete: true, expected: 20 });
  });
  await assert.rejects(readKind(await optionsOf(source), "user"), { code: "round_short" });
});

test("counts a person once who comes in two lanes", async () => {
  const source = sourceOf(async function* () {
    yield page("user", TEN, { begins: true, expected: 11 });
    yield page("user", ["p9", "p10"], { complete: true, expected: 11 });
  });
  await readKind(await optionsOf(source), "user");
  const row = await scene?.store.db.selectFrom("watermarks").select("seen").executeTakeFirst();
  assert.equal(row?.seen, 11);
});

const LARGE_PAGES = Array.from({ length: 7 }, (_, at) => Array.from({ length: 500 }, (_, n) => `p${at}-${n}`));
const FAILURES = {
  "is not answered": (): never => {
    throw new ConnectorError("server_failed", "It broke down.", { stops: "run", retry: "later" });
  },
  "is incomplete": (whole: SourcePage): SourcePage => {
    return { ...whole, incomplete: { code: "answer_invalid", detail: "Half of it is missing." } };
  },
} as const;

for (const [how, fail] of Object.entries(FAILURES)) {
  test(`keeps the large pages before the one that ${how}, whichever that is, and goes on with it`, async () => {
    for (const failing of LARGE_PAGES.keys()) {
      await scene?.close();
      scene = await openScene();
      let fails = true;
      const asked: number[] = [];
      const source: Source = {
        ...sourceOf(async function* () {}),
        read: async function* (_kind, from) {
          for (let at = from === null ? 0 : Number(from); at < LARGE_PAGES.length; at += 1) {
            asked.push(at);
            const more = { begins: at === 0, complete: at === LARGE_PAGES.length - 1, expected: 3_500 };
            const whole = page("user", LARGE_PAGES[at] ?? [], { ...more, watermark: String(at + 1) as Watermark });
            yield fails && at === failing ? fail(whole) : whole;
          }
        },
      };
      const options = await optionsOf(source);
      await assert.rejects(readKind(options, "user"), ConnectorError);
      assert.deepEqual(await storedIds(), LARGE_PAGES.slice(0, failing).flat().sort());
      fails = false;
      await readKind(options, "user");
      assert.deepEqual(await storedIds(), LARGE_PAGES.flat().sort());
      assert.deepEqual(asked, [...LARGE_PAGES.keys()].toSpliced(failing, 0, failing));
    }
  });
}

test("reads people and groups at the same time", async () => {
  const met = { user: Promise.withResolvers<void>(), group: Promise.withResolvers<void>() };
  const source = sourceOf(async function* (kind) {
    assert.ok(kind !== "contact");
    yield page(kind, [`${kind}-1`], { begins: true });
    met[kind].resolve();
    // Neither would ever end if one had to wait for the other's end.
    await met[kind === "user" ? "group" : "user"].promise;
    yield page(kind, [`${kind}-2`], { complete: true });
  });
  await readKinds(await optionsOf(source), ["user", "group"]);
  assert.deepEqual(await storedIds(), ["group-1", "group-2", "user-1", "user-2"]);
});

test("stops the read of one kind with the fault of the other, and keeps what was merged", async () => {
  const stored = Promise.withResolvers<void>();
  const source = sourceOf(async function* (kind, signal) {
    if (kind === "group") {
      await stored.promise;
      throw new Error("no more groups");
    }
    yield page(kind, ["p1"], { begins: true });
    stored.resolve();
    await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  await assert.rejects(readKinds(await optionsOf(source), ["user", "group"]), /no more groups/);
  assert.deepEqual(await storedIds(), ["p1"]);
});

test("journals what a repeated round found that no delta had told, and not what the delta behind it tells", async () => {
  let round = 0;
  const changed = { ...record("user", "p2"), attributes: { accountEnabled: false } };
  const source = sourceOf(async function* () {
    round += 1;
    if (round === 1) {
      yield page("user", ["p0", "p1", "p2", "p3"], { begins: true, complete: true });
      return;
    }
    const behind = page("user", [], { round: "delta", complete: true });
    const again = page("user", ["p0", "p1", "new", "told"], { begins: true, repeats: true, complete: true });
    yield { ...again, records: [...again.records, changed] };
    yield { ...behind, records: [{ ...record("user", "told"), form: "partial" }] };
  });
  const options = await optionsOf({ ...source, presence: async () => new Map([["p3", "hard"]]) });
  await readKind(options, "user");
  await readKind(options, "user");
  const rows = await scene?.store.db.selectFrom("journal").select(["type", "stream"]).execute();
  assert.deepEqual(rows, [{ type: "reconciled", stream: "system" }]);
  const values = await scene?.store.db.selectFrom("journal_values").selectAll().executeTakeFirst();
  assert.match(JSON.stringify(values), /1 had come, 1 had changed and 1 had gone/);
  const mark = await scene?.store.db.selectFrom("watermarks").select("reconciled").executeTakeFirst();
  const { at, ...counts } = JSON.parse(mark?.reconciled ?? "{}");
  assert.deepEqual([typeof at, counts], ["number", { added: 1, changed: 1, removed: 1 }]);
});

test("takes a full round that reads more than the one before for no reconciliation", async () => {
  let round = 0;
  const wider = (id: string) => ({ ...record("user", id), attributes: { accountEnabled: true, city: "Bern" } });
  const source = sourceOf(async function* () {
    round += 1;
    const whole = page("user", ["p0", "p1"], { begins: true, complete: true });
    yield round === 1 ? whole : { ...whole, records: ["p0", "p1"].map(wider) };
  });
  const options = await optionsOf(source);
  await readKind(options, "user");
  await readKind(options, "user");
  assert.equal(await scene?.store.db.selectFrom("journal").select("type").executeTakeFirst(), undefined);
  const mark = await scene?.store.db.selectFrom("watermarks").select("reconciled").executeTakeFirst();
  assert.deepEqual(mark, { reconciled: null });
});
