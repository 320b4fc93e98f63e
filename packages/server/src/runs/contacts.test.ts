import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import type { Mapping } from "@entrain/core";
import type { FaultAction } from "@entrain/simulator";
import type { Location } from "../store/store.ts";
import { eachEngine } from "../store/testing.ts";
import { changesIn, changesOfARun, heldChanges, inShort, plannedIn, scimMembers, scimUser } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, group } from "./testing/tenant.ts";
import { DAY, testClock } from "./testing/time.ts";

let scene: Scene;
let place: () => Promise<Location>;
afterEach(() => scene.close());

/** The guard has tests of its own; a scene of a few people would always trip it. */
const wide = { percent: 100, count: 500, windowMs: DAY };
const guard = { removals: wide, members: wide };
const ROLES = ["User.ReadWrite.All", "Group.ReadWrite.All", "OrgContact.Read.All"];
const MAPPING: Mapping = {
  userName: { direct: "mail" },
  externalId: { direct: "id" },
  displayName: { direct: "displayName" },
  title: { direct: "jobTitle" },
  'phoneNumbers[type eq "work"].value': { direct: "phones.0.number" },
};
const users = crowd(3);
const partners = group("Partners");

async function open(): Promise<void> {
  const tenant = { users, groups: [partners], memberships: { [partners.id]: [users[0]?.id ?? ""] } };
  scene = await openScene({ clock: testClock(), location: await place(), simulator: { tenant, roles: ROLES } });
}

/** A contact as Exchange keeps one; answers its id. */
function contact(name: string, more: object = {}): string {
  const mail = `${name.toLowerCase().replaceAll(" ", ".")}@fabrikam.com`;
  return scene.simulator.contacts.create({ displayName: name, mail, mailNickname: name.split(" ")[0] ?? "", ...more });
}

async function ofContacts(more: object = {}): Promise<string> {
  return scene.addSync("contacts", "scim", {
    ...{ records: "user", source: "contact", mapping: MAPPING, matching: ["externalId", "userName"], guard },
    ...more,
  });
}

