import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { DEFAULTS, type Mapping } from "@entrain/core";
import type { GraphUser, TenantFile } from "@entrain/simulator";
import { removeEntry } from "../config/remove.ts";
import { deleteLinks } from "../store/links.ts";
import type { Location } from "../store/store.ts";
import { eachEngine } from "../store/testing.ts";
import { plannedIn, unsynced } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { addTenant, type SecondTenant } from "./testing/second-tenant.ts";
import { group, person } from "./testing/tenant.ts";
import { testClock } from "./testing/time.ts";

let scene: Scene;
let other: SecondTenant;
let place: () => Promise<Location>;
afterEach(async () => {
  await other.close();
  await scene.close();
});

const MAIL = 'emails[type eq "work"].value';
const MANAGER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
const NAMES: Mapping = {
  userName: { direct: "userPrincipalName" },
  displayName: { direct: "displayName" },
  externalId: { direct: "id" },
  [MAIL]: { direct: "mail" },
};
const OWNER = {
  records: "user",
  matching: [MAIL],
  mapping: NAMES,
  deprovision: { ...DEFAULTS.deprovision, softDeleted: "delete" },
} as const;
const SHARING = {
  records: "user",
  matching: [MAIL],
  mapping: { ...NAMES, title: { direct: "jobTitle" } },
  shares: ["title"],
} as const;

const home = person("Ana López", { userPrincipalName: "ana@fabrikam.com", mail: "ana@fabrikam.com" });
const guest = person("Ana (Fabrikam)", { mail: "ana@fabrikam.com", jobTitle: "Buyer" });

/** Both tenants, the owner's records made and shared. */
async function open(
  tenant: TenantFile,
  { people = [home], definition = {} }: { people?: readonly GraphUser[]; definition?: object } = {},
): Promise<{ readonly owner: string; readonly second: string }> {
  scene = await openScene({ clock: testClock(), location: await place(), simulator: { tenant } });
  other = await addTenant(scene, { users: people, groups: [] });
  const owner = await other.addSync("fabrikam-desk", "scim", OWNER);
  await other.run(owner);
  const second = await scene.addSync("contoso-desk", "scim", { ...SHARING, ...definition });
  const run = await scene.run(second);
  assert.equal(run.result, "succeeded", JSON.stringify(run));
  return { owner, second };
}

const remove = (sync: string): Promise<unknown> =>
  scene.store.transaction((tx) =>
    removeEntry(tx, scene.store, "syncs", sync, { actor: { kind: "system", id: "test" }, force: false }),
  );

type Resource = { readonly id: string; readonly [name: string]: unknown };
const users = (): readonly Resource[] => [...scene.scim.store.users.values()] as unknown as Resource[];
const of = (externalId: string): Resource | undefined => users().find((user) => user.externalId === externalId);
/** Somebody deletes a person in the target by hand. */
const deleteUser = (externalId: string): void =>
  void scene.scim.store.delete(scene.scim.store.users, of(externalId)?.id ?? "");
const members = (): readonly string[] => {
  const [made] = [...scene.scim.store.groups.values()] as unknown as { members?: readonly { value: string }[] }[];
  return (made?.members ?? []).map(({ value }) => value);
};

