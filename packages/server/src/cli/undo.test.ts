import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Simulator, startSimulator } from "@entrain/simulator";
import { graphOf } from "../runs/testing/scene.ts";
import { crowd, group } from "../runs/testing/tenant.ts";
import { errorOf, run, runJson, temporaryFolder } from "./testing.ts";

const users = crowd(4);
const [first, second] = users.map(({ id }) => id);
const team = group("Team");

interface Summary {
  readonly run: string;
  readonly result: string;
  readonly held: { readonly digest: string; readonly count: number } | null;
  readonly left: readonly { readonly code: string; readonly name: string; readonly detail: string }[];
}

async function install(context: TestContext): Promise<{ readonly cwd: string; readonly simulator: Simulator }> {
  const memberships = { [team.id]: [first ?? "", second ?? ""] };
  const simulator = await startSimulator({ tenant: { users, groups: [team], memberships }, throttle: "off" });
  context.after(() => simulator.close());
  const cwd = await temporaryFolder(context);
  const { tenant, client, login, graph, secret } = simulator;
  const custom = ["--cloud", "custom", "--login", login, "--graph", graph, "--secret-stdin"];
  const ends = ["--connection", "contoso", "--target", "portal", "--records"];
  for (const args of [
    ["connection", "add", "contoso", "--tenant", tenant, "--client", client, ...custom],
    ["target", "add", "portal", "--type", "portal"],
    ["sync", "add", "people", ...ends, "requester"],
    ["sync", "add", "groups", ...ends, "group"],
    ["sync", "run", "people"],
    ["sync", "run", "groups"],
  ]) {
    const ran = await run(args, { cwd, input: secret });
    assert.equal(ran.code, 0, ran.stderr);
  }
  return { cwd, simulator };
}

test("what cannot be undone is listed, for programs too, and asking twice leaves one plan", async (context) => {
  const { cwd, simulator } = await install(context);
  const graph = graphOf(simulator);
  for (const id of [first, second]) await graph("PATCH", `/users/${id}`, { jobTitle: "New" });
  await graph("POST", "/users", {
    ...users[0],
    id: undefined,
    userPrincipalName: "x@contoso.com",
    mailNickname: "x",
    passwordProfile: { password: "Not-a-secret-1!" },
  });
  const { run: changed } = await runJson<Summary>(["sync", "run", "people"], { cwd });
  await graph("PATCH", `/users/${first}`, { jobTitle: "Newer" });
  await runJson<Summary>(["sync", "run", "people"], { cwd });
  const undo = ["sync", "undo", "people", "--run", changed];
  const planned = await runJson<Summary>(undo, { cwd }, 3);
  assert.deepEqual(
    planned.left.map(({ code, name, detail }) => [code, name, detail]),
    [["undo_changed", users[0]?.displayName, "a later run changed jobTitle, so it stays"]],
  );
  const said = await run(undo, { cwd });
  assert.equal(said.code, 3);
  assert.match(said.stdout, /^Not undone:\n {2}.*a later run changed jobTitle, so it stays$/m);
  const held = await run(["sync", "held", "people"], { cwd });
  assert.match(held.stdout, /^Not undone:\n {2}.*a later run changed jobTitle, so it stays$/m);
  type HeldPlan = { readonly left: readonly { readonly code: string }[] };
  const [listed] = await runJson<readonly HeldPlan[]>(["sync", "held", "people"], { cwd });
  assert.deepEqual(
    listed?.left.map(({ code }) => code),
    ["undo_changed"],
  );
  const plans = await runJson<readonly { readonly state: string; readonly part: string }[]>(["plan", "list"], { cwd });
  assert.deepEqual(
    plans.filter(({ part }) => part === "undo").map(({ state }) => state),
    ["held"],
  );
  const approved = await run(["sync", "approve", "people", "--digest", planned.held?.digest ?? ""], { cwd });
  assert.equal(approved.code, 0, approved.stderr);
  const status = await run(["sync", "status", "people"], { cwd });
  assert.match(status.stdout, /^left alone 2: entrain sync undone people$/m);
  const strange = await run(["sync", "release", "people", "--record", second ?? "", "nobody", "--json"], { cwd });
  assert.deepEqual([strange.code, errorOf(strange).code], [1, "not_found"]);
  assert.match(errorOf(strange).message, /under nobody; nothing was released\.$/);
  const none = await run(["sync", "unsynced", "people"], { cwd });
  assert.match(
    none.stdout,
    /^ {2}2 records are left alone since an undoing or an exemption: entrain sync undone people$/m,
  );
});

test("a mistyped run or record is refused without a run, and without what waits", async (context) => {
  const { cwd, simulator } = await install(context);
  await graphOf(simulator)("PATCH", `/users/${first}`, { jobTitle: "New" });
  const { run: changed } = await runJson<Summary>(["sync", "run", "people"], { cwd });
  assert.equal((await run(["sync", "undo", "people"], { cwd })).code, 3);
  const history = async () => (await runJson<readonly unknown[]>(["sync", "history", "people"], { cwd })).length;
  const before = await history();
  for (const [args, code] of [
    [["people", "--run", "run_none"], "not_found"],
    [["people", "--run", changed, "--record", "nobody"], "nothing_to_undo"],
    [["people", "--run", changed, "--change", "4711"], "nothing_to_undo"],
  ] as const) {
    const refused = await run(["sync", "undo", ...args, "--json"], { cwd });
    assert.deepEqual([refused.code, refused.stdout, errorOf(refused).code], [1, "", code]);
    assert.equal((await run(["sync", "undo", ...args], { cwd })).stdout, "");
  }
  assert.equal(await history(), before);
  const others = await run(["sync", "undo", "groups", "--run", changed, "--json"], { cwd });
  assert.match(errorOf(others).message, /was one of the sync people/);
});
