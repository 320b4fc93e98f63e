import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { TenantFile } from "@entrain/simulator";
import { saveRun } from "../store/runs.ts";
import { runHistory } from "./queries.ts";
import { inShort, plannedIn, scimGroup, scimUser, scimWrites, unsynced } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { group, person } from "./testing/tenant.ts";
import { testClock } from "./testing/time.ts";

let scene: Scene;
afterEach(() => scene.close());

const ana = person("Ana One");

async function open(tenant: Partial<TenantFile>): Promise<void> {
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users: [], groups: [], ...tenant } } });
}

/** The first creation is not answered; `then` happens in the target instead. */
function unheardCreation(then: () => void): void {
  let once = true;
  scene.disturb(({ method }) => {
    if (method !== "POST" || !once) return null;
    once = false;
    then();
    return { status: 502, body: "" };
  });
}

async function originOf(id: string): Promise<{ readonly record: string; readonly origin: string } | undefined> {
  const query = scene.store.db.selectFrom("links").select(["record_id as record", "origin"]);
  return await query.where("object_id", "=", id).executeTakeFirst();
}

test("an unheard creation that took effect is ours: the record carries the object id", async () => {
  await open({ users: [ana] });
  const sync = await scene.addSync("people", "scim", { records: "user" });
  const body = { userName: "ana.one@contoso.com", externalId: ana.id, active: true };
  unheardCreation(() => scene.scim.store.putUser(undefined, body));
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create, run.counts.join], ["succeeded", 1, 0]);
  assert.deepEqual(await originOf(ana.id), { record: scimUser(scene.scim, ana.id)?.id, origin: "created" });
  assert.equal(scene.scim.store.users.size, 1);
});

test("a person made by hand while a creation went unheard is joined by a planned change, and stays when the leaver goes", async () => {
  await open({ users: [ana] });
  const sync = await scene.addSync("people", "scim", { records: "user" });
  let byHand = "";
  unheardCreation(() => {
    byHand = scene.scim.store.putUser(undefined, {
      userName: "ana.one@contoso.com",
      active: true,
      title: "By hand",
    }).id;
  });
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create, run.counts.join], ["succeeded", 0, 1]);
  assert.deepEqual(inShort(await plannedIn(scene.store, run.run)), ["create Ana One", "join Ana One"]);
  assert.deepEqual(await originOf(ana.id), { record: byHand, origin: "joined" });
  assert.equal(scene.scim.store.users.get(byHand)?.externalId, ana.id);
  assert.deepEqual([...(await unsynced(scene.store, sync))], []);
  await scene.graph("DELETE", `/users/${ana.id}`);
  await scene.graph("DELETE", `/directory/deletedItems/${ana.id}`);
  await scene.run(sync);
  assert.equal(scene.scim.store.users.get(byHand)?.active, false);
});

test("a group made by hand under the same name while a creation went unheard is joined, not doubled", async () => {
  const staff = group("Staff");
  await open({ users: [], groups: [staff] });
  const sync = await scene.addSync("groups", "scim", { records: "group" });
  let byHand = "";
  unheardCreation(() => {
    byHand = scene.scim.store.putGroup(undefined, { displayName: "Staff" }).id;
  });
  const before = scene.scim.requests.length;
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create, run.counts.join], ["succeeded", 0, 1]);
  assert.deepEqual(await originOf(staff.id), { record: byHand, origin: "joined" });
  assert.equal(scimGroup(scene.scim, staff.id)?.id, byHand);
  assert.equal(scimWrites(scene.scim, before).filter((write) => write.startsWith("POST")).length, 1);
});

test("where the target keeps no object id, an unheard creation is joined: nothing proves it ours", async () => {
  await open({ users: [ana] });
  const mapping = { userName: { direct: "userPrincipalName" }, displayName: { direct: "displayName" } };
  const sync = await scene.addSync("people", "scim", { records: "user", mapping, matching: ["userName"] });
  const body = { userName: "ana.one@contoso.com", displayName: "Ana One", active: true };
  unheardCreation(() => scene.scim.store.putUser(undefined, body));
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create, run.counts.join], ["succeeded", 0, 1]);
  assert.equal((await originOf(ana.id))?.origin, "joined");
  assert.equal(scene.scim.store.users.size, 1);
});

test("an unheard creation is found again although nothing that it is matched by is written", async () => {
  await open({ users: [ana] });
  const sync = await scene.addSync("people", "scim", {
    records: "user",
    mapping: { userName: { direct: "userPrincipalName" }, externalId: { direct: "id" } },
    matching: [{ attribute: 'emails[type eq "work"].value', expression: "[mail]" }],
  });
  const body = { userName: "ana.one@contoso.com", externalId: ana.id, active: true };
  unheardCreation(() => scene.scim.store.putUser(undefined, body));
  const run = await scene.run(sync);
  assert.deepEqual([run.result, run.counts.create], ["succeeded", 1]);
  assert.deepEqual(
    scimWrites(scene.scim).filter((write) => write.startsWith("POST")),
    ["POST /Users"],
  );
  assert.equal(scene.scim.store.users.size, 1);
});

test("how long a run took that broke off is not known, for the next run alone noticed it", async () => {
  await open({ users: [ana] });
  const sync = await scene.addSync("people", "scim", { records: "user" });
  const { run } = await scene.run(sync);
  await scene.store.transaction((tx) => saveRun(tx, run, { phase: "applying", result: null, finished_at: null }));
  await scene.run(sync);
  const [next, broken] = await runHistory(scene.store, { sync, limit: 2 });
  assert.deepEqual([broken?.run, broken?.result, broken?.ms], [run, "cancelled", null]);
  assert.notEqual(next?.ms, null);
});
