import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { compileScope, type Scope } from "@entrain/core";
import type { TenantFile } from "@entrain/simulator";
import { lapsedRecords } from "./new-day.ts";
import { showPerson } from "./people.ts";
import { changesIn, changesOfARun, inShort, plannedIn, scimUser } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { person } from "./testing/tenant.ts";
import { DAY, type TestClock, testClock } from "./testing/time.ts";

let scene: Scene;
let sync: string;
let clock: TestClock;
afterEach(() => scene.close());

/** Noon of the day on which everything begins. */
const NOON = Date.UTC(2031, 2, 3, 12);
/** No full round comes between. */
const NEVER = { firstMs: 1000 * DAY, everyMs: 1000 * DAY };
const wide = { percent: 100, count: 500, windowMs: DAY };
const guard = { removals: wide, members: wide };

/** Who was hired within the last 30 days. */
const NEWCOMERS: Scope = {
  filters: [[{ attribute: "employeeHireDate", operator: "Greater_Than_OR_EQUALS", value: "today-30" }]],
};

const hired = (name: string, day: string) => person(name, { employeeHireDate: `${day}T00:00:00Z` });
/** Ana's thirty days end with the third of March, Bo's with the fourth, Cy's much later, Di's ended long ago. */
const [ana, bo, cy, di] = [
  hired("Ana", "2031-02-01"),
  hired("Bo", "2031-02-02"),
  hired("Cy", "2031-02-20"),
  hired("Di", "2030-01-01"),
];

async function open(scope: Scope, tenant: TenantFile = { users: [ana, bo, cy, di], groups: [] }): Promise<void> {
  clock = testClock(NOON);
  scene = await openScene({ clock, simulator: { tenant }, reconcile: () => NEVER });
  sync = await scene.addSync("people", "scim", { records: "user", scope, guard });
}

test("who a new day takes out of scope leaves on its first run, with no change in the directory, and nobody else does", async () => {
  await open(NEWCOMERS);
  assert.deepEqual(await changesOfARun(scene, sync), ["create Ana", "create Bo", "create Cy"]);
  clock.advance(11 * 3_600_000);
  assert.deepEqual(await changesOfARun(scene, sync), [], "late on the same day");
  clock.advance(3_600_000);
  const run = await scene.run(sync);
  const changes = await plannedIn(scene.store, run.run);
  assert.deepEqual(inShort(changes), ["disable Ana"]);
  assert.equal(
    changes[0]?.reason,
    "Left scope: employeeHireDate is 2031-02-01T00:00:00Z, not a date today-30 (2031-02-02) or later; set to active: false",
  );
  assert.deepEqual(await changesOfARun(scene, sync), [], "nothing is left to do on that day");
  clock.advance(DAY);
  assert.deepEqual(await changesOfARun(scene, sync), ["disable Bo"]);
});

test("days without a run are made up for by the next one, and nothing but the delta is asked of Graph", async () => {
  await open(NEWCOMERS);
  await scene.run(sync);
  clock.advance(3 * DAY);
  const asked = (): readonly string[] => scene.simulator.requests.list("/").map(({ path }) => path);
  const before = asked().length;
  const { plan } = await scene.plan(sync);
  assert.deepEqual(inShort(await changesIn(scene.store, plan.id)), ["disable Ana", "disable Bo"]);
  assert.deepEqual(
    asked()
      .slice(before)
      .filter((path) => !path.includes("/delta?") && path.includes("/v1.0/")),
    [],
  );
  assert.deepEqual(await changesOfARun(scene, sync), ["disable Ana", "disable Bo"], "a preview forgets nobody");
  assert.deepEqual(await changesOfARun(scene, sync), []);
});

test("a clock that was wrong and is set back lets in again whom it took out", async () => {
  await open(NEWCOMERS);
  await scene.run(sync);
  clock.advance(DAY);
  assert.deepEqual(await changesOfARun(scene, sync), ["disable Ana"]);
  clock.advance(-DAY);
  assert.deepEqual(await changesOfARun(scene, sync), ["enable Ana"]);
});

test("only whose date was passed is looked at, once a day", async () => {
  await open(NEWCOMERS);
  await scene.run(sync);
  const compiled = compileScope(NEWCOMERS);
  if ("findings" in compiled) assert.fail(JSON.stringify(compiled.findings));
  const lookedAt = async (now: number): Promise<readonly string[]> => {
    const row = await scene.store.db.selectFrom("syncs").selectAll().where("id", "=", sync).executeTakeFirstOrThrow();
    const span = { store: scene.store, sync: row, kind: "user", cursor: row.cursor, upto: row.cursor, now } as const;
    const found: string[] = [];
    for await (const { rows } of lapsedRecords(span, compiled.scope)) found.push(...rows.map(({ id }) => id));
    return found.sort();
  };
  assert.deepEqual(await lookedAt(clock.now()), []);
  assert.deepEqual(await lookedAt(clock.now() + DAY), [ana.id]);
  assert.deepEqual(await lookedAt(clock.now() + 2 * DAY), [ana.id, bo.id].sort());
  clock.advance(DAY);
  await scene.run(sync);
  assert.deepEqual(await lookedAt(clock.now()), []);
});

test("a plan of yesterday takes nobody out or in whom the day has moved since", async () => {
  await open(NEWCOMERS);
  const { plan } = await scene.plan(sync);
  assert.deepEqual(inShort(await changesIn(scene.store, plan.id)), ["create Ana", "create Bo", "create Cy"]);
  clock.advance(DAY);
  const applied = await scene.apply(sync, plan.digest ?? "");
  assert.deepEqual(applied.counts.create, 2, JSON.stringify(applied));
  assert.equal(scimUser(scene.scim, ana.id), undefined);
  assert.deepEqual(await changesOfARun(scene, sync), []);
});

test("who reports to somebody whose date is passed follows on that day", async () => {
  const eve = person("Eve");
  const scope: Scope = {
    filters: [[{ attribute: "manager.employeeHireDate", operator: "Greater_Than_OR_EQUALS", value: "today-30" }]],
  };
  await open(scope, { users: [ana, eve], groups: [], managers: { [eve.id]: ana.id } });
  assert.deepEqual(await changesOfARun(scene, sync), ["create Eve"]);
  clock.advance(DAY);
  assert.deepEqual(await changesOfARun(scene, sync), ["disable Eve"]);
});

test("what is told of one person is told of today", async () => {
  await open(NEWCOMERS);
  await scene.run(sync);
  clock.advance(DAY);
  const [shown] = await showPerson(scene.engine, ana.id);
  assert.match(shown?.syncs[0]?.reason ?? "", /the next run plans to disable it: Left scope: employeeHireDate is/);
});
