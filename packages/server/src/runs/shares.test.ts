import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { DEFAULTS, type Mapping } from "@entrain/core";
import type { GraphUser } from "@entrain/simulator";
import { removeEntry } from "../config/remove.ts";
import { reportSync } from "./report.ts";
import { plannedIn, unsynced } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { addTenant, type SecondTenant } from "./testing/second-tenant.ts";
import { group, person } from "./testing/tenant.ts";
import { testClock } from "./testing/time.ts";

let scene: Scene;
let other: SecondTenant;
afterEach(async () => {
  await other.close();
  await scene.close();
});

const MAIL = 'emails[type eq "work"].value';
const NAMES: Mapping = {
  userName: { direct: "userPrincipalName" },
  displayName: { direct: "displayName" },
  externalId: { direct: "id" },
  [MAIL]: { direct: "mail" },
};
/** The sync of the tenant where they are at home; the titles are the other's. */
const OWNER = { records: "user", matching: [MAIL], mapping: NAMES };
const SHARING = {
  records: "user",
  matching: [MAIL],
  mapping: { ...NAMES, title: { direct: "jobTitle" } },
  shares: ["title"],
};

const home = person("Ana López", {
  userPrincipalName: "ana@fabrikam.com",
  mail: "ana@fabrikam.com",
  jobTitle: "Analyst",
});
const guest = person("Ana (Fabrikam)", { mail: "ana@fabrikam.com", jobTitle: "Buyer" });

async function open(
  users: readonly GraphUser[],
  others: readonly GraphUser[] = [home],
): Promise<readonly [string, string]> {
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users, groups: [] } } });
  other = await addTenant(scene, { users: others, groups: [] });
  const owner = await other.addSync("fabrikam-desk", "scim", OWNER);
  await other.run(owner);
  return [owner, await scene.addSync("contoso-desk", "scim", SHARING)];
}

const resource = () => [...scene.scim.store.users.values()][0] as { readonly [name: string]: unknown };
test("a shared attribute is written to the record that another sync owns, and nothing else of it", async () => {
  const [, second] = await open([guest, person("Bo Own")]);
  const before = resource();
  const run = await scene.run(second);
  assert.deepEqual([run.result, run.counts.create, run.counts.join], ["succeeded", 1, 1]);
  const [shared] = (await plannedIn(scene.store, run.run)).filter(({ action }) => action === "join");
  assert.equal(shared?.cause, "shared");
  assert.deepEqual([shared?.before, shared?.after], [{ title: null }, { title: "Buyer" }]);
  assert.match(
    shared?.reason ?? "",
    /^Shares the record found by emails.* ana@fabrikam\.com, which stays that of fabrikam-desk, Ana López \(.*\) of the connection fabrikam; title/,
  );
  const { meta: _was, ...old } = before;
  const { meta: _is, ...now } = resource();
  assert.deepEqual(now, { ...old, title: "Buyer" });
  assert.deepEqual(await unsynced(scene.store, second), new Map());
});

test("later changes of the attribute follow, others do not, and neither sync undoes what the other wrote", async () => {
  const [owner, second] = await open([guest]);
  await scene.run(second);
  await scene.graph("PATCH", `/users/${guest.id}`, { jobTitle: "Head buyer", displayName: "Ana Renamed" });
  const [change] = await plannedIn(scene.store, (await scene.run(second)).run);
  assert.deepEqual([change?.action, change?.after], ["update", { title: "Head buyer" }]);
  assert.deepEqual([resource().title, resource().displayName], ["Head buyer", "Ana López"]);
  await scene.graph("PATCH", `/users/${guest.id}`, { displayName: "Ana Again" });
  for (const run of [await scene.run(second), await other.run(owner), await scene.run(second)]) {
    assert.deepEqual(await plannedIn(scene.store, run.run), []);
  }
});

test("who leaves, is disabled or is deleted where the record is shared leaves it as it is", async () => {
  for (const body of [{ accountEnabled: false }, null]) {
    const [, second] = await open([guest]);
    await scene.run(second);
    const before = JSON.stringify(resource());
    await scene.graph(body === null ? "DELETE" : "PATCH", `/users/${guest.id}`, body ?? undefined);
    const run = await scene.run(second);
    assert.deepEqual([run.result, await plannedIn(scene.store, run.run)], ["succeeded", []]);
    assert.equal(JSON.stringify(resource()), before);
    await other.close();
    await scene.close();
  }
  await open([guest]);
});

test("when the owner deletes the record, whoever shared it gets one of their own", async () => {
  const [owner, second] = await open([guest]);
  await scene.run(second);
  await scene.redefine(owner, { deprovision: { ...DEFAULTS.deprovision, softDeleted: "delete" } });
  await other.graph("DELETE", `/users/${home.id}`);
  assert.equal((await other.run(owner)).counts.delete, 1);
  const run = await scene.run(second);
  assert.deepEqual([run.result, run.counts.create], ["succeeded", 1]);
  assert.deepEqual([resource().externalId, resource().title], [guest.id, "Buyer"]);
});

test("a record is shared for one person of a sync; the second is told, as without sharing", async () => {
  const [, second] = await open([guest]);
  await scene.run(second);
  const namesake = await scene.graph("POST", "/users", {
    ...person("Ana Twin", { mail: "ana@fabrikam.com" }),
    id: undefined,
    passwordProfile: { password: "Not-a-secret-1" },
    mailNickname: "twin",
  });
  const run = await scene.run(second);
  assert.equal(run.failed, 1, JSON.stringify(namesake));
  assert.deepEqual([...(await unsynced(scene.store, second)).values()], ["linked_elsewhere"]);
  assert.equal(resource().title, "Buyer");
});

