import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import type { SourcePage, SourceRecord } from "@entrain/core";
import { systemClock } from "../clock.ts";
import { Pages } from "./read-pages.ts";

const person = (at: number): SourceRecord => {
  return { kind: "user", id: `id-${at}`, form: "whole", attributes: {}, manager: null };
};

function page(count: number, more: Partial<SourcePage> = {}): SourcePage {
  const records = Array.from({ length: count }, (_, at) => person(at));
  return { records, round: "full", begins: false, complete: false, watermark: "w", ...more } as SourcePage;
}

async function* source(pages: readonly (SourcePage | Error)[]): AsyncGenerator<SourcePage> {
  for (const one of pages) {
    if (one instanceof Error) throw one;
    yield one;
  }
}

const never = new AbortController().signal;
const open = (...pages: readonly (SourcePage | Error)[]): Pages => new Pages(() => source(pages), never, systemClock);

test("a large page of the same round that is there comes with the one before it, and not a second time", async () => {
  const [one, two, three] = [page(999), page(999), page(20, { complete: true })];
  const pages = open(one, two, three);
  assert.equal(await pages.next(), one);
  assert.equal(await pages.behind(one), two);
  assert.equal(await pages.behind(two), three);
  assert.equal(await pages.behind(three), null);
  assert.equal(await pages.next(), null);
  await pages.end();
});

test("small pages, the last of a round, one that withholds something and those of a delta stand alone", async () => {
  for (const [before, behind] of [
    [page(499), page(999)],
    [page(999, { complete: true }), page(999)],
    [page(999), page(999, { withheld: [] })],
    [page(999), page(999, { round: "delta" })],
    [page(999, { round: "delta" }), page(999, { round: "delta" })],
  ] as const) {
    const pages = open(before, behind);
    await pages.next();
    assert.equal(await pages.behind(before), null);
    assert.equal(await pages.next(), behind);
    await pages.end();
  }
});

test("a page that is late, or that fails, keeps the one before it waiting for a moment at most", async () => {
  const first = page(999);
  const { promise, resolve } = Promise.withResolvers<void>();
  const late = new Pages(
    async function* () {
      yield first;
      await promise;
      yield page(3);
    },
    never,
    systemClock,
  );
  await late.next();
  assert.equal(await late.behind(first), null);
  resolve();
  assert.equal((await late.next())?.records.length, 3);
  await late.end();

  const failing = open(first, new Error("cut off"));
  await failing.next();
  assert.equal(await failing.behind(first), null);
  await assert.rejects(failing.next(), /cut off/);
  await failing.end();
});

test("a page that is asked for inside a transaction is made outside of it, where the source may write", async () => {
  const transaction = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const first = page(999);
  const pages = new Pages(
    async function* () {
      for (;;) {
        seen.push(transaction.getStore());
        yield first;
      }
    },
    never,
    systemClock,
  );
  await pages.next();
  assert.equal(await transaction.run("open", () => pages.behind(first)), first);
  await pages.end();
  assert.deepEqual(seen, [undefined, undefined]);
});

test("a read that ends while a page is on its way does not wait for it", async () => {
  const first = page(999);
  const pages = new Pages(
    async function* (signal) {
      yield first;
      await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
    never,
    systemClock,
  );
  await pages.next();
  assert.equal(await pages.behind(first), null);
  await pages.end();
});
