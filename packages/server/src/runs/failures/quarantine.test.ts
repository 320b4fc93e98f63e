import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { GraphUser } from "@entrain/simulator";
import { scheduledSyncs } from "../../schedule/scheduled.ts";
import { eachEngine } from "../../store/testing.ts";
import { syncStatus } from "../queries.ts";
import { scimUser } from "../testing/observe.ts";
import { openScene, type Scene } from "../testing/scene.ts";
import { person } from "../testing/tenant.ts";
import { DAY, MINUTE, type TestClock, testClock } from "../testing/time.ts";
import { mayRunNow, quarantineOf } from "./quarantine.ts";
import { retryRecords } from "./unsynced-commands.ts";

let scene: Scene;
let clock: TestClock;
let sync: string;
afterEach(() => scene?.close());

const actor = { kind: "operator", id: "test" } as const;
const users: readonly GraphUser[] = Array.from({ length: 30 }, (_, at) => person(`Person ${at + 10}`));
const no = { status: 400, body: JSON.stringify({ scimType: "invalidValue", detail: "Not in this plan." }) };

async function types(): Promise<readonly string[]> {
  const rows = await scene.store.db.selectFrom("journal").select("type").where("type", "like", "quarantine%").execute();
  return rows.map(({ type }) => type);
}

/** The alerts that a channel is told of the sync, and what the sync was in that recovered. */
async function told(): Promise<readonly string[]> {
  const rows = await scene.store.db.selectFrom("alerts").select(["type", "data"]).orderBy("at").orderBy("id").execute();
  return rows.map(({ type, data }) => {
    const { was } = JSON.parse(data) as { readonly was?: string };
    return was === undefined ? type : `${type} ${was}`;
  });
}

async function addChannel(): Promise<void> {
  const settings = JSON.stringify({ url: "http://127.0.0.1:9/", allowPrivate: false });
  const given = { id: "channel_1", organisation: "default", name: "desk", type: "webhook", settings, credential: "{}" };
  const fresh = { revision: 1, created_at: clock.now(), disabled_at: null, disabled_of: null };
  const values = { ...given, ...fresh };
  await scene.store.transaction((tx) => tx.insertInto("channels").values(values).execute());
}