eachEngine((engine) => {
  beforeEach(() => {
    place = () => engine.place();
  });

  test("makes contacts what people become, beside a sync of people, and follows what Exchange changes", async () => {
    await open();
    const [ada, ben] = [
      contact("Ada Adler", { phones: [{ type: "business", number: "+49 40 1" }] }),
      contact("Ben Bo"),
    ];
    const people = await scene.addSync("people", "scim", { records: "user", guard });
    const sync = await ofContacts();
    assert.deepEqual(await changesOfARun(scene, people), [
      "create Person 0001",
      "create Person 0002",
      "create Person 0003",
    ]);
    const seen = scene.simulator.requests.list("/users").length;
    assert.deepEqual(await changesOfARun(scene, sync), ["create Ada Adler", "create Ben Bo"]);
    assert.equal(scene.simulator.requests.list("/users").length, seen, "a sync of contacts reads no people");
    assert.deepEqual(scimUser(scene.scim, ada)?.phoneNumbers, [{ type: "work", value: "+49 40 1" }]);
    assert.equal(scimUser(scene.scim, ada)?.active, true);
    assert.deepEqual(await changesOfARun(scene, sync), []);
    assert.deepEqual(await changesOfARun(scene, people), []);
    scene.simulator.contacts.update(ada, { jobTitle: "Buyer" });
    contact("Cleo Cruz");
    scene.simulator.contacts.remove(ben);
    assert.deepEqual(await changesOfARun(scene, sync), ["create Cleo Cruz", "delete Ben Bo", "update Ada Adler"]);
    assert.equal(scimUser(scene.scim, ada)?.title, "Buyer");
    assert.equal(scimUser(scene.scim, ben), undefined);
    assert.deepEqual(await changesOfARun(scene, people), []);
  });

  test("brings contacts into the portal too, and shows a plan of them before anything is written", async () => {
    await open();
    contact("Ada Adler");
    const mapping: Mapping = { userName: { direct: "mail" }, displayName: { direct: "displayName" } };
    const sync = await scene.addSync("contacts", "portal", {
      ...{ records: "requester", source: "contact", mapping, matching: ["userName"], guard },
    });
    const planned = await scene.plan(sync);
    assert.deepEqual(inShort(await changesIn(scene.store, planned.plan.id)), ["create Ada Adler"]);
    const held = (): Promise<readonly unknown[]> =>
      scene.store.db.selectFrom("portal_requesters").selectAll().execute();
    assert.equal((await held()).length, 0);
    assert.equal((await scene.apply(sync, planned.plan.digest ?? "")).counts.create, 1);
    assert.equal((await held()).length, 1);
  });

  test("takes only contacts that the filters and groups let in, and makes linked ones members of their groups", async () => {
    await open();
    const [ada, ben] = [contact("Ada Adler"), contact("Ben Bo", { companyName: "Litware" })];
    scene.simulator.contacts.setMember(partners.id, ada, true);
    const sync = await ofContacts({ scope: { groups: { include: ["Partners"], transitive: true } } });
    const groups = await scene.addSync("groups", "scim", { records: "group", guard });
    assert.deepEqual(await changesOfARun(scene, sync), ["create Ada Adler"]);
    await changesOfARun(scene, groups);
    assert.deepEqual(scimMembers(scene.scim, partners.id), [ada]);
    scene.simulator.contacts.setMember(partners.id, ben, true);
    assert.deepEqual(await changesOfARun(scene, sync), ["create Ben Bo"]);
    await changesOfARun(scene, groups);
    assert.deepEqual(scimMembers(scene.scim, partners.id), [ada, ben].sort());
    scene.simulator.contacts.setMember(partners.id, ada, false);
    assert.deepEqual(await changesOfARun(scene, sync), ["disable Ada Adler"]);
    const filters = [[{ attribute: "companyName", operator: "EQUALS", value: "Litware" } as const]];
    await scene.redefine(sync, { scope: { filters } });
    assert.deepEqual(await changesOfARun(scene, sync), []);
  });

  test("removes no contact after a failed, empty or shortened read, and does once it is really gone", async () => {
    await open();
    const ids = ["Ben Bo", ...Array.from({ length: 11 }, (_, at) => `Contact ${at}`)].map((name) => contact(name));
    const sync = await ofContacts();
    assert.equal((await changesOfARun(scene, sync)).length, 12);
    const faults: readonly FaultAction[] = [
      { type: "status", status: 403 },
      { type: "status", status: 503 },
      { type: "html" },
      { type: "truncate" },
      { type: "no-value" },
      { type: "ends-empty" },
    ];
    for (const action of faults) {
      scene.simulator.expireDeltaTokens();
      scene.simulator.faults.set([{ method: "GET", path: "/contacts", action }]);
      const run = await scene.run(sync);
      assert.equal(run.result, "failed", action.type);
      assert.deepEqual(inShort(await plannedIn(scene.store, run.run)), [], action.type);
    }
    scene.simulator.faults.set([]);
    assert.deepEqual(await changesOfARun(scene, sync), []);
    scene.simulator.contacts.remove(ids[0] ?? "");
    scene.simulator.expireDeltaTokens();
    const before = scene.simulator.requests.list("/$batch").length;
    assert.deepEqual(await changesOfARun(scene, sync), ["delete Ben Bo"]);
    assert.ok(scene.simulator.requests.list("/$batch").length > before, "absence was believed without a look-up");
  });

  test("holds what a lost permission would hide, and what the guard holds of contacts", async () => {
    await open();
    const ids = Array.from({ length: 12 }, (_, at) => contact(`Contact ${String(at + 10)}`));
    const narrow = { percent: 10, count: 500, windowMs: DAY };
    const sync = await ofContacts({ guard: { removals: narrow, members: narrow } });
    assert.equal((await changesOfARun(scene, sync)).length, 12);
    scene.simulator.setRoles(["User.ReadWrite.All"]);
    const lost = await scene.run(sync);
    assert.deepEqual([lost.result, lost.error?.code], ["failed", "permission_lost"]);
    scene.simulator.setRoles(ROLES);
    for (const id of ids.slice(0, 5)) scene.simulator.contacts.remove(id);
    const held = await scene.run(sync);
    assert.deepEqual([held.result, held.held?.count], ["held", 5]);
    const digest = held.held?.digest ?? "";
    assert.equal(
      (await heldChanges(scene.store, digest)).every(({ action }) => action === "delete"),
      true,
    );
    const approved = await scene.approve(sync, digest);
    assert.deepEqual([approved.result, approved.counts.delete], ["succeeded", 5]);
  });

  test("joins no record that a person has, and leaves to each heir what its own kind left behind", async () => {
    await open();
    const ada = contact("Ada Adler");
    const twin = contact("Ben Bo", { mail: users[0]?.mail });
    const people = await scene.addSync("people", "scim", { records: "user", guard });
    const sync = await ofContacts();
    await changesOfARun(scene, people);
    const run = await scene.run(sync);
    assert.deepEqual([run.result, run.counts.create, run.counts.join, run.failed], ["partial", 1, 0, 1]);
    assert.equal(scimUser(scene.scim, twin), undefined);
    // Both are forgotten; the contacts' heir runs first.
    await scene.store.transaction(async (tx) => {
      await tx.updateTable("links").set({ sync: null }).execute();
      await tx.deleteFrom("pending").execute();
      await tx.deleteFrom("syncs").execute();
    });
    const contacts = await ofContacts();
    await scene.run(contacts);
    const heir = await scene.addSync("people", "scim", { records: "user", guard });
    await scene.run(heir);
    const owners = await scene.store.db.selectFrom("links").select(["object_id", "sync"]).execute();
    const ownerOf = (id: string): string | null | undefined => owners.find((one) => one.object_id === id)?.sync;
    assert.equal(ownerOf(ada), contacts);
    assert.deepEqual(
      users.map(({ id }) => ownerOf(id)),
      users.map(() => heir),
    );
  });
});
