import assert from "node:assert/strict";
import { it } from "node:test";
import { DEFAULTS } from "@entrain/core";
import type { Insertable } from "kysely";
import { verifyJournal } from "../store/journal.ts";
import { NO_COUNTS } from "../store/plans.ts";
import type { DB } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import { eachEngine } from "../store/testing.ts";
import { trimHistory, USUAL_HISTORY_MS } from "./history.ts";
import { withLease } from "./lease.ts";
import { DAY, testClock } from "./testing/time.ts";

const OLD = 100 * DAY;
const signal = new AbortController().signal;
const keepMs = USUAL_HISTORY_MS;

type Filled = "runs" | "plans" | "plan_changes" | "plan_issues" | "removals" | "former_links" | "open_intents";

/** Fills a table with rows that differ from a usual one as told. */
async function put<T extends Filled>(
  store: Store,
  table: T,
  rows: readonly Partial<Insertable<DB[T]>>[],
): Promise<void> {
  const usual = {
    runs: { mode: "incremental", phase: "finished", result: "succeeded", counts: "{}", failed: 0, unchanged: 0 },
    plans: { part: "changes", revision: 1, complete: 1, holds: "[]", upto: 0, link_upto: 0, state: "applied" },
    plan_changes: { phase: 0, rank: 0, kind: "user", name: "", action: "update", cause: "attributes", reason: "" },
    plan_issues: { state: "issue", sequence: 0, code: "", detail: "" },
    removals: { counter: "removals", object_id: "x", amount: 1 },
    former_links: { sync: "s", owned_since: 0, lost: 1 },
    open_intents: { target: "t", at: 0 },
  }[table];
  const more = {
    runs: { progress: "{}", actor: "{}", owner: "{}", fence: 0, read_ms: 0 },
    plans: { counts: JSON.stringify(NO_COUNTS) },
    plan_changes: { object_id: "x", record_sequence: 0, link_sequence: 0, state: "applied" },
    plan_issues: {},
    removals: {},
    former_links: {},
    open_intents: {},
  }[table];
  await store.transaction(async (tx) => {
    for (const row of rows)
      await tx
        .insertInto(table)
        .values({ ...usual, ...more, ...row } as never)
        .execute();
  });
}

async function idsIn(store: Store, table: "runs" | "plans"): Promise<readonly string[]> {
  return (await store.db.selectFrom(table).select("id").orderBy("id").execute()).map(({ id }) => id);
}

async function addSync(store: Store, windowMs: number): Promise<void> {
  const limit = { percent: 10, count: 500, windowMs };
  const definition = { ...DEFAULTS, guard: { removals: limit, members: limit } };
  await store.transaction(async (tx) => {
    const base = { organisation: "default", name: "one", revision: 1, created_at: 0 };
    const cursors = { cursor: 0, link_cursor: 0, evaluated_revision: 0 };
    const ends = { connection: "c", target: "t", records: "user" };
    await tx
      .insertInto("syncs")
      .values({ id: "s", ...base, ...ends, ...cursors, definition: JSON.stringify(definition) })
      .execute();
  });
}