eachEngine((engine) => {
  async function open(): Promise<void> {
    clock = testClock();
    scene = await openScene({ clock, location: await engine.place(), simulator: { tenant: { users, groups: [] } } });
    sync = await scene.addSync("people", "scim", { records: "user", schedule: { everyMs: MINUTE } });
  }

  test("a sync whose runs fail five times in a row is slowed down, more and more up to a day, until one succeeds", async () => {
    await open();
    scene.disturb(() => "cut");
    for (let run = 0; run < 4; run += 1) assert.equal((await scene.run(sync)).result, "failed");
    assert.equal(await quarantineOf(scene.store, sync), null);
    const waits: number[] = [];
    for (let run = 0; run < 9; run += 1) {
      await scene.run(sync);
      const { until = 0 } = (await quarantineOf(scene.store, sync)) ?? {};
      waits.push(Math.round((until - clock.now()) / MINUTE));
    }
    assert.deepEqual(waits, [15, 30, 60, 120, 240, 480, 960, 1440, 1440]);
    const status = await syncStatus(scene.store, sync);
    assert.equal(status?.quarantine?.failures, 13);
    assert.ok((status?.nextRun ?? 0) >= (status?.quarantine?.until ?? Number.NaN));
    const [scheduled] = await scheduledSyncs(scene.store);
    assert.equal(mayRunNow(scheduled?.quarantine, clock.now()), false);
    assert.equal(mayRunNow(scheduled?.quarantine, clock.now() + DAY), true);
    // A clock that was set back.
    assert.equal(mayRunNow(scheduled?.quarantine, clock.now() - 2 * DAY), true);
    scene.disturb(null);
    assert.equal((await scene.run(sync)).result, "succeeded");
    assert.equal(await quarantineOf(scene.store, sync), null);
    assert.deepEqual(await types(), ["quarantined", "quarantine ended"]);
  });

  test("a run in which most records are refused for one reason slows the sync down, and only a better one ends that", async () => {
    await open();
    scene.disturb(({ method }) => (method === "POST" ? no : null));
    const run = await scene.run(sync);
    assert.deepEqual([run.result, run.failed], ["partial", 30]);
    const quarantine = await quarantineOf(scene.store, sync);
    assert.equal(quarantine?.reason, "Of 30 changes the target refused 30 for one reason (refused_by_target).");
    assert.match(quarantine?.fix ?? "", /entrain sync unsynced people --code refused_by_target/);
    // Nothing is due: that shows nothing.
    assert.equal((await scene.run(sync)).result, "succeeded");
    assert.notEqual(await quarantineOf(scene.store, sync), null);
    scene.disturb(null);
    clock.advance(2 * MINUTE);
    assert.equal((await scene.run(sync)).counts.create, 30);
    assert.equal(await quarantineOf(scene.store, sync), null);
  });

  test("some refused records of many do not slow a sync down", async () => {
    await open();
    let creations = 0;
    scene.disturb(({ method }) => {
      if (method === "POST") creations += 1;
      return method === "POST" && creations <= 12 ? no : null;
    });
    assert.equal((await scene.run(sync)).result, "partial");
    assert.equal(await quarantineOf(scene.store, sync), null);
  });

  test("whoever has the records tried again ends the quarantine", async () => {
    await open();
    scene.disturb(({ method }) => (method === "POST" ? no : null));
    await scene.run(sync);
    const before = scene.scim.requests.length;
    const done = await retryRecords(scene.store, sync, { actor, which: "all" });
    assert.deepEqual([done.records, done.quarantine?.code], [30, "mostly_refused"]);
    assert.equal(await quarantineOf(scene.store, sync), null);
    await scene.run(sync);
    assert.equal(scene.scim.requests.slice(before).filter(({ method }) => method === "POST").length, 30);
  });

  test("a quarantine that somebody ended is told to be over as soon as the sync is seen to work, and once", async () => {
    await open();
    await addChannel();
    scene.disturb(({ method }) => (method === "POST" ? no : null));
    await scene.run(sync);
    assert.deepEqual(await told(), ["sync.quarantined"]);
    await retryRecords(scene.store, sync, { actor, which: "all" });
    assert.deepEqual(await told(), ["sync.quarantined"]);
    scene.disturb(null);
    assert.equal((await scene.run(sync)).counts.create, 30);
    assert.deepEqual(await told(), ["sync.quarantined", "sync.recovered quarantined"]);
    await scene.run(sync);
    assert.equal((await told()).length, 2);
  });

  test("a quarantine that somebody ended in vain is told again, and its end only when it really ends", async () => {
    await open();
    await addChannel();
    scene.disturb(({ method }) => (method === "POST" ? no : null));
    await scene.run(sync);
    await retryRecords(scene.store, sync, { actor, which: { records: [String(users[0]?.id)] } });
    // One of thirty is tried, and refused: that is no better than it was.
    await scene.run(sync);
    assert.deepEqual(await told(), ["sync.quarantined"]);
    await retryRecords(scene.store, sync, { actor, which: "all" });
    await scene.run(sync);
    assert.deepEqual(await told(), ["sync.quarantined", "sync.quarantined"]);
    scene.disturb(null);
    await retryRecords(scene.store, sync, { actor, which: "all" });
    await scene.run(sync);
    assert.deepEqual((await told()).slice(2), ["sync.recovered quarantined"]);
  });

  test("runs that go on failing after somebody ended a quarantine are told of again, and so is their end", async () => {
    await open();
    await addChannel();
    scene.disturb(() => "cut");
    for (let run = 0; run < 5; run += 1) await scene.run(sync);
    assert.deepEqual(await told(), ["sync.failing", "sync.quarantined"]);
    await retryRecords(scene.store, sync, { actor, which: "all" });
    for (let run = 0; run < 5; run += 1) await scene.run(sync);
    assert.deepEqual((await told()).slice(2), ["sync.quarantined"]);
    scene.disturb(null);
    await scene.run(sync);
    assert.deepEqual((await told()).slice(3), ["sync.recovered quarantined"]);
  });

  test("a quarantine of refused records goes on while what is tried of them is refused, however few", async () => {
    await open();
    await addChannel();
    scene.disturb(({ method }) => (method === "POST" ? no : null));
    await scene.run(sync);
    await scene.store.transaction(async (tx) => {
      const due = tx.updateTable("pending").set({ retry_at: clock.now() });
      await due.where("object_id", "=", String(users[0]?.id)).execute();
    });
    await scene.run(sync);
    assert.notEqual(await quarantineOf(scene.store, sync), null);
    assert.deepEqual(await told(), ["sync.quarantined"]);
  });

  test("a changed configuration and a full round end a quarantine as any good run does, and tell of it", async () => {
    for (const way of ["changed", "full"] as const) {
      await open();
      await addChannel();
      scene.disturb(({ method }) => (method === "POST" ? no : null));
      await scene.run(sync);
      scene.disturb(null);
      if (way === "changed") await scene.redefine(sync, { retries: { firstMs: MINUTE, lastMs: DAY, attempts: 3 } });
      assert.equal((await scene.run(sync, { resync: way === "full" })).counts.create, 30);
      assert.equal(await quarantineOf(scene.store, sync), null);
      assert.deepEqual(await told(), ["sync.quarantined", "sync.recovered quarantined"]);
      if (way === "changed") await scene.close();
    }
  });

  test("records that are refused for good slow nobody down: what was refused before the target took something says nothing new", async () => {
    await open();
    let creations = 0;
    scene.disturb(({ method }) => {
      if (method === "POST") creations += 1;
      return method === "POST" && (creations <= 12 || creations > 30) ? no : null;
    });
    const first = await scene.run(sync);
    assert.deepEqual([first.counts.create, first.failed], [18, 12]);
    for (let run = 0; run < 3; run += 1) {
      clock.advance(DAY);
      const again = await scene.run(sync);
      assert.deepEqual([again.result, again.failed], ["partial", 12]);
      assert.equal(await quarantineOf(scene.store, sync), null);
    }
    // Whoever has them tried again, and a history that forgot those runs, make no difference.
    await retryRecords(scene.store, sync, { actor, which: "all" });
    await scene.store.transaction((tx) => tx.deleteFrom("runs").where("sync", "=", sync).execute());
    assert.equal((await scene.run(sync)).failed, 12);
    assert.equal(await quarantineOf(scene.store, sync), null);
  });

  test("a target that takes nothing any more slows the sync down, however few changes a run has", async () => {
    await open();
    await scene.run(sync);
    scene.disturb(({ method }) => (method === "PATCH" || method === "PUT" ? no : null));
    const waits: number[] = [];
    for (let run = 0; run < 6; run += 1) {
      clock.advance(DAY);
      const moved = users.slice(3 * run, 3 * run + 3);
      for (const { id } of moved) await scene.graph("PATCH", `/users/${String(id)}`, { jobTitle: "Chief" });
      assert.equal((await scene.run(sync)).failed, 3 * run + 3);
      const { until = clock.now() } = (await quarantineOf(scene.store, sync)) ?? {};
      waits.push(Math.round((until - clock.now()) / MINUTE));
    }
    assert.deepEqual(waits, [0, 0, 0, 15, 30, 60]);
  });

  test("refused records that are most of what the sync has slow it down, although the target took the others", async () => {
    await open();
    let creations = 0;
    scene.disturb(({ method }) => {
      if (method === "POST") creations += 1;
      return method === "POST" && creations > 10 ? no : null;
    });
    await scene.run(sync);
    clock.advance(DAY);
    assert.equal((await scene.run(sync)).failed, 20);
    const quarantine = await quarantineOf(scene.store, sync);
    const reason = "Of 30 records of the sync the target refuses 20 for one reason (refused_by_target).";
    assert.deepEqual([quarantine?.reason, (quarantine?.until ?? 0) - clock.now()], [reason, 30 * MINUTE]);
  });

  test("one reason is one answer of the target, whatever it calls the record by", async () => {
    const answers = [
      { status: 400, body: JSON.stringify({ scimType: "invalidValue", detail: "The title is too long." }) },
      { status: 403, body: JSON.stringify({ detail: "Administrators cannot be changed." }) },
      { status: 422, body: JSON.stringify({ detail: "The title is too long." }) },
      { status: 400, body: JSON.stringify({ detail: "Titles are not supported." }) },
    ];
    await open();
    let creations = 0;
    scene.disturb(({ method }) => (method === "POST" ? (answers[creations++ % answers.length] ?? null) : null));
    assert.equal((await scene.run(sync)).failed, 30);
    assert.equal(await quarantineOf(scene.store, sync), null);
    scene.disturb(null);
    await retryRecords(scene.store, sync, { actor, which: "all" });
    assert.equal((await scene.run(sync)).counts.create, 30);
    const names = new Map(
      users.map(({ id, displayName }) => [`/Users/${scimUser(scene.scim, String(id))?.id}`, String(displayName)]),
    );
    scene.disturb(({ method, path }) => {
      const name = names.get(path);
      if (method !== "PATCH" || name === undefined) return null;
      const detail = `${name} has no place in 'plan of ${name}' (request ${creations++}).`;
      return { status: 400, body: JSON.stringify({ detail }) };
    });
    for (const { id } of users) await scene.graph("PATCH", `/users/${String(id)}`, { jobTitle: "Chief" });
    assert.equal((await scene.run(sync)).failed, 30);
    assert.match((await quarantineOf(scene.store, sync))?.reason ?? "", /refused 30 for one reason/);
  });
});
