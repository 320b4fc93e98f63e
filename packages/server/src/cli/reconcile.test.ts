import assert from "node:assert/strict";
import { test } from "node:test";
import { startScimServer } from "@entrain/connectors/scim/testing";
import { startSimulator } from "@entrain/simulator";
import { assertClean, errorOf, run, runJson, temporaryFolder } from "./testing.ts";

const TOKEN = "scim-test-token";

test("what others changed is told and put back, and a sync goes with what it owns", async (context) => {
  const simulator = await startSimulator({ people: 8, groups: 0, seed: 3, throttle: "off" });
  context.after(() => simulator.close());
  const scim = await startScimServer({ token: TOKEN, now: () => Date.now() });
  context.after(() => scim.close());
  const cwd = await temporaryFolder(context);
  const env = { ENTRAIN_DATA: `${cwd}/data` };
  const { tenant, client, login, graph, secret } = simulator;
  const custom = ["--cloud", "custom", "--login", login, "--graph", graph];
  const add = ["connection", "add", "contoso", "--tenant", tenant, "--client", client, ...custom, "--secret-stdin"];
  assert.equal((await run(add, { cwd, env, input: secret })).code, 0);
  const desk = ["target", "add", "desk", "--type", "scim", "--set", `baseUrl=${scim.baseUrl}`, "--secret-stdin"];
  assert.equal((await run(desk, { cwd, env, input: TOKEN })).code, 0);
  const sync = ["sync", "add", "people", "--connection", "contoso", "--target", "desk", "--records", "user"];
  assert.equal((await run(sync, { cwd, env })).code, 0);
  assert.equal((await run(["sync", "run", "people"], { cwd, env })).code, 0);
  const owned = scim.store.users.size;

  const calm = await run(["sync", "reconcile", "people"], { cwd, env });
  assert.equal(calm.code, 0, calm.stderr);
  assert.match(calm.stdout, /All that it owns is as it was left/);
  assert.match(calm.stdout, new RegExp(`people: ${owned} of the ${owned} users that desk holds are its own\\.`));
  const kept = new Map(scim.store.users);
  scim.store.users.delete([...kept.keys()][0] ?? "");
  const one = await run(["sync", "reconcile", "people"], { cwd, env });
  assert.equal(one.code, 0, one.stderr);
  const some = `${owned - 1} of the ${owned - 1} users that desk holds are its own, and 1 more is missing\\.`;
  assert.match(one.stdout, new RegExp(`people: ${some}`));
  scim.store.users.clear();
  const none = await run(["sync", "reconcile", "people"], { cwd, env });
  assert.equal(none.code, 0, none.stderr);
  const gone = `0 of the 0 users that desk holds are its own, and ${owned} more are missing\\.`;
  assert.match(none.stdout, new RegExp(`people: ${gone}`));
  for (const [id, user] of kept) scim.store.users.set(id, user);
  const [user] = [...scim.store.users.values()];
  scim.store.users.set(String(user?.id), { ...user, title: "By hand" } as never);
  type Told = { readonly report: { readonly inStep: boolean; readonly changed: { readonly count: number } } };
  const told = await runJson<Told>(["sync", "reconcile", "people"], { cwd, env });
  assert.deepEqual([told.report.inStep, told.report.changed.count], [false, 1]);
  const repaired = await run(["sync", "reconcile", "people", "--repair"], { cwd, env });
  assert.equal(repaired.code, 0, repaired.stderr);
  assert.match(repaired.stdout, /changed +1 by others[\s\S]*title: .* became By hand[\s\S]*1 updated/);
  assert.equal((await runJson<Told>(["sync", "reconcile", "people"], { cwd, env })).report.inStep, true);

  const wrong = await run(["sync", "remove", "people", "--owned", "burn", "--json"], { cwd, env });
  assert.deepEqual([wrong.code, errorOf(wrong).code], [2, "usage"]);
  const forced = await run(["sync", "remove", "people", "--owned", "delete", "--force"], { cwd, env });
  assert.equal(forced.code, 2);
  const planned = await run(["sync", "remove", "people", "--owned", "disable"], { cwd, env });
  assert.equal(planned.code, 3, planned.stderr);
  assert.match(planned.stdout, /Before the sync is removed, what it owns is disabled/);
  const [, all = ""] = /--digest ([0-9a-f]{64})/.exec(planned.stdout) ?? [];
  type Held = readonly {
    readonly changes: readonly { readonly objectId: string }[];
    readonly left?: readonly object[];
  }[];
  const [{ changes = [] } = {}] = await runJson<Held>(["sync", "held", "people"], { cwd, env });
  const id = changes[0]?.objectId ?? "";
  assert.equal((await run(["sync", "exempt", "people", all, "--record", id], { cwd, env })).code, 0);
  const without = await run(["sync", "remove", "people", "--owned", "disable"], { cwd, env });
  assert.match(without.stdout, /These stay as they are:\n {2}.+: would be disabled, but was exempted from a held plan/);
  const [held] = await runJson<Held>(["sync", "held", "people"], { cwd, env });
  assert.deepEqual([held?.changes.length, held?.left?.length], [changes.length - 1, 1]);
  assert.equal((await run(["sync", "release", "people", "--record", id], { cwd, env })).code, 0);
  const whole = await run(["sync", "remove", "people", "--owned", "disable"], { cwd, env });
  const [, digest = ""] = /--digest ([0-9a-f]{64})/.exec(whole.stdout) ?? [];
  const stays = await run(["target", "remove", "desk"], { cwd, env });
  assert.equal(stays.code, 1);
  assert.match(stays.stderr, /the sync people needs it.*entrain sync remove people --owned release, disable or delete/);
  const approved = await run(["sync", "approve", "people", "--digest", digest], { cwd, env });
  assert.equal(approved.code, 0, approved.stderr);
  assert.match(approved.stdout, /Removed the sync people/);
  assert.deepEqual(await runJson(["sync", "list"], { cwd, env }), []);
  assert.ok([...scim.store.users.values()].every(({ active }) => active === false));
  assert.equal(scim.store.users.size, owned);

  assert.equal((await run(sync, { cwd, env })).code, 0);
  type Ran = { readonly counts: { readonly enable: number; readonly create: number } };
  const again = await runJson<Ran>(["sync", "run", "people"], { cwd, env });
  assert.equal(again.counts.create, 0, "the same records");
  assert.ok(again.counts.enable > 0);
  const released = await runJson<{ readonly removed: string; readonly owned: { readonly records: number } }>(
    ["sync", "remove", "people", "--owned", "release"],
    { cwd, env },
  );
  assert.deepEqual([released.removed, released.owned.records], ["people", owned]);
  assertClean(approved, [secret, TOKEN]);
});
