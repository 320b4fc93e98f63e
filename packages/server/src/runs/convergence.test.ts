import assert from "node:assert/strict";
import { test } from "node:test";
import type { ScimFault } from "@entrain/connectors/scim/testing";
import type { FaultRule } from "@entrain/simulator";
import { heldPlans } from "./queries.ts";
import { inShort, plannedIn, scimGroup, scimManager, scimMembers, scimUser, unsynced } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { reference } from "./testing/tenant.ts";
import { DAY, type TestClock, testClock } from "./testing/time.ts";

/** Fixed schedules, so that a red run means a change of the code; `ENTRAIN_SEED` runs any other one. */
const SEEDS = process.env.ENTRAIN_SEED === undefined ? [1, 2, 3, 5, 8] : [Number(process.env.ENTRAIN_SEED)];
const ROUNDS = 12;

/** A small generator of the test's own (mulberry32), so that a seed means the same on every machine. */
function chance(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

const TARGET_FAULTS: readonly (ScimFault | null)[] = [
  null,
  { status: 400, body: "{}" },
  { status: 409, body: "{}" },
  { status: 500, body: "" },
  { status: 429, headers: { "retry-after": "1" } },
  "cut",
];
const SOURCE_FAULTS: readonly FaultRule["action"][] = [
  { type: "html" },
  { type: "truncate" },
  { type: "no-value" },
  { type: "nulls" },
  { type: "replay" },
  { type: "status", status: 503 },
  { type: "cut", at: "body" },
  { type: "expired" },
];

interface ListedGroup {
  readonly id: string;
  readonly groupTypes: readonly string[];
  readonly mailEnabled: boolean | null;
  readonly onPremisesSyncEnabled: boolean | null;
}

async function listed<T>(scene: Scene, path: string): Promise<readonly T[]> {
  const { value } = (await scene.graph("GET", path)) as { readonly value: readonly T[] };
  return value;
}

/** Changes people, groups and memberships at the source, at random but by rules that Graph accepts. */
async function live(scene: Scene, pick: (limit: number) => number): Promise<void> {
  scene.simulator.faults.clear();
  scene.simulator.churn(1 + pick(8));
  const people = await listed<{ readonly id: string }>(scene, "/users?$select=id&$top=999");
  const select = "id,groupTypes,mailEnabled,onPremisesSyncEnabled";
  const groups = (await listed<ListedGroup>(scene, `/groups?$select=${select}&$top=999`)).filter((group) => {
    return group.groupTypes.length === 0 && group.mailEnabled !== true && group.onPremisesSyncEnabled !== true;
  });
  if (groups.length === 0) return;
  const some = <T>(of: readonly T[]): T => of[pick(of.length)] as T;
  for (let change = 0; change < 6; change += 1) {
    const [group, member] = [some(groups).id, pick(3) === 0 ? some(groups).id : some(people).id];
    const path = `/groups/${group}/members`;
    // Whatever Graph refuses (a member twice, a group in itself) has not happened.
    if (pick(3) > 0) await scene.graph("POST", `${path}/$ref`, reference(member)).catch(() => null);
    else await scene.graph("DELETE", `${path}/${member}/$ref`).catch(() => null);
  }
  if (pick(4) === 0) await scene.graph("PATCH", `/groups/${some(groups).id}`, { displayName: `Renamed ${pick(1e6)}` });
  if (pick(4) === 0) await scene.graph("DELETE", `/groups/${some(groups).id}`);
}

async function runAndApprove(scene: Scene, sync: string): Promise<void> {
  await scene.run(sync);
  for (const { digest } of await heldPlans(scene.store, sync)) await scene.approve(sync, digest);
}

async function weather(scene: Scene, clock: TestClock, pick: (limit: number) => number): Promise<void> {
  const fault = TARGET_FAULTS[pick(TARGET_FAULTS.length)] ?? null;
  const every = 2 + pick(6);
  let writes = 0;
  scene.disturb(({ method }) => (method !== "GET" && ++writes % every === 0 ? fault : null));
  const action = SOURCE_FAULTS[pick(SOURCE_FAULTS.length)];
  scene.simulator.faults.clear();
  if (action !== undefined && pick(2) === 0)
    scene.simulator.faults.set([{ action, skip: pick(6), times: 1 + pick(3) }]);
  if (pick(4) === 0) scene.simulator.expireDeltaTokens();
  clock.advance(pick(3 * 3_600_000));
}

/** The target holds what the directory says, record for record; who is unsynced is left out. */
async function assertInStep(scene: Scene, syncs: readonly string[], seed: number): Promise<void> {
  const rows = await scene.store.db.selectFrom("records").selectAll().execute();
  const edges = await scene.store.db.selectFrom("edges").selectAll().where("present", "=", 1).execute();
  const links = new Set(
    (await scene.store.db.selectFrom("links").select("object_id").execute()).map((row) => row.object_id),
  );
  const open = new Set<string>();
  for (const sync of syncs) for (const id of (await unsynced(scene.store, sync)).keys()) open.add(id);
  for (const { id, kind, attributes, removed, manager } of rows) {
    if (open.has(id)) continue;
    const { displayName, userPrincipalName, accountEnabled } = JSON.parse(attributes);
    const said = `seed ${seed}: ${kind} ${displayName} (${id})`;
    if (kind === "group") {
      assert.equal(scimGroup(scene.scim, id)?.displayName, removed === null ? displayName : undefined, said);
      const members = edges.filter(({ group_id, member_id }) => group_id === id && links.has(member_id));
      const wanted = removed === null ? members.map(({ member_id }) => member_id).sort() : [];
      assert.deepEqual(scimMembers(scene.scim, id), wanted, said);
      continue;
    }
    const user = scimUser(scene.scim, id);
    const active = removed === null && accountEnabled === true;
    assert.equal(user?.active ?? false, active, said);
    assert.equal(user !== undefined, links.has(id), said);
    if (removed !== null || user === undefined) continue;
    assert.deepEqual([user.displayName, user.userName], [displayName, userPrincipalName], said);
    assert.equal(scimManager(scene.scim, id), manager !== null && links.has(manager) ? manager : null, said);
  }
}

for (const seed of SEEDS) {
  test(`whatever happens on both sides, twelve rounds of it end in step (seed ${seed})`, async () => {
    const pick = chance(seed);
    const clock = testClock();
    const scene = await openScene({ clock, simulator: { people: 60, groups: 14, seed: 1 + pick(50) } });
    try {
      const syncs = [
        await scene.addSync("people", "scim", { records: "user" }),
        await scene.addSync("groups", "scim", { records: "group" }),
      ];
      for (let round = 0; round < ROUNDS; round += 1) {
        await live(scene, pick);
        await weather(scene, clock, pick);
        for (const sync of syncs) if (pick(5) > 0) await runAndApprove(scene, sync);
      }
      scene.disturb(null);
      scene.simulator.faults.clear();
      for (let day = 0; day < 4; day += 1) {
        clock.advance(2 * DAY);
        for (const sync of syncs) await runAndApprove(scene, sync);
      }
      await assertInStep(scene, syncs, seed);
      for (const sync of syncs) {
        assert.deepEqual(inShort(await plannedIn(scene.store, (await scene.run(sync)).run)), [], `seed ${seed}`);
        const codes = new Set((await unsynced(scene.store, sync)).values());
        for (const code of codes)
          assert.match(code, /^(ambiguous|linked_elsewhere|unmatchable|refused_by_target|value_missing)$/);
      }
      assert.equal(
        new Set([...scene.scim.store.groups.values()].map((group) => group.externalId)).size,
        scene.scim.store.groups.size,
      );
    } finally {
      await scene.close();
    }
  });
}
