import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { GraphUser } from "@entrain/simulator";
import { showPerson } from "./people.ts";
import { reportSync } from "./report.ts";
import { plannedIn, scimContent, unsynced } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { addTenant, type SecondTenant } from "./testing/second-tenant.ts";
import { person } from "./testing/tenant.ts";
import { testClock } from "./testing/time.ts";

let scene: Scene;
let other: SecondTenant;
afterEach(async () => {
  await other.close();
  await scene.close();
});

async function open(users: readonly GraphUser[], others: readonly GraphUser[]): Promise<void> {
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users, groups: [] } } });
  other = await addTenant(scene, { users: others, groups: [] });
}

const MAIL = 'emails[type eq "work"].value';
const BY_MAIL = { records: "user", matching: [MAIL] };
/** At home in fabrikam, and a guest in contoso. */
const home = person("Ana López", { userPrincipalName: "ana.lopez@fabrikam.com", mail: "ana@fabrikam.com" });
const guest = person("Ana (Fabrikam)", {
  userPrincipalName: "ana.lopez_fabrikam.com#EXT#@contoso.onmicrosoft.com",
  mail: "ana@fabrikam.com",
  userType: "Guest",
  creationType: "Invitation",
  externalUserState: "Accepted",
});

async function detail(sync: string): Promise<string> {
  const rows = await scene.store.db.selectFrom("pending").select("detail").where("sync", "=", sync).execute();
  return rows.map((row) => row.detail).join("\n");
}

test("a record that two syncs reach stays with the first, and the second is told both syncs and both people", async () => {
  const namesake = person("Ana Contoso", { mail: "ana@fabrikam.com" });
  await open([namesake], [home]);
  const first = await other.addSync("fabrikam-desk", "scim", BY_MAIL);
  assert.equal((await other.run(first)).counts.create, 1);
  const before = scimContent(scene.scim);
  const second = await scene.addSync("contoso-desk", "scim", BY_MAIL);
  const run = await scene.run(second);
  assert.deepEqual([run.result, run.counts.create, run.counts.join], ["partial", 0, 0]);
  assert.deepEqual(await unsynced(scene.store, second), new Map([[namesake.id, "linked_elsewhere"]]));
  const [record] = [...scene.scim.store.users.keys()];
  assert.equal(
    await detail(second),
    `${MAIL} "ana@fabrikam.com" fits Ana López (${record}), which is linked to Ana López (${home.id}) of the connection fabrikam; the sync fabrikam-desk owns it, so contoso-desk does not join it for Ana Contoso (${namesake.id})`,
  );
  assert.equal(scimContent(scene.scim), before);
  assert.equal((await other.run(first)).result, "succeeded");
});

test("a guest and the person at home are told to be one where both reach one record, and stay unlinked", async () => {
  await open([guest], [home]);
  await other.run(await other.addSync("fabrikam-desk", "scim", BY_MAIL));
  const second = await scene.addSync("contoso-desk", "scim", BY_MAIL);
  await scene.run(second);
  assert.match(await detail(second), /; the two are one person, a guest of the one tenant who is at home in the other/);
  assert.equal((await scene.store.db.selectFrom("links").selectAll().execute()).length, 1);
});

test("a record that was left without a sync is still nobody else's", async () => {
  await open([guest], [home]);
  const first = await other.addSync("fabrikam-desk", "scim", BY_MAIL);
  await other.run(first);
  await scene.store.transaction(async (tx) => {
    await tx.updateTable("links").set({ sync: null }).execute();
  });
  const second = await scene.addSync("contoso-desk", "scim", BY_MAIL);
  assert.equal((await scene.run(second)).counts.join, 0);
  assert.match(
    await detail(second),
    /of the connection fabrikam; no sync owns it any more, so contoso-desk does not join/,
  );
});

