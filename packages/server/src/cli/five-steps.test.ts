import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { startScimServer } from "@entrain/connectors/scim/testing";
import { startSimulator } from "@entrain/simulator";
import { assertClean, run, runJson, start, temporaryFolder } from "./testing.ts";

const TOKEN = "scim-CANARY-token";
const COUNTS = ["create", "join", "update", "enable", "disable", "delete", "members"];

test("a first real tenant in five steps, each with the documented JSON", async (context) => {
  const simulator = await startSimulator({ people: 40, groups: 6, seed: 11, throttle: "off" });
  context.after(() => simulator.close());
  const scim = await startScimServer({ token: TOKEN, now: () => Date.now() });
  context.after(() => scim.close());
  const cwd = await temporaryFolder(context);
  const env = { DESK_TOKEN: TOKEN };
  const of = { cwd, env };
  const output: string[] = [];
  const json = async <T>(args: readonly string[], code = 0): Promise<T> => {
    const value = await runJson<T>(args, of, code);
    output.push(JSON.stringify(value));
    return value;
  };

  await context.test("connect: the secret comes on standard input, and stays in the store", async () => {
    const { tenant, client, login, graph, secret } = simulator;
    const custom = ["--cloud", "custom", "--login", login, "--graph", graph];
    const args = ["connection", "add", "contoso", "--tenant", tenant, "--client", client, ...custom, "--secret-stdin"];
    const added = await run(args, { ...of, input: `${secret}\n` });
    assert.equal(added.code, 0, added.stderr);
    assertClean(added, [secret]);
    const verified = await json<{ ok: boolean; checks: { name: string; ok: boolean; detail: string; fix: null }[] }>([
      "connection",
      "verify",
      "contoso",
    ]);
    assert.equal(verified.ok, true);
    assert.deepEqual(Object.keys(verified.checks[0] ?? {}), ["name", "ok", "detail", "fix"]);
    const [listed] = await json<{ name: string }[]>(["connection", "list"]);
    assert.equal(listed?.name, "contoso");
    const shown = await run(["connection", "show", "contoso"], of);
    assert.match(shown.stdout, /credential secret, secret encrypted in the store/);
    const database = await readFile(join(cwd, ".entrain", "data", "entrain.sqlite"), "latin1");
    assert.ok(!database.includes(secret), "the secret stands in the database");
  });

  await context.test("add a target: its token is read from the environment at every use", async () => {
    const types = await json<{ type: string; kinds: { name: string }[] }[]>(["target", "types"]);
    assert.deepEqual(
      types.map(({ type }) => type),
      ["portal", "scim", "csv", "freshchat"],
    );
    const base = `baseUrl=${scim.baseUrl}`;
    await json(["target", "add", "desk", "--type", "scim", "--set", base, "--secret-env", "DESK_TOKEN"]);
    const verified = await json<{ ok: boolean }>(["target", "verify", "desk"]);
    assert.equal(verified.ok, true);
  });

  await context.test("plan: what would happen, with reasons; nothing is written", async () => {
    const sync = ["sync", "add", "people", "--connection", "contoso", "--target", "desk", "--records", "user"];
    await json(sync);
    type Plan = {
      digest: string;
      complete: boolean;
      counts: object;
      changes: object[];
      issues: object[];
      holds: object[];
    };
    const plan = await json<Plan>(["sync", "plan", "people"]);
    assert.match(plan.digest, /^[0-9a-f]{64}$/);
    assert.equal(plan.complete, true);
    assert.deepEqual(Object.keys(plan.counts), COUNTS);
    assert.ok(plan.changes.length > 20);
    assert.ok(Array.isArray(plan.issues) && Array.isArray(plan.holds));
    const human = await run(["sync", "plan", "people"], of);
    assert.match(human.stdout, /people would make \d+ changes: \d+ created/);
    assert.match(human.stdout, new RegExp(`entrain sync apply people --digest ${plan.digest}`));
    const applied = await json<{ result: string; counts: { create: number } }>([
      "sync",
      "apply",
      "people",
      "--digest",
      plan.digest,
    ]);
    assert.equal(applied.counts.create, plan.changes.length);
  });

  await context.test("run: a second run changes nothing", async () => {
    type Summary = { run: string; result: string; counts: object; failed: number; ms: number; held: null };
    const summary = await json<Summary>(["sync", "run", "people"]);
    assert.equal(summary.result, "succeeded");
    assert.deepEqual(
      Object.values(summary.counts),
      COUNTS.map(() => 0),
    );
    for (const field of ["run", "result", "counts", "failed", "ms", "held"]) assert.ok(field in summary, field);
    const status = await json<{ synced: number }>(["sync", "status", "people"]);
    for (const field of ["lastRun", "nextRun", "synced", "failed", "unsynced", "cursorLag"]) assert.ok(field in status);
    assert.ok(status.synced > 20);
    const history = await json<{ mode: string }[]>(["sync", "history", "people"]);
    assert.deepEqual(
      history.map(({ mode }) => mode),
      ["incremental", "apply"],
    );
    assert.deepEqual(await json(["sync", "unsynced", "people"]), []);
    const people = await json<{ id: string; connection: string }[]>(["person", "find", "a", "--limit", "3"]);
    assert.equal(people.length, 3);
    const fields = ["id", "displayName", "userPrincipalName", "mail", "accountEnabled", "connection"];
    assert.deepEqual(Object.keys(people[0] ?? {}), fields);
    const [shown] = await json<{ links: object[] }[]>(["person", "show", people[0]?.id ?? ""]);
    assert.ok(shown?.links);
  });

  await context.test("serve: the schedule runs it from now on", async () => {
    const exported = await run(["config", "export"], of);
    const scheduled = exported.stdout.replace("schedule: manual", "schedule: { every: 10s }");
    await writeFile(join(cwd, "entrain.yaml"), scheduled);
    const applied = await run(["config", "apply", "entrain.yaml"], of);
    assert.match(applied.stdout, /changed {2}syncs\.people\n\s+schedule: "manual" → \{"every":"10s"\}/);
    const serving = start(["serve", "--port", "0"], of);
    await serving.until(/Entrain is at http:\/\/127\.0\.0\.1:\d+/);
    serving.child.kill("SIGINT");
    const ended = await serving.ended;
    assert.equal(ended.code, 0, ended.stderr);
    assertClean(ended, [TOKEN, simulator.secret]);
    const doctor = await json<{ ok: boolean; checks: { name: string }[] }>(["doctor"]);
    assert.equal(doctor.ok, true, JSON.stringify(doctor.checks));
  });

  assert.ok(!output.join("").includes(TOKEN) && !output.join("").includes(simulator.secret));
});
