import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eachEngine } from "../store/testing.ts";
import { syncLease, withLease } from "./lease.ts";
import { comparePlans, countCompared } from "./plan-compare.ts";
import { planAsCsv, planAsJson } from "./plan-export.ts";
import { findPlanRow, listPlans, planChanges } from "./plan-queries.ts";
import { heldPlans } from "./queries.ts";
import { splitHeld } from "./split.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { person } from "./testing/tenant.ts";

const people = Array.from({ length: 40 }, (_, at) => person(`Person ${String(at).padStart(2, "0")}`));
const idAt = (at: number): string => people[at]?.id ?? "";

async function all<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

eachEngine((engine) =>
  describe("plans that were made", () => {
    let scene: Scene;
    let sync = "";
    let [first, second] = ["", ""];

    before(async () => {
      scene = await openScene({
        location: await engine.place(),
        simulator: { tenant: { users: people, groups: [] } },
      });
      sync = await scene.addSync("people", "portal", { records: "requester" });
      first = (await scene.plan(sync)).plan.id;
      await scene.graph("PATCH", `/users/${idAt(0)}`, { jobTitle: '=HYPERLINK("http://x","y")' });
      await scene.graph("PATCH", `/users/${idAt(1)}`, { displayName: "Renamed" });
      await scene.graph("DELETE", `/users/${idAt(2)}`);
      second = (await scene.plan(sync)).plan.id;
    });
    after(async () => await scene.close());

    test("are listed newest first, of a sync or all, with who asked for them", async () => {
      const plans = await listPlans(scene.store, { limit: 10 });
      assert.deepEqual(
        plans.map(({ plan }) => plan),
        [second, first],
      );
      assert.deepEqual(plans[0]?.askedBy, { kind: "system", id: "test" });
      assert.equal(plans[0]?.syncName, "people");
      assert.deepEqual(await listPlans(scene.store, { sync, state: "held", limit: 10 }), []);
      const [newest] = plans;
      assert.ok(newest);
      const rest = await listPlans(scene.store, { sync, before: newest, limit: 10 });
      assert.deepEqual(
        rest.map(({ plan }) => plan),
        [first],
      );
    });

    test("are found by id, by digest and by its beginning", async () => {
      const row = await findPlanRow(scene.store, first);
      assert.equal((await findPlanRow(scene.store, row.digest ?? "")).id, first);
      assert.equal((await findPlanRow(scene.store, (row.digest ?? "").slice(0, 12))).id, first);
      await assert.rejects(findPlanRow(scene.store, "0000000000"), { code: "not_found" });
    });

    test("are looked through by action, text and record", async () => {
      const of = { after: null, limit: 5 };
      const byText = await planChanges(scene.store, second, { ...of, text: "RENAMED" });
      assert.deepEqual(
        byText.map(({ objectId }) => objectId),
        [idAt(1)],
      );
      const byRecord = await planChanges(scene.store, second, { ...of, record: idAt(7), action: "create" });
      assert.deepEqual(
        byRecord.map(({ objectId }) => objectId),
        [idAt(7)],
      );
      assert.deepEqual(await planChanges(scene.store, second, { ...of, action: "delete" }), []);
      const paged = await planChanges(scene.store, second, { ...of, text: "person" });
      const more = await planChanges(scene.store, second, {
        limit: 50,
        after: paged.at(-1)?.key ?? null,
        text: "person",
      });
      assert.equal(paged.length + more.length, 39, "the renamed one's sign-in name still tells");
    });

    test("are compared record by record, from any place on", async () => {
      const plans = { first, second };
      assert.deepEqual(await countCompared(scene.store, plans), { first: 1, second: 0, differs: 2, same: 37 });
      const records = await all(comparePlans(scene.store, plans));
      assert.equal(records.length, 40);
      const gone = records.find(({ verdict }) => verdict === "first");
      assert.equal(gone?.objectId, idAt(2));
      const differing = records.filter(({ verdict }) => verdict === "differs");
      assert.deepEqual(differing.find(({ objectId }) => objectId === idAt(0))?.differing, ["jobTitle"]);
      const at = records[20];
      assert.ok(at);
      const rest = await all(comparePlans(scene.store, { ...plans, after: at }));
      assert.deepEqual(rest, records.slice(21));
      assert.deepEqual(await countCompared(scene.store, { first, second: first }), {
        ...{ first: 0, second: 0, differs: 0 },
        same: 40,
      });
    });

    test("are exported whole as JSON, and as CSV that no spreadsheet computes", async () => {
      const row = await findPlanRow(scene.store, second);
      const json = JSON.parse(await textOf(planAsJson(scene.store, row)));
      assert.equal(json.changes.length, 39);
      assert.equal(json.digest, row.digest);
      const csv = await textOf(planAsCsv(scene.store, row));
      const lines = csv
        .slice(1)
        .split("\r\n")
        .filter((line) => line !== "");
      assert.match(lines[0] ?? "", /^ordinal,action,name,object id,.*,attribute,before,after$/);
      const title = lines.find((line) => line.includes(idAt(0)) && line.includes(",jobTitle,"));
      assert.match(title ?? "", /,jobTitle,,"'=HYPERLINK\(""http:\/\/x"",""y""\)"$/);
      for (const line of lines.slice(1)) assert.doesNotMatch(line, /(^|,)"?[=+@]/);
    });

    test("that wait are split: what is left out waits on under its own digest, and both stay pinned", async () => {
      await scene.run(sync);
      for (let at = 10; at < 20; at += 1) await scene.graph("DELETE", `/users/${idAt(at)}`);
      const run = await scene.run(sync);
      assert.equal(run.result, "held");
      const [held] = await heldPlans(scene.store, sync);
      assert.ok(held);
      const { store } = scene;
      const row = await findPlanRow(store, held.plan);
      const actor = { kind: "command", id: "olga" } as const;
      const how = { wait: false, signal: new AbortController().signal, what: "This sync" };
      const { rest, left } = await withLease(store, syncLease(sync), how, async (lease) => {
        const context = { store, lease, sync: { id: sync, name: "people" }, actor };
        await assert.rejects(splitHeld(context, row, { records: new Set([idAt(30)]), left: "held" }), {
          code: "not_found",
        });
        return await splitHeld(context, row, { records: new Set([idAt(10), idAt(11)]), left: "held" });
      });
      const waiting = await heldPlans(store, sync);
      assert.deepEqual(
        waiting.map(({ digest, count }) => [digest, count]).sort(),
        [
          [left?.digest, 2],
          [rest?.digest, 8],
        ].sort(),
      );
      assert.ok(!waiting.some(({ digest }) => digest === held.digest));
      await assert.rejects(scene.approve(sync, held.digest), { code: "plan_stale", message: /was split/ });
      const pinned = await store.db.selectFrom("pending").select(["object_id", "plan"]).execute();
      assert.equal(pinned.filter(({ plan }) => plan === left?.id).length, 2);
      assert.equal(pinned.filter(({ plan }) => plan === rest?.id).length, 8);
      const between = await scene.run(sync);
      assert.deepEqual([between.counts.delete, between.counts.disable], [0, 0], "nobody is planned again meanwhile");
      const approved = await scene.approve(sync, rest?.digest ?? "");
      assert.deepEqual([approved.result, approved.counts.disable + approved.counts.delete], ["succeeded", 8]);
      await scene.approve(sync, left?.digest ?? "");
      assert.deepEqual(await heldPlans(store, sync), []);
    });
  }),
);
