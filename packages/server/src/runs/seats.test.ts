import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Seats } from "@entrain/core";
import { eachEngine } from "../store/testing.ts";
import type { Engine } from "./context.ts";
import { planIssues } from "./plan-queries.ts";
import { planSync, runSync } from "./run.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { newUser, person } from "./testing/tenant.ts";

const users = Array.from({ length: 12 }, (_, at) => person(`Person ${String(at).padStart(2, "0")}`));

eachEngine((engine) =>
  describe("seats that a target tells of", () => {
    let scene: Scene;
    let sync = "";
    let total = 8;

    before(async () => {
      scene = await openScene({ location: await engine.place(), simulator: { tenant: { users, groups: [] } } });
      sync = await scene.addSync("people", "scim", { records: "user" });
    });
    after(async () => await scene.close());

    /** The same target, but that it tells of seats. */
    const seated = (): Engine => ({
      ...scene.engine,
      openTarget: async (...of) => {
        const target = await scene.engine.openTarget(...of);
        const seats = async (): Promise<Seats> => ({ used: scene.scim.store.users.size, total });
        return Object.assign(target, { seats });
      },
    });
    const of = () => ({
      sync,
      actor: { kind: "command", id: "olga" } as const,
      signal: new AbortController().signal,
      onProgress: () => undefined,
    });

    test("a plan says how many are needed and free, and how many creations wait", async () => {
      const { plan, changes, issues } = await planSync(seated(), of());
      assert.deepEqual(JSON.parse(plan.seats ?? ""), { used: 0, total: 8, needed: 12, waiting: 4 });
      assert.deepEqual([changes, issues], [8, 4]);
      const said = await planIssues(scene.store, plan.id, { after: -1, limit: 10 });
      assert.deepEqual(new Set(said.map(({ code }) => code)), new Set(["no_seat"]));
      assert.match(said[0]?.detail ?? "", /no seat for this record: 0 of 8 seats are taken, and 12 are needed/);
    });

    test("without a seat creations wait and everything else goes on", async () => {
      const first = await runSync(seated(), of());
      assert.deepEqual([first.result, first.counts.create, first.failed], ["partial", 8, 4]);
      await scene.graph("PATCH", `/users/${users[0]?.id}`, { jobTitle: "Chief" });
      const next = await runSync(seated(), of());
      assert.deepEqual(
        [next.counts.create, next.counts.update, next.failed],
        [0, 1, 4],
        "counted once each, every time",
      );
      const waiting = await scene.store.db.selectFrom("pending").select(["code", "object_id"]).execute();
      assert.deepEqual(
        waiting.map(({ code }) => code),
        Array(4).fill("no_seat"),
      );
    });

    test("the first seat that is free goes to who has waited longest, before any newcomer", async () => {
      await scene.graph("POST", "/users", newUser("Newcomer"));
      total = 9;
      const waiting = await scene.store.db.selectFrom("pending").select("object_id").execute();
      const run = await runSync(seated(), of());
      assert.deepEqual([run.counts.create, run.failed], [1, 4]);
      const links = await scene.store.db.selectFrom("links").select("object_id").execute();
      const linked = new Set(links.map(({ object_id }) => object_id));
      assert.equal(waiting.filter(({ object_id }) => linked.has(object_id)).length, 1);
    });

    test("when there are seats enough the next run creates all who waited, and nothing is left to do", async () => {
      total = 100;
      const run = await runSync(seated(), of());
      assert.deepEqual([run.result, run.counts.create, run.failed], ["succeeded", 4, 0]);
      assert.deepEqual(await scene.store.db.selectFrom("pending").selectAll().execute(), []);
      const { plan, changes } = await planSync(seated(), of());
      assert.equal(changes, 0);
      assert.deepEqual(JSON.parse(plan.seats ?? ""), { used: 13, total: 100, needed: 0, waiting: 0 });
    });
  }),
);
