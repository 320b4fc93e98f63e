import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Simulator, startSimulator } from "@entrain/simulator";
import { graphOf } from "../runs/testing/scene.ts";
import { crowd } from "../runs/testing/tenant.ts";
import { errorOf, run, runJson, temporaryFolder } from "./testing.ts";

const users = crowd(40);
const ids = users.map(({ id }) => id);

interface Summary {
  readonly result: string;
  readonly counts: { readonly disable: number };
  readonly held: { readonly digest: string; readonly count: number } | null;
}
interface Guards {
  readonly guards: readonly {
    readonly counter: string;
    readonly percent: number;
    readonly count: number;
    readonly raised: { readonly until: number } | null;
    readonly windows: readonly { readonly applied: number; readonly allowed: number }[];
  }[];
}

async function install(context: TestContext): Promise<{ readonly cwd: string; readonly simulator: Simulator }> {
  const simulator = await startSimulator({ tenant: { users, groups: [] }, throttle: "off" });
  context.after(() => simulator.close());
  const cwd = await temporaryFolder(context);
  const { tenant, client, login, graph, secret } = simulator;
  const custom = ["--cloud", "custom", "--login", login, "--graph", graph, "--secret-stdin"];
  for (const args of [
    ["connection", "add", "contoso", "--tenant", tenant, "--client", client, ...custom],
    ["target", "add", "portal", "--type", "portal"],
    ["sync", "add", "people", "--connection", "contoso", "--target", "portal", "--records", "requester"],
    ["sync", "run", "people"],
  ]) {
    const ran = await run(args, { cwd, input: secret });
    assert.equal(ran.code, 0, ran.stderr);
  }
  return { cwd, simulator };
}

test("the guards of a sync are shown, one is raised for a while, and status says so", async (context) => {
  const { cwd, simulator } = await install(context);
  const shown = await run(["sync", "guard", "people"], { cwd });
  assert.match(shown.stdout, /^removals +10 % or 500 in 24h +0 of 4 +0 of 8/m);
  assert.match(shown.stdout, /^updates +80 % or 20,000 in 24h +0 of 100 +no limit/m);
  const raise = ["sync", "guard", "people", "--raise", "removals=30%,800", "--until", "2h"];
  assert.match((await run(raise, { cwd })).stdout, /^Raised: removals up to 30 % or 800, until /m);
  assert.match(
    (await run(["sync", "status", "people"], { cwd })).stdout,
    /^guard +raised: removals up to 30 % or 800/m,
  );
  const { guards } = await runJson<Guards>(["sync", "guard", "people"], { cwd });
  const [removals] = guards;
  assert.deepEqual([removals?.percent, removals?.count, removals?.windows[0]?.allowed], [30, 800, 12]);
  const graph = graphOf(simulator);
  for (const id of ids.slice(0, 12)) await graph("DELETE", `/users/${id}`);
  assert.equal((await runJson<Summary>(["sync", "run", "people"], { cwd })).counts.disable, 12);
  const lowered = await runJson<Guards>(["sync", "guard", "people", "--lower", "removals"], { cwd });
  assert.deepEqual([lowered.guards[0]?.percent, lowered.guards[0]?.raised], [10, null]);
  const exported = await run(["config", "export"], { cwd });
  assert.match(exported.stdout, /matching: \{ percent: 10, count: 500, window: 24h \}/);
  assert.doesNotMatch(exported.stdout, /raised/);
});

test("what cannot be raised is refused with a reason", async (context) => {
  const { cwd } = await install(context);
  for (const [raise, until, said] of [
    ["removals", "2h", /--raise takes a guard with what it may let go/],
    ["removal=30%", "2h", /did you mean "removals"/],
    ["removals=30%", "never", /--until says for how long/],
    ["removals=60%", "2h", /raised to 50 at most/],
    ["removals=30%", "25h", /24h at most/],
    ["removals=5%", "2h", /raises nothing/],
  ] as const) {
    const ran = await run(["sync", "guard", "people", "--raise", raise, "--until", until, "--json"], { cwd });
    assert.ok(ran.code === 1 || ran.code === 2);
    assert.match(errorOf(ran).message, said);
  }
  const alone = await run(["sync", "guard", "people", "--until", "2h"], { cwd });
  assert.equal(alone.code, 2);
});

test("records are exempted from a held plan by its digest, listed, and released", async (context) => {
  const { cwd, simulator } = await install(context);
  const graph = graphOf(simulator);
  for (const id of ids.slice(0, 12)) await graph("DELETE", `/users/${id}`);
  const ran = await run(["sync", "run", "people"], { cwd });
  const [first] = await runJson<{ readonly digest: string }[]>(["sync", "held", "people"], { cwd });
  const digest = first?.digest ?? "";
  const listed = await run(["sync", "held", "people"], { cwd });
  for (const { stdout } of [ran, listed])
    assert.match(stdout, new RegExp(`^ {2}disable ${users[0]?.displayName} \\[${ids[0]}\\]: `, "m"));
  assert.match(listed.stdout, new RegExp(`entrain sync exempt people ${digest} --record ID`));
  const none = await run(["sync", "exempt", "people", digest], { cwd });
  assert.equal(none.code, 2);
  const stranger = await run(["sync", "exempt", "people", digest, "--record", ids[30] ?? "", "--json"], { cwd });
  assert.equal(errorOf(stranger).code, "not_found");
  const exempt = ["sync", "exempt", "people", digest, "--record", ids[0] ?? "", users[1]?.userPrincipalName ?? ""];
  const { digest: rest } = await runJson<{ readonly digest: string }>(exempt, { cwd });
  assert.notEqual(rest, digest);
  const approved = await runJson<Summary>(["sync", "approve", "people", "--digest", rest], { cwd });
  assert.equal(approved.counts.disable, 10);
  const undone = await run(["sync", "undone", "people"], { cwd });
  assert.match(undone.stdout, new RegExp(`${users[0]?.displayName} .*exempted`));
  await run(["sync", "release", "people", "--all"], { cwd });
  assert.equal((await runJson<Summary>(["sync", "run", "people"], { cwd })).counts.disable, 2);
});