test("a guest whose home is connected is recognised, by the invitation's name and never by mail", async () => {
  const sameMail = person("Ana Mail", { userPrincipalName: "other@fabrikam.com", mail: "ana@fabrikam.com" });
  const unaccepted = person("Bo Guest", {
    ...guest,
    id: undefined,
    userPrincipalName: "other_fabrikam.com#EXT#@contoso.onmicrosoft.com",
    externalUserState: "PendingAcceptance",
  } as object);
  await open([guest, unaccepted], [sameMail, home]);
  const first = await other.addSync("fabrikam-portal", "portal", { records: "requester" });
  const second = await scene.addSync("contoso-portal", "portal", { records: "requester" });
  assert.equal((await other.run(first)).result, "succeeded");
  assert.equal((await scene.run(second)).result, "succeeded");
  const homeOf = async (id: string) => (await showPerson(other.engine, id)).map((one) => one.home);
  assert.deepEqual(await homeOf(guest.id), [
    { connection: "fabrikam", id: home.id, displayName: "Ana López", userPrincipalName: "ana.lopez@fabrikam.com" },
  ]);
  assert.deepEqual(await homeOf(home.id), [null]);
  const names = await scene.store.db.selectFrom("records").select(["id", "attributes"]).execute();
  const bo = names.find(({ attributes }) => attributes.includes("PendingAcceptance"));
  assert.deepEqual(await homeOf(bo?.id ?? ""), [null]);
});

test("a second sync of one tenant names the sync that has the person's record already", async () => {
  await open([person("Ana Contoso")], [home]);
  await scene.run(await scene.addSync("first-desk", "scim", { records: "user" }));
  const second = await scene.addSync("second-desk", "scim", { records: "user" });
  assert.equal((await scene.run(second)).failed, 1);
  const [record] = [...scene.scim.store.users.keys()];
  assert.equal(await detail(second), `the target record ${record} is owned by first-desk`);
});

test("the plan's reason of a guest who comes says who that is at home", async () => {
  await open([person("Cy Alone"), { ...guest, accountEnabled: false }], [home]);
  await other.run(await other.addSync("fabrikam-portal", "portal", { records: "requester" }));
  const sync = await scene.addSync("contoso-portal", "portal", { records: "requester" });
  await scene.run(sync);
  await scene.graph("PATCH", `/users/${guest.id}`, { accountEnabled: true });
  const run = await scene.run(sync);
  const [created] = await plannedIn(scene.store, run.run);
  assert.match(
    created?.reason ?? "",
    /^New: .*; a guest whose home is Ana López \(ana\.lopez@fabrikam\.com, .*\) of the connection fabrikam$/,
  );
});

test("the report tells which guests are at home in a connected tenant", async () => {
  await open([guest, person("Cy Alone")], [home]);
  await other.run(await other.addSync("fabrikam-portal", "portal", { records: "requester" }));
  const id = await scene.addSync("contoso-desk", "scim", { records: "user" });
  await scene.plan(id);
  const sync = await scene.store.db.selectFrom("syncs").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
  const signal = new AbortController().signal;
  const report = await reportSync(scene.engine, { sync, samples: 5, signal, onProgress: () => undefined });
  const said = `a guest whose home is Ana López (ana.lopez@fabrikam.com, ${home.id}) of the connection fabrikam`;
  assert.deepEqual(report.guests, { count: 1, samples: [{ id: guest.id, name: "Ana (Fabrikam)", home: said }] });
  assert.equal(report.create.count, 2);
});

test("two syncs that plan one record at a time join it once", async () => {
  await open([person("Ana Contoso", { mail: "ana@fabrikam.com" })], [home]);
  const emails = [{ type: "work", value: "ana@fabrikam.com" }];
  scene.scim.store.putUser(undefined, { userName: "there@x", active: true, emails });
  const second = await scene.addSync("contoso-desk", "scim", BY_MAIL);
  const preview = await scene.plan(second);
  const first = await other.run(await other.addSync("fabrikam-desk", "scim", BY_MAIL));
  assert.equal(first.counts.join, 1);
  const [joined] = await plannedIn(scene.store, first.run);
  assert.deepEqual(joined?.matchedBy, { attribute: MAIL, value: "ana@fabrikam.com" });
  const late = await scene.apply(second, preview.plan.digest ?? "");
  assert.equal(late.counts.join, 0);
  await scene.run(second);
  assert.deepEqual([...(await unsynced(scene.store, second)).values()], ["linked_elsewhere"]);
  const links = await scene.store.db.selectFrom("links").select(["origin", "matched_by"]).execute();
  assert.deepEqual(links, [{ origin: "joined", matched_by: MAIL }]);
});
