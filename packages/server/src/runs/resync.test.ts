import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { runSync } from "./run.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { person } from "./testing/tenant.ts";

let scene: Scene;
let sync = "";
afterEach(async () => await scene.close());

const users = Array.from({ length: 40 }, (_, at) => person(`Person ${at}`, { jobTitle: "Clerk" }));

async function open(): Promise<void> {
  scene = await openScene({ simulator: { tenant: { users, groups: [] } } });
  sync = await scene.addSync("people", "scim", { records: "user" });
  assert.equal((await scene.run(sync)).result, "succeeded");
}

const resync = () =>
  runSync(scene.engine, {
    ...{ sync, resync: true, onProgress: () => undefined },
    actor: { kind: "command", id: "olga" },
    signal: new AbortController().signal,
  });

test("a resync reads tenant and target anew, and mends what others changed or deleted in the target", async () => {
  await open();
  const [changed = "", deleted = ""] = scene.scim.store.users.keys();
  const user = scene.scim.store.users.get(changed);
  assert.ok(user);
  Object.assign(user, { title: "Changed by hand" });
  scene.scim.store.delete(scene.scim.store.users, deleted);
  assert.deepEqual((await scene.run(sync)).counts.update, 0, "an ordinary run trusts what it knows");
  scene.simulator.requests.clear();
  const run = await resync();
  assert.deepEqual([run.result, run.counts.create, run.counts.update], ["succeeded", 1, 1]);
  assert.equal(scene.scim.store.users.get(changed)?.title, "Clerk");
  assert.equal(scene.scim.store.users.size, 40);
  assert.ok(scene.simulator.requests.list("/users").length > 1, "a full round, and no delta");
  assert.equal((await scene.plan(sync)).changes, 0);
  const { type } = await scene.store.db
    .selectFrom("journal")
    .select("type")
    .where("type", "=", "resync")
    .executeTakeFirstOrThrow();
  assert.equal(type, "resync");
});

test("a resync of a target that was emptied makes nothing anew unless somebody says so", async () => {
  await open();
  for (const id of [...scene.scim.store.users.keys()]) scene.scim.store.delete(scene.scim.store.users, id);
  const run = await resync();
  assert.deepEqual([run.result, run.error?.code, scene.scim.store.users.size], ["failed", "target_emptied", 0]);
});

test("a resync of a tenant that lost its people holds the removals", async () => {
  await open();
  for (const { id } of users.slice(0, 12)) await scene.graph("DELETE", `/users/${id}`);
  const run = await resync();
  assert.equal(run.result, "held");
  assert.equal([...scene.scim.store.users.values()].filter(({ active }) => active === true).length, 40);
});
