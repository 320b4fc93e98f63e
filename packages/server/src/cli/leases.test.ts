import assert from "node:assert/strict";
import { test } from "node:test";
import { startSimulator } from "@entrain/simulator";
import { assertClean, errorOf, run, runJson, start, temporaryFolder } from "./testing.ts";

test("of two runs of one sync one runs, and the other says who does: the command line beside a server", async (context) => {
  // Each answer takes its time, so that the server's run is still under way when the command is typed.
  const simulator = await startSimulator({ people: 60, groups: 4, seed: 3, throttle: "off", latencyMs: 1500 });
  context.after(() => simulator.close());
  const cwd = await temporaryFolder(context);
  const { tenant, client, login, graph, secret } = simulator;
  const custom = ["--cloud", "custom", "--login", login, "--graph", graph];
  const add = ["connection", "add", "contoso", "--tenant", tenant, "--client", client, ...custom, "--secret-stdin"];
  assert.equal((await run(add, { cwd, input: secret })).code, 0);
  assert.equal((await run(["target", "add", "portal", "--type", "portal"], { cwd })).code, 0);
  const sync = ["--connection", "contoso", "--target", "portal", "--records", "requester"];
  assert.equal((await run(["sync", "add", "people", ...sync, "--every", "1h"], { cwd })).code, 0);

  const asked = simulator.requests.list().length;
  const serving = start(["serve", "--port", "0"], { cwd });
  await serving.until(/Entrain is at/);
  while (simulator.requests.list().length === asked) await new Promise((resolve) => setImmediate(resolve));
  const refused = await run(["sync", "run", "people", "--json"], { cwd });
  assert.equal(refused.code, 1, refused.stdout);
  const { code, message } = errorOf(refused);
  assert.equal(code, "lease_held");
  assert.match(message, new RegExp(`process ${serving.child.pid} on `));
  assertClean(refused, [secret]);

  await serving.until(/people: succeeded/);
  serving.child.kill("SIGTERM");
  assert.equal((await serving.ended).code, 0);
  const again = await runJson<{ result: string; counts: { create: number } }>(["sync", "run", "people"], { cwd });
  assert.equal(again.result, "succeeded");
  assert.equal(again.counts.create, 0);
});

test("Ctrl-C stops a run, says so, and the next run goes on", async (context) => {
  const simulator = await startSimulator({ people: 60, groups: 4, seed: 3, throttle: "off", latencyMs: 600 });
  context.after(() => simulator.close());
  const cwd = await temporaryFolder(context);
  const { tenant, client, login, graph, secret } = simulator;
  const custom = ["--cloud", "custom", "--login", login, "--graph", graph];
  const add = ["connection", "add", "contoso", "--tenant", tenant, "--client", client, ...custom, "--secret-stdin"];
  assert.equal((await run(add, { cwd, input: secret })).code, 0);
  assert.equal((await run(["target", "add", "portal", "--type", "portal"], { cwd })).code, 0);
  const sync = ["--connection", "contoso", "--target", "portal", "--records", "requester"];
  assert.equal((await run(["sync", "add", "people", ...sync], { cwd })).code, 0);
  const asked = simulator.requests.list().length;
  const running = start(["sync", "run", "people"], { cwd });
  while (simulator.requests.list().length === asked) await new Promise((resolve) => setImmediate(resolve));
  running.child.kill("SIGINT");
  const ended = await running.ended;
  assert.equal(ended.code, 1, ended.stdout);
  assert.match(ended.stderr, /error: The run was stopped\. Run the sync again; it goes on where it stopped\./);
  assertClean(ended, [secret]);
  const again = await runJson<{ result: string }>(["sync", "run", "people"], { cwd });
  assert.equal(again.result, "succeeded");
});