eachEngine((engine) => {
  beforeEach(() => {
    place = () => engine.place();
  });

  test("the record of one's own that follows a shared one is a member of the groups, too", async () => {
    const team = group("Team");
    const tenant = { users: [guest], groups: [team], memberships: { [team.id]: [guest.id] } };
    const { owner, second } = await open(tenant);
    const groups = await scene.addSync("contoso-groups", "scim", { records: "group" });
    await scene.run(groups);
    await other.graph("DELETE", `/users/${home.id}`);
    await other.run(owner);
    await scene.run(second);
    await scene.run(groups);
    assert.deepEqual(members(), [of(guest.id)?.id]);
  });

  test("whoever has the shared record's person as manager points to the record that follows it", async () => {
    const bo = person("Bo Own");
    const tenant = { users: [guest, bo], groups: [], managers: { [bo.id]: guest.id } };
    const mapping = { ...SHARING.mapping, [MANAGER]: { direct: "manager" } };
    const { owner, second } = await open(tenant, { definition: { mapping } });
    const managerOf = (): unknown => JSON.stringify(of(bo.id));
    const was = of(home.id)?.id ?? "";
    assert.match(String(managerOf()), new RegExp(was));
    await other.graph("DELETE", `/users/${home.id}`);
    await other.run(owner);
    await scene.run(second);
    const is = of(guest.id)?.id ?? "";
    assert.match(String(managerOf()), new RegExp(is));
  });

  test("a guest who was deleted for good and invited again shares the record as before", async () => {
    const { second } = await open({ users: [guest], groups: [] });
    await scene.graph("DELETE", `/users/${guest.id}`);
    await scene.graph("DELETE", `/directory/deletedItems/${guest.id}`);
    await scene.run(second);
    const again = { ...guest, id: undefined, userPrincipalName: "ana.again@contoso.com", jobTitle: "Head buyer" };
    const passwordProfile = { password: "Not-a-secret-1" };
    await scene.graph("POST", "/users", { ...again, passwordProfile, mailNickname: "ana" });
    const run = await scene.run(second);
    assert.deepEqual(
      [run.result, run.counts.join],
      ["succeeded", 1],
      JSON.stringify(await unsynced(scene.store, second)),
    );
    assert.equal(of(home.id)?.title, "Head buyer");
  });

  test("a shared record that somebody deleted in the target is made anew by its owner alone", async () => {
    const { owner, second } = await open({ users: [guest], groups: [] });
    await scene.graph("PATCH", `/users/${guest.id}`, { jobTitle: "Head buyer" });
    deleteUser(home.id);
    const lost = await scene.run(second);
    assert.deepEqual([lost.counts.create, users()], [0, []]);
    assert.deepEqual(await unsynced(scene.store, second), new Map([[guest.id, "record_missing"]]));
    await scene.run(second, { recreate: true });
    assert.deepEqual(users(), []);
    await other.graph("PATCH", `/users/${home.id}`, { displayName: "Ana L." });
    await other.run(owner);
    const run = await scene.run(second);
    assert.deepEqual([run.result, run.counts.join, run.counts.create], ["succeeded", 1, 0]);
    assert.deepEqual([users().length, of(home.id)?.title], [1, "Head buyer"]);
    assert.deepEqual(await plannedIn(scene.store, (await scene.run(second)).run), []);
  });

  test("a share that was planned before its owner's sync was removed is not carried out", async () => {
    scene = await openScene({
      clock: testClock(),
      location: await place(),
      simulator: { tenant: { users: [guest], groups: [] } },
    });
    other = await addTenant(scene, { users: [home], groups: [] });
    const owner = await other.addSync("fabrikam-desk", "scim", OWNER);
    await other.run(owner);
    const second = await scene.addSync("contoso-desk", "scim", SHARING);
    const { plan } = await scene.plan(second);
    await remove(owner);
    const run = await scene.apply(second, plan.digest ?? "");
    assert.deepEqual([run.counts.join, of(home.id)?.title], [0, undefined]);
    await scene.run(second);
    assert.deepEqual(await unsynced(scene.store, second), new Map([[guest.id, "linked_elsewhere"]]));
  });

  for (const sent of ["share", "change of a share"]) {
    test(`a ${sent} that is answered after its owner deleted the record leads nowhere, and is matched anew`, async () => {
      let meanwhile = async (): Promise<void> => undefined;
      const beforeAnswer = async ({ method }: { readonly method: string }): Promise<void> => {
        if (method !== "PATCH") return;
        const once = meanwhile;
        meanwhile = async () => undefined;
        await once();
      };
      const simulator = { tenant: { users: [guest], groups: [] } };
      scene = await openScene({ clock: testClock(), location: await place(), simulator, scim: { beforeAnswer } });
      other = await addTenant(scene, { users: [home], groups: [] });
      const owner = await other.addSync("fabrikam-desk", "scim", OWNER);
      await other.run(owner);
      const second = await scene.addSync("contoso-desk", "scim", SHARING);
      if (sent !== "share") {
        await scene.run(second);
        await scene.graph("PATCH", `/users/${guest.id}`, { jobTitle: "Head buyer" });
      }
      meanwhile = async () => {
        const { store } = scene;
        const { target, tenant } = await store.db
          .selectFrom("links")
          .selectAll()
          .where("object_id", "=", home.id)
          .executeTakeFirstOrThrow();
        deleteUser(home.id);
        await store.transaction((tx) => deleteLinks(store, tx, { target, tenant }, "user", [home.id]));
      };
      await scene.run(second);
      await scene.run(second);
      assert.deepEqual([users().length, of(guest.id)?.title], [1, sent === "share" ? "Buyer" : "Head buyer"]);
      const links = await scene.store.db.selectFrom("links").select(["object_id", "origin"]).execute();
      assert.deepEqual(links, [{ object_id: guest.id, origin: "created" }]);
    });
  }

  test("what was shared before its owner's sync was removed is kept up to date, and nothing else of it is", async () => {
    const { owner, second } = await open({ users: [guest], groups: [] });
    await remove(owner);
    await scene.graph("PATCH", `/users/${guest.id}`, { jobTitle: "Head buyer", displayName: "Somebody" });
    const run = await scene.run(second);
    assert.deepEqual([run.result, run.counts.update], ["succeeded", 1]);
    assert.deepEqual([of(home.id)?.title, of(home.id)?.displayName], ["Head buyer", home.displayName]);
  });

  test("a few shared records that are gone are no emptied target", async () => {
    const numbers = Array.from({ length: 40 }, (_, at) => at);
    const mail = (at: number): string => `p${at}@fabrikam.com`;
    const homes = numbers.map((at) => person(`Home ${at}`, { userPrincipalName: mail(at), mail: mail(at) }));
    const guests = numbers.map((at) => person(`Guest ${at}`, { mail: mail(at), jobTitle: "Buyer" }));
    const { second } = await open({ users: guests, groups: [] }, { people: homes });
    for (const at of [0, 1, 2, 3]) {
      deleteUser(homes[at]?.id ?? "");
      await scene.graph("PATCH", `/users/${guests[at]?.id}`, { jobTitle: "Head buyer" });
    }
    const run = await scene.run(second);
    assert.deepEqual([run.result, run.failed], ["partial", 4]);
  });
});