test("another mail address moves nothing to another record: who shares stays with the record that was found first", async () => {
  const cy = person("Cy Other", { userPrincipalName: "cy@fabrikam.com", mail: "cy@fabrikam.com", jobTitle: "Clerk" });
  const [, second] = await open([guest], [home, cy]);
  await scene.run(second);
  await scene.graph("PATCH", `/users/${guest.id}`, { mail: "cy@fabrikam.com", jobTitle: "Mole" });
  await scene.run(second);
  const titles = [...scene.scim.store.users.values()].map(({ externalId, title }) => [externalId, title]);
  assert.deepEqual(Object.fromEntries(titles), { [home.id]: "Mole", [cy.id]: undefined });
});

test("without the declaration any more the second sync is an issue again, and writes nothing", async () => {
  const [, second] = await open([guest]);
  await scene.run(second);
  await scene.redefine(second, { shares: [] });
  await scene.graph("PATCH", `/users/${guest.id}`, { jobTitle: "Head buyer" });
  await scene.run(second);
  assert.deepEqual(await unsynced(scene.store, second), new Map([[guest.id, "owned_elsewhere"]]));
  assert.equal(resource().title, "Buyer");
});

test("the report counts whose records would be shared, and whose are", async () => {
  const [, second] = await open([guest, person("Bo Own")]);
  await scene.plan(second);
  const report = async () => {
    const sync = await scene.store.db
      .selectFrom("syncs")
      .selectAll()
      .where("id", "=", second)
      .executeTakeFirstOrThrow();
    const { signal } = new AbortController();
    return await reportSync(scene.engine, { sync, samples: 5, signal, onProgress: () => undefined });
  };
  const before = await report();
  assert.deepEqual([before.share.count, before.create.count, before.elsewhere.count], [1, 1, 0]);
  assert.deepEqual(before.share.samples[0]?.id, guest.id);
  await scene.run(second);
  const { linked, share } = await report();
  assert.deepEqual([linked.created, linked.joined, linked.shared, share.count], [1, 0, 1, 0]);
});

test("a group has the record that its member shares as its member", async () => {
  const team = group("Team");
  scene = await openScene({
    clock: testClock(),
    simulator: { tenant: { users: [guest], groups: [team], memberships: { [team.id]: [guest.id] } } },
  });
  other = await addTenant(scene, { users: [home], groups: [] });
  await other.run(await other.addSync("fabrikam-desk", "scim", OWNER));
  await scene.run(await scene.addSync("contoso-desk", "scim", SHARING));
  await scene.run(await scene.addSync("contoso-groups", "scim", { records: "group" }));
  const [made] = [...scene.scim.store.groups.values()] as unknown as { members: { value: string }[] }[];
  assert.deepEqual(
    made?.members.map(({ value }) => value),
    [...scene.scim.store.users.keys()],
  );
});

test("a sync that is removed leaves what it shared to the owner, and owns nothing that somebody could adopt", async () => {
  const [, second] = await open([guest]);
  await scene.run(second);
  await scene.store.transaction((tx) =>
    removeEntry(tx, scene.store, "syncs", second, { actor: { kind: "system", id: "test" }, force: false }),
  );
  const links = await scene.store.db.selectFrom("links").select(["object_id", "origin"]).execute();
  assert.deepEqual(links, [{ object_id: home.id, origin: "created" }]);
  assert.equal(resource().title, "Buyer");
});

test("a shared record that somebody deleted is made anew by its owner when a group of the other's is refused for it", async () => {
  const team = group("Team");
  scene = await openScene({
    clock: testClock(),
    simulator: { tenant: { users: [guest], groups: [team], memberships: { [team.id]: [guest.id] } } },
  });
  other = await addTenant(scene, { users: [home], groups: [] });
  const owner = await other.addSync("fabrikam-desk", "scim", OWNER);
  await other.run(owner);
  const sharing = await scene.addSync("contoso-desk", "scim", SHARING);
  await scene.run(sharing);
  const groups = await scene.addSync("contoso-groups", "scim", { records: "group" });
  scene.scim.store.delete(scene.scim.store.users, String(resource().id));
  scene.disturb(({ method, path }) => (method === "PATCH" && path.includes("/Groups") ? { status: 400 } : null));
  assert.equal((await scene.run(groups)).result, "partial");
  scene.disturb(null);
  const run = await other.run(owner);
  assert.deepEqual([run.result, run.counts.create], ["succeeded", 1]);
  assert.equal(resource().externalId, home.id);
});

test("a shared record that somebody deleted is made anew by its owner once who shares it found it gone, and shared again", async () => {
  const [owner, second] = await open([guest]);
  await scene.run(second);
  scene.scim.store.delete(scene.scim.store.users, String(resource().id));
  await scene.graph("PATCH", `/users/${guest.id}`, { jobTitle: "Head buyer" });
  await scene.run(second);
  assert.deepEqual([...(await unsynced(scene.store, second)).values()], ["record_missing"]);
  const run = await other.run(owner);
  assert.deepEqual([run.result, run.counts.create], ["succeeded", 1]);
  assert.deepEqual(await unsynced(scene.store, owner), new Map());
  assert.equal((await scene.run(second)).result, "succeeded");
  assert.deepEqual([resource().externalId, resource().title], [home.id, "Head buyer"]);
  assert.deepEqual(await unsynced(scene.store, second), new Map());
});
