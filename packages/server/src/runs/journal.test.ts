import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { sql } from "kysely";
import { verifyJournal } from "../store/journal.ts";
import type { Location, Store } from "../store/store.ts";
import { eachEngine } from "../store/testing.ts";
import { makeFiftyChanges } from "./testing/fifty.ts";
import { inShort, plannedIn, scimMembers, scimUser } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, group } from "./testing/tenant.ts";
import { DAY, MINUTE, testClock } from "./testing/time.ts";

const wide = { percent: 100, count: 500, windowMs: DAY };
const guard = { removals: wide, members: wide };
const people = crowd(90);
const teams = Array.from({ length: 5 }, (_, at) => group(`Team ${at}`));
const memberships = {
  ...Object.fromEntries(teams.map(({ id }, at) => [id, people.slice(50 + at * 8, 58 + at * 8).map((one) => one.id)])),
  [teams[4]?.id ?? ""]: [teams[3]?.id ?? "", teams[2]?.id ?? ""],
};

interface Entry {
  readonly stream: string;
  readonly run: string | null;
  readonly ordinal: number | null;
  readonly type: string;
  readonly action: string | null;
  readonly status: string | null;
  readonly at: number;
}

async function entries(store: Store): Promise<readonly Entry[]> {
  return await store.db
    .selectFrom("journal")
    .select(["stream", "run", "ordinal", "type", "action", "status", "at"])
    .orderBy("stream")
    .orderBy("sequence")
    .execute();
}

/** Every intent has one outcome behind it, and no outcome stands alone. */
function assertPaired(rows: readonly Entry[]): number {
  const open = new Map<string, number>();
  let intents = 0;
  for (const { stream, run, ordinal, type } of rows) {
    const id = `${stream} ${run} ${ordinal}`;
    if (type === "intent") {
      assert.equal(open.get(id) ?? 0, 0, `the intent ${id} was written while it was open`);
      open.set(id, 1);
      intents += 1;
    } else if (type === "outcome") {
      assert.equal(open.get(id), 1, `the outcome of ${id} has no open intent`);
      open.set(id, 0);
    }
  }
  assert.deepEqual(
    [...open].filter(([, count]) => count !== 0),
    [],
  );
  return intents;
}

/** Two targets, fifty changes, refusals, cut answers, a bad read and a lost secret, one after the other. */
async function eventfulWeek(scene: Scene, clock: { advance(ms: number): void }): Promise<readonly string[]> {
  const syncs: string[] = [];
  for (const [target, records] of [
    ["scim", "user"],
    ["scim", "group"],
    ["portal", "requester"],
    ["portal", "group"],
  ] as const) {
    syncs.push(await scene.addSync(`${target} ${records}`, target, { records, guard }));
  }
  const all = async (): Promise<void> => {
    for (const sync of syncs) await scene.run(sync);
    clock.advance(2 * MINUTE);
  };
  let posts = 0;
  scene.disturb(({ method }) => (method === "POST" && ++posts % 9 === 0 ? { status: 400, body: "{}" } : null));
  await all();
  let patches = 0;
  scene.disturb(({ method }) => (method === "PATCH" && ++patches % 5 === 0 ? "cut" : null));
  await all();
  scene.disturb(null);
  await all();
  await makeFiftyChanges(scene, { people: people, groups: teams });
  scene.simulator.faults.set([{ action: { type: "html" }, path: "/users/delta" }]);
  await all();
  scene.simulator.faults.clear();
  await all();
  clock.advance(DAY);
  await all();
  await all();
  return syncs;
}

