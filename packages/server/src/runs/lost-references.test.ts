import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { sql } from "kysely";
import { createPortalTarget } from "../portal/target.ts";
import { changesOfARun, scimUser, unsynced } from "./testing/observe.ts";
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

function asRow(row: unknown): { readonly columns: ReturnType<typeof sql.ref>[]; readonly values: readonly unknown[] } {
  const fields = Object.entries(row as object);
  return { columns: fields.map(([name]) => sql.ref(name)), values: fields.map(([, value]) => value) };
}

const heads = (): Promise<readonly unknown[]> =>
  rows(`select p.external_id as person, m.external_id as manager from portal_requesters p
    left join portal_requesters m on m.id = p.manager where p.manager is not null order by p.display_name`);

const members = (): Promise<readonly unknown[]> =>
  rows("select p.external_id as member from portal_members left join portal_requesters p on p.id = member_id");

test("a manager whose record somebody deleted in the target is made anew, and all who report to them refer to it", async () => {
  const { people } = await open();
  await reportTo(cy.id, bo.id);
  await scene.run(people);
  await deleteRecords(bo.id);
  await reportTo(ana.id, bo.id);
  assert.equal((await scene.run(people)).result, "partial");
  clock.advance(DAY);
  const healed = await scene.run(people);
  assert.deepEqual([healed.result, healed.counts.create], ["succeeded", 1]);
  assert.deepEqual(await heads(), [
    { person: ana.id, manager: bo.id },
    { person: cy.id, manager: bo.id },
  ]);
  assert.deepEqual(await unsynced(scene.store, people), new Map());
  assert.deepEqual(await changesOfARun(scene, people), []);
});

test("a member whose record somebody deleted is made anew by the sync of people, and then added by that of groups", async () => {
  const { people, groups } = await open();
  await deleteRecords(bo.id);
  await join(ana.id);
  await join(bo.id);
  assert.equal((await scene.run(groups)).result, "partial");
  assert.deepEqual(await changesOfARun(scene, people), ["create Bo Two"]);
  clock.advance(DAY);
  assert.equal((await scene.run(groups)).result, "succeeded");
  assert.deepEqual(new Set(await members()), new Set([{ member: ana.id }, { member: bo.id }]));
});

test("a preview that found a record gone forgets no link that was made since", async () => {
  const { people } = await open();
  await scene.store.transaction(async (tx) => {
    await tx.updateTable("links").set({ sync: null }).where("object_id", "=", bo.id).execute();
  });
  await deleteRecords(bo.id);
  await scene.graph("PATCH", `/users/${bo.id}`, { jobTitle: "Chief" });
  await scene.graph("PATCH", `/users/${cy.id}`, { jobTitle: "Clerk" });
  const { plan } = await scene.plan(people);
  const gone = await rows(`select object_id from plan_issues where plan = '${plan.id}' and state = 'gone'`);
  assert.deepEqual(gone, [{ object_id: bo.id }]);
  assert.equal((await scene.run(people, { selection: { only: [bo.id] } })).counts.create, 1);
  const link = `select record_id, origin from links where object_id = '${bo.id}'`;
  const made = await rows(link);
  const applied = await scene.apply(people, plan.digest ?? "");
  assert.deepEqual([applied.counts.create, applied.counts.join, applied.counts.update], [0, 0, 1]);
  assert.deepEqual(await rows(link), made);
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

test("when a target was emptied, two references to it are enough to see that", async () => {
  const others = crowd(30);
  const { people, groups } = await open(...others);
  await deleteRecords(ana.id, bo.id, cy.id, ...others.map(({ id }) => id));
  await join(ana.id);
  await join(bo.id);
  assert.equal((await scene.run(groups)).result, "partial");
  const stopped = await scene.run(people);
  assert.deepEqual([stopped.result, stopped.error?.code, stopped.counts.create], ["failed", "target_emptied", 0]);
});

test("a record that is there after all is left as it is, drift and all", async () => {
  const { people, groups } = await open();
  const [kept] = await rows(`select * from portal_requesters where external_id = '${bo.id}'`);
  await deleteRecords(bo.id);
  await join(bo.id);
  assert.equal((await scene.run(groups)).result, "partial");
  const { columns, values } = asRow(kept);
  await scene.store.transaction(async (tx) => {
    await sql`insert into portal_requesters (${sql.join(columns)}) values (${sql.join(values)})`.execute(tx);
    await sql`update portal_requesters set active = 0 where external_id = ${bo.id}`.execute(tx);
  });
  assert.deepEqual(await changesOfARun(scene, people), []);
  assert.deepEqual(await rows(`select active from portal_requesters where external_id = '${bo.id}'`), [{ active: 0 }]);
  assert.deepEqual(await rows("select record_id from doubted_links"), []);
});

test("what somebody ignores stays ignored when its record is found to be gone", async () => {
  const { people, groups } = await open();
  await deleteRecords(bo.id);
  await join(bo.id);
  await scene.run(groups);
  const ignored = { sync: people, object_id: bo.id, reason: "issue", code: "value_missing", detail: "", plan: null };
  const counted = { attempts: 7, retry_at: 0, sequence: 1, since: 0, tried_at: null, dead_at: null, ignored: "known" };
  await scene.store.transaction((tx) =>
    tx
      .insertInto("pending")
      .values({ ...ignored, ...counted })
      .execute(),
  );
  await scene.run(people);
  const row = await scene.store.db.selectFrom("pending").selectAll().where("object_id", "=", bo.id).execute();
  assert.deepEqual(
    row.filter(({ sync }) => sync === people).map((one) => one.ignored),
    ["known"],
  );
});

test("a target that cannot be asked keeps nothing from being written down", async () => {
  clock.advance(DAY);
  scene = await openScene({ clock, simulator: { tenant: { users: [ana, bo, cy], groups: [] } } });
  const people = await scene.addSync("people", "scim", { records: "user" });
  await scene.run(people);
  await reportTo(ana.id, bo.id);
  await scene.graph("PATCH", `/users/${cy.id}`, { jobTitle: "Chief" });
  const [chief, report] = [bo.id, ana.id].map((id) => String(scimUser(scene.scim, id)?.id));
  const refusal = JSON.stringify({ status: "400", scimType: "invalidValue", detail: "No such manager." });
  scene.disturb(({ method, path }) => {
    if (method === "GET" && path.endsWith(`/Users/${chief}`)) return { status: 403 };
    return method === "PATCH" && path.endsWith(`/Users/${report}`) ? { status: 400, body: refusal } : null;
  });
  const run = await scene.run(people);
  assert.deepEqual([run.result, run.failed, run.counts.update], ["partial", 1, 1]);
  assert.equal((await scene.store.db.selectFrom("open_intents").select("ordinal").execute()).length, 0);
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
  assert.deepEqual(await rows("select record_id from doubted_links"), []);
});
