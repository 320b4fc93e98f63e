import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { sql } from "kysely";
import { createPortalTarget } from "../portal/target.ts";
import { unsynced } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, group, person } from "./testing/tenant.ts";
import { DAY, testClock } from "./testing/time.ts";

let scene: Scene;
afterEach(() => scene.close());

const [ana, bo, cy] = [person("Ana One"), person("Bo Two"), person("Cy Three")];
const team = group("Team");
const clock = testClock();

async function open(
  ...more: readonly ReturnType<typeof person>[]
): Promise<{ readonly people: string; readonly groups: string }> {
  scene = await openScene({ clock, simulator: { tenant: { users: [ana, bo, cy, ...more], groups: [team] } } });
  const people = await scene.addSync("people", "portal", { records: "requester" });
  const groups = await scene.addSync("groups", "portal", { records: "group" });
  for (const sync of [people, groups]) assert.equal((await scene.run(sync)).result, "succeeded");
  return { people, groups };
}

/** Somebody deletes people's records in the portal, with their memberships. */
async function deleteRecords(...ids: readonly string[]): Promise<void> {
  await scene.store.transaction(async (tx) => {
    for (const id of ids) await sql`delete from portal_requesters where external_id = ${id}`.execute(tx);
  });
}

async function reportTo(id: string, manager: string): Promise<void> {
  await scene.graph("PUT", `/users/${id}/manager/$ref`, {
    "@odata.id": `${scene.simulator.graph}/v1.0/users/${manager}`,
  });
}

async function join(id: string): Promise<void> {
  await scene.graph("POST", `/groups/${team.id}/members/$ref`, {
    "@odata.id": `${scene.simulator.graph}/v1.0/directoryObjects/${id}`,
  });
}

async function rows(query: string): Promise<readonly unknown[]> {
  return (await sql.raw(query).execute(scene.store.db)).rows;
}

const heads = (): Promise<readonly unknown[]> =>
  rows(`select p.external_id as person, m.external_id as manager from portal_requesters p
    left join portal_requesters m on m.id = p.manager where p.manager is not null`);

const members = (): Promise<readonly unknown[]> =>
  rows("select p.external_id as member from portal_members left join portal_requesters p on p.id = member_id");

test("a manager whose record somebody deleted in the target is made anew, and then referred to", async () => {
  const { people } = await open();
  await deleteRecords(bo.id);
  await reportTo(ana.id, bo.id);
  assert.equal((await scene.run(people)).result, "partial");
  clock.advance(DAY);
  const healed = await scene.run(people);
  assert.deepEqual([healed.result, healed.counts.create, healed.counts.update], ["succeeded", 1, 1]);
  assert.deepEqual(await heads(), [{ person: ana.id, manager: bo.id }]);
  assert.deepEqual(await unsynced(scene.store, people), new Map());
});

test("a member whose record somebody deleted is made anew by the sync of people, and then added by that of groups", async () => {
  const { people, groups } = await open();
  await deleteRecords(bo.id);
  await join(ana.id);
  await join(bo.id);
  assert.equal((await scene.run(groups)).result, "partial");
  assert.deepEqual(await unsynced(scene.store, people), new Map([[bo.id, "record_missing"]]));
  const healed = await scene.run(people);
  assert.deepEqual([healed.result, healed.counts.create], ["succeeded", 1]);
  clock.advance(DAY);
  assert.equal((await scene.run(groups)).result, "succeeded");
  assert.deepEqual(new Set(await members()), new Set([{ member: ana.id }, { member: bo.id }]));
});

test("when a target lost more than the guard lets go, nobody is made anew for the sake of references", async () => {
  const others = crowd(30);
  const { people, groups } = await open(...others);
  await deleteRecords(...others.map(({ id }) => id));
  for (const { id } of others) await join(id);
  assert.equal((await scene.run(groups)).result, "partial");
  const stopped = await scene.run(people);
  assert.deepEqual([stopped.result, stopped.error?.code, stopped.counts.create], ["failed", "target_emptied", 0]);
});

test("what is refused although the target holds all that it refers to has nobody looked at", async () => {
  const { people } = await open();
  await reportTo(ana.id, bo.id);
  const set = { userName: "taken@contoso.com" };
  const taken = { ordinal: 1, kind: "requester", action: "create", recordId: null, set } as const;
  await createPortalTarget(scene.store, "t_portal").apply([taken], new AbortController().signal);
  await scene.graph("PATCH", `/users/${ana.id}`, { userPrincipalName: "taken@contoso.com" });
  const run = await scene.run(people);
  assert.equal(run.result, "partial", JSON.stringify(run.error));
  assert.deepEqual([...(await unsynced(scene.store, people)).keys()], [ana.id]);
});
