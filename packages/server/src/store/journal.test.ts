import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sql } from "kysely";
import { appendJournal, eraseValues, type JournalEntry, verifyJournal } from "./journal.ts";
import type { Store } from "./store.ts";
import { eachEngine } from "./testing.ts";

const actor = { kind: "operator", id: "ada" };

function entry(ordinal: number, more: Partial<JournalEntry> = {}): JournalEntry {
  const objectId = `person-${ordinal}`;
  const before = { displayName: "Ole", city: null };
  return {
    actor,
    type: "intent",
    run: "run_1",
    ordinal,
    objectId,
    action: "update",
    before,
    after: { displayName: `Person ${ordinal}` },
    ...more,
  };
}

function append(store: Store, stream: string, entries: readonly JournalEntry[]): Promise<void> {
  return store.transaction((tx) => appendJournal(tx, store, stream, entries));
}

const five = [1, 2, 3, 4, 5].map((ordinal) => entry(ordinal));

eachEngine((engine) => {
  describe("the journal", () => {
    it("numbers each stream without gaps and chains it from its first row", async () => {
      const store = await engine.open();
      await append(store, "sync:a", five.slice(0, 2));
      await append(store, "sync:b", five.slice(0, 1));
      await append(store, "sync:a", five.slice(2));
      await append(store, "sync:a", []);
      const rows = await store.db
        .selectFrom("journal")
        .select(["sequence", "previous", "hash", "actor_id", "cause"])
        .where("stream", "=", "sync:a")
        .orderBy("sequence")
        .execute();
      assert.deepEqual(
        rows.map((row) => row.sequence),
        [1, 2, 3, 4, 5],
      );
      assert.deepEqual(
        rows.map((row) => row.previous),
        ["", ...rows.slice(0, -1).map((row) => row.hash)],
      );
      assert.deepEqual([rows[0]?.actor_id, rows[0]?.cause], ["ada", null]);
      const check = await verifyJournal(store, "sync:a");
      assert.deepEqual(check, { rows: 5, erased: 0, head: { sequence: 5, hash: rows[4]?.hash }, broken: null });
      assert.equal((await verifyJournal(store, "sync:b")).rows, 1);
      assert.equal((await verifyJournal(store, "none")).head, null);
    });

    it("takes entries of many transactions at once, and none of one that failed", async () => {
      const store = await engine.open();
      await Promise.all(five.map((each) => append(store, "system", [each, each])));
      const failed = store.transaction(async (tx) => {
        await appendJournal(tx, store, "system", five);
        throw new Error("half way");
      });
      await assert.rejects(failed, /half way/);
      await append(store, "system", five);
      const check = await verifyJournal(store, "system");
      assert.deepEqual([check.rows, check.broken], [15, null]);
    });

    it("holds over many pages", async () => {
      const store = await engine.open();
      const many = Array.from({ length: 4_500 }, (_, i) => entry(i + 1));
      await append(store, "system", many);
      assert.equal((await verifyJournal(store, "system")).rows, 4_500);
    });

    const forgeries: readonly (readonly [string, string, number, RegExp])[] = [
      ["a changed row", "update journal set status = 'nothing to see' where sequence = 3", 3, /content was changed/],
      ["a changed actor", "update journal set actor_id = 'bob' where sequence = 2", 2, /content was changed/],
      ["a removed row", "delete from journal where sequence = 4", 5, /row 4 is missing/],
      ["a removed beginning", "delete from journal where sequence = 1", 2, /row 1 is missing/],
      ["changed values", `update journal_values set after = '{"displayName":"Eve"}' where sequence = 2`, 2, /values/],
      [
        "values for a row that has none",
        "insert into journal_values values ('system', 6, '', null, '1', null, null)",
        6,
        /values/,
      ],
    ];
    for (const [name, statement, sequence, problem] of forgeries) {
      it(`shows ${name}`, async () => {
        const store = await engine.open();
        await append(store, "system", [...five, { actor, type: "approved" }]);
        await store.transaction((tx) => sql.raw(statement).execute(tx));
        const { broken } = await verifyJournal(store, "system");
        assert.equal(broken?.sequence, sequence);
        assert.match(broken?.problem ?? "", problem);
      });
    }

    it("shows a row that was changed and hashed anew, by the row behind it", async () => {
      const store = await engine.open();
      await append(store, "system", five);
      const other = await engine.open();
      await append(other, "system", [five[0] ?? entry(1), entry(2, { status: "forged" })]);
      const forged = await other.db
        .selectFrom("journal")
        .selectAll()
        .where("sequence", "=", 2)
        .executeTakeFirstOrThrow();
      await store.transaction((tx) => tx.updateTable("journal").set(forged).where("sequence", "=", 2).execute());
      assert.ok(((await verifyJournal(store, "system")).broken?.sequence ?? 9) <= 3);
    });

    it("stays whole when the values of a person, or old values, are erased", async () => {
      const store = await engine.open();
      await append(store, "system", five);
      assert.equal(await store.transaction((tx) => eraseValues(tx, { objectId: "person-2" })), 1);
      let check = await verifyJournal(store, "system");
      assert.deepEqual([check.rows, check.erased, check.broken], [5, 1, null]);
      assert.equal(await store.transaction((tx) => eraseValues(tx, { before: store.clock.now() + 1_000 })), 4);
      check = await verifyJournal(store, "system");
      assert.deepEqual([check.rows, check.erased, check.broken], [5, 5, null]);
      assert.equal(await store.transaction((tx) => eraseValues(tx, {})), 0);
    });
  });
});