eachEngine((engine) => {
  it("old runs and decided plans are forgotten with their rows, and the journal tells how many", async () => {
    const clock = testClock();
    const store = await engine.open({ clock });
    await addSync(store, DAY);
    const at = (days: number) => ({ started_at: clock.now() - days * DAY, finished_at: clock.now() - days * DAY });
    await put(store, "runs", [
      { id: "r1", sync: "s", ...at(100) },
      { id: "r2", sync: "s", ...at(91) },
      { id: "r3", sync: "s", ...at(89) },
      { id: "of-removed", sync: "gone", ...at(100) },
    ]);
    const created_at = clock.now() - OLD;
    const states = ["applied", "rejected", "superseded", "abandoned", "forgotten"];
    await put(
      store,
      "plans",
      states.map((state) => ({ id: state, sync: "s", run: "r1", state, created_at })),
    );
    await put(store, "plans", [{ id: "young", sync: "s", run: "r3", created_at: clock.now() - 89 * DAY }]);
    const of = (plan: string) => [0, 1, 2].map((ordinal) => ({ plan, ordinal }));
    await put(store, "plan_changes", [...of("applied"), ...of("young")]);
    await put(store, "plan_issues", of("applied"));
    const trimmed = await trimHistory({ store, keepMs, signal });
    assert.deepEqual(trimmed, { runs: 3, plans: 5, rows: 6, removals: 0, versions: 0 });
    assert.deepEqual([await idsIn(store, "runs"), await idsIn(store, "plans")], [["r3"], ["young"]]);
    assert.equal((await store.db.selectFrom("plan_changes").select("ordinal").execute()).length, 3);
    const [entry] = await store.db.selectFrom("journal_values").select("after").execute();
    assert.deepEqual(JSON.parse(entry?.after ?? "{}"), trimmed);
    assert.equal((await verifyJournal(store, "system")).broken, null);
    assert.deepEqual(await trimHistory({ store, keepMs, signal }), {
      runs: 0,
      plans: 0,
      rows: 0,
      removals: 0,
      versions: 0,
    });
    assert.equal((await store.db.selectFrom("journal").select("sequence").execute()).length, 1, "nothing is no entry");
  });

  it("what is still needed stays however old it is", async () => {
    const clock = testClock();
    const store = await engine.open({ clock });
    await addSync(store, DAY);
    const long = { started_at: clock.now() - OLD, finished_at: clock.now() - OLD };
    await put(store, "runs", [
      { id: "intents", sync: "s", ...long },
      { id: "unfinished", sync: "s", started_at: long.started_at - 1, finished_at: null, result: null },
      { id: "last", sync: "s", ...long, started_at: long.started_at + 1, plan: "shown" },
    ]);
    await put(store, "open_intents", [{ run: "intents", ordinal: 0, plan: "in-doubt", sync: "s" }]);
    const created_at = long.started_at;
    const states = ["building", "sealed", "applying", "held", "approved"];
    await put(
      store,
      "plans",
      states.map((state) => ({ id: state, sync: "s", run: null, state, created_at })),
    );
    await put(store, "plans", [
      { id: "in-doubt", sync: "s", run: null, created_at },
      { id: "shown", sync: "s", run: null, created_at },
      { id: "of-last", sync: "s", run: "last", created_at },
    ]);
    assert.deepEqual(await trimHistory({ store, keepMs, signal }), {
      runs: 0,
      plans: 0,
      rows: 0,
      removals: 0,
      versions: 0,
    });
    assert.equal((await idsIn(store, "plans")).length, 8);
  });

  it("removals stay for as long as any guard's window may reach them", async () => {
    const clock = testClock();
    const store = await engine.open({ clock });
    await addSync(store, 200 * DAY);
    const ages = [250, 199, 150, 1];
    await put(
      store,
      "removals",
      ages.map((days) => ({ sync: "s", at: clock.now() - days * DAY })),
    );
    assert.equal((await trimHistory({ store, keepMs, signal })).removals, 1);
    await store.transaction((tx) => tx.deleteFrom("syncs").execute());
    assert.equal((await trimHistory({ store, keepMs, signal })).removals, 2);
    assert.equal((await store.db.selectFrom("removals").select("at").execute()).length, 1);
  });

  it("since when people were owned whose links went is kept as long", async () => {
    const clock = testClock();
    const store = await engine.open({ clock });
    await addSync(store, DAY);
    const ages = [100, 91, 89, 1];
    await put(
      store,
      "former_links",
      ages.map((days) => ({ object_id: `${days}`, at: clock.now() - days * DAY })),
    );
    assert.equal((await trimHistory({ store, keepMs, signal })).removals, 2);
    const left = await store.db.selectFrom("former_links").select("object_id").orderBy("at").execute();
    assert.deepEqual(left, [{ object_id: "89" }, { object_id: "1" }]);
  });

  it("more rows than one batch go in several, and an abort stops between two", async () => {
    const clock = testClock();
    const store = await engine.open({ clock });
    await addSync(store, DAY);
    const created_at = clock.now() - OLD;
    await put(store, "plans", [{ id: "big", sync: "s", run: null, created_at }]);
    const columns = ["plan", "ordinal", "state", "sequence", "code", "detail"] as const;
    const table = columns.map(
      (name) => ({ name, type: name === "ordinal" || name === "sequence" ? "int8" : "text" }) as const,
    );
    const rows = Array.from({ length: 12_000 }, (_, ordinal) => ["big", ordinal, "issue", 0, "", ""]);
    await store.transaction((tx) => store.insertMany(tx, { table: "plan_issues", columns: table }, rows));
    const stop = new AbortController();
    let batches = 0;
    const counting: Store = {
      ...store,
      fenced: async (lease, work, options) => {
        batches += 1;
        if (batches === 3) stop.abort();
        return await store.fenced(lease, work, options);
      },
    };
    await assert.rejects(trimHistory({ store: counting, keepMs, signal: stop.signal }), { name: "AbortError" });
    const left = (await store.db.selectFrom("plan_issues").select("ordinal").execute()).length;
    assert.ok(left > 0 && left < 12_000, `${left} are left`);
    assert.deepEqual(await trimHistory({ store, keepMs, signal }), {
      runs: 0,
      plans: 1,
      rows: left,
      removals: 0,
      versions: 0,
    });
  });

  it("one process forgets at a time", async () => {
    const store = await engine.open();
    await withLease(store, "history", { wait: false, signal, what: "It" }, async () => {
      await assert.rejects(trimHistory({ store, keepMs, signal }), /is being run by process/);
    });
  });
});