eachEngine((engine) => {
  test("an eventful week ends in step: each target member for member, and nothing is planned any more", async () => {
    const clock = testClock();
    const scene = await openScene({
      clock,
      location: await engine.place(),
      simulator: { tenant: { users: people, groups: teams, memberships } },
    });
    try {
      const syncs = await eventfulWeek(scene, clock);
      for (const sync of syncs) {
        const run = await scene.run(sync);
        assert.deepEqual([run.result, inShort(await plannedIn(scene.store, run.run))], ["succeeded", []]);
      }
      const edges = await scene.store.db.selectFrom("edges").selectAll().where("present", "=", 1).execute();
      for (const { id } of teams) {
        const members = edges.filter((edge) => edge.group_id === id).map((edge) => edge.member_id);
        assert.deepEqual(scimMembers(scene.scim, id), members.toSorted());
      }
      const records = await scene.store.db.selectFrom("records").selectAll().where("kind", "=", "user").execute();
      for (const { id, attributes, removed } of records) {
        const { displayName, accountEnabled } = JSON.parse(attributes);
        const user = scimUser(scene.scim, id);
        assert.deepEqual([user?.displayName, user?.active], [displayName, accountEnabled === true && removed === null]);
      }
    } finally {
      await scene.close();
    }
  });

  test("every write has one intent before it and one outcome after it; the journal's chain holds", async () => {
    const clock = testClock();
    const scene = await openScene({
      clock,
      location: await engine.place(),
      simulator: { tenant: { users: people, groups: teams, memberships } },
    });
    try {
      const syncs = await eventfulWeek(scene, clock);
      const rows = await entries(scene.store);
      const intents = assertPaired(rows);
      assert.ok(intents > 250, `${intents} intents`);
      for (const sync of syncs) {
        const check = await verifyJournal(scene.store, `sync:${sync}`);
        assert.equal(check.broken, null);
      }
      const desk = new Set(syncs.slice(0, 2).map((sync) => `sync:${sync}`));
      const intended = rows.filter(({ type, stream }) => type === "intent" && desk.has(stream));
      const posts = scene.scim.requests.filter(({ method }) => method === "POST");
      const creations = intended.filter(({ action }) => action === "create");
      assert.ok(posts.length <= creations.length, `${posts.length} POSTs came of ${creations.length} intents`);
      for (const { method, path, receivedAt } of scene.scim.requests) {
        if (method === "GET") continue;
        assert.ok(
          intended.some(({ at }) => at <= receivedAt),
          `${method} ${path} came before any intent`,
        );
      }
      assert.deepEqual(await scene.store.db.selectFrom("open_intents").selectAll().execute(), []);
    } finally {
      await scene.close();
    }
  });

  test("no secret and no token reaches the store: not by a refused sign-in, not by a server that echoes it", async () => {
    const clock = testClock();
    const location = await engine.place();
    const scene = await openScene({
      clock,
      location,
      simulator: { tenant: { users: people.slice(0, 10), groups: [] } },
    });
    const sync = await scene.addSync("people", "scim", { records: "user" });
    try {
      scene.disturb(({ method }) => {
        if (method !== "POST") return null;
        const detail = "The header Authorization: Bearer scim-test-token is not allowed to write.";
        return {
          status: 400,
          body: JSON.stringify({ detail, schemas: ["urn:ietf:params:scim:api:messages:2.0:Error"] }),
        };
      });
      await scene.run(sync);
      scene.disturb(() => ({ status: 401, body: "Bearer scim-test-token was refused" }));
      clock.advance(DAY);
      await scene.run(sync);
      scene.simulator.setSecrets([]);
      clock.advance(DAY);
      assert.equal((await scene.run(sync)).result, "failed");
      const dump = await dumpOf(scene.store, location);
      assert.ok(dump.includes("Person 0001"), "the dump holds what the store holds");
      for (const canary of [scene.simulator.secret, "scim-test-token", "eyJ"]) {
        const at = dump.indexOf(canary);
        assert.equal(at, -1, `found a secret: …${dump.slice(Math.max(0, at - 120), at)}…`);
      }
    } finally {
      await scene.close();
    }
  });
});

/** Everything that the store keeps: the bytes of its files, or the rows of all tables. */
async function dumpOf(store: Store, location: Location): Promise<string> {
  if (location.kind === "sqlite") {
    return readdirSync(location.folder)
      .map((name) => readFileSync(join(location.folder, name), "latin1"))
      .join("\n");
  }
  const tables = await sql<{
    name: string;
  }>`select tablename as name from pg_tables where schemaname = 'public'`.execute(store.db);
  const dumps: string[] = [];
  for (const { name } of tables.rows) {
    dumps.push(JSON.stringify((await sql`select * from ${sql.table(name)}`.execute(store.db)).rows));
  }
  return dumps.join("\n");
}
