import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startSimulator } from "@entrain/simulator";
import { run, runJson, withPeople } from "./testing.ts";

const DAY_MS = 86_400_000;
const WARNED = /The client secret ends on \S+, in 10 days\. Make its successor in Entra/;

type Warned = { readonly warnings: readonly { readonly days: number }[] };

/** An installation that no server ever ran on, whose secret ends in that many days, as its configuration says too. */
async function endingIn(context: TestContext, days: number): Promise<string> {
  const simulator = await startSimulator({ people: 12, groups: 2, throttle: "off" });
  context.after(() => simulator.close());
  const endsAt = Math.floor(Date.now() / DAY_MS + days + 1) * DAY_MS;
  const day = new Date(endsAt).toISOString().slice(0, 10);
  const secret = "ending-1111-4222-8333-444455556666";
  simulator.identity.addSecret(simulator.client, { value: secret, expiresAt: endsAt });
  const { login, graph, tenant, client } = simulator;
  const cwd = await withPeople(context, { login, graph, tenant, client, secret }, ["schedule: manual"]);
  const path = join(cwd, "entrain.yaml");
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace("{ file: secret } }", `{ file: secret }, expires: ${day} }`));
  assert.equal((await run(["config", "apply", "entrain.yaml"], { cwd })).code, 0);
  return cwd;
}

test("a near end that the configuration tells is told without a server", async (context) => {
  const cwd = await endingIn(context, 10);
  assert.match((await run(["connection", "show", "contoso"], { cwd })).stdout, WARNED);
  const shown = await runJson<Warned>(["connection", "show", "contoso"], { cwd });
  assert.deepEqual(
    shown.warnings.map(({ days }) => days),
    [10],
  );
  assert.match((await run(["sync", "status", "people"], { cwd })).stdout, /^warning +The client secret ends on/m);
  assert.equal((await runJson<Warned>(["sync", "status", "people"], { cwd })).warnings.length, 1);
  const ran = await run(["sync", "run", "people"], { cwd });
  assert.equal(ran.code, 0);
  assert.match(ran.stderr, WARNED);
  assert.doesNotMatch(ran.stdout, /ends on/);
});

test("doctor tells a near end once, and does not call it all well", async (context) => {
  const cwd = await endingIn(context, 10);
  const doctor = await run(["doctor"], { cwd });
  assert.equal(doctor.code, 0, doctor.stdout);
  assert.deepEqual(doctor.stdout.match(/ ends on /g)?.length, 1, doctor.stdout);
  assert.match(doctor.stdout, /credential expiry: Warning: the client secret ends on/);
  assert.doesNotMatch(doctor.stdout, /All is well/);
});

test("an end that is far away is no warning", async (context) => {
  const cwd = await endingIn(context, 100);
  assert.deepEqual((await runJson<Warned>(["connection", "show", "contoso"], { cwd })).warnings, []);
  assert.match((await run(["doctor"], { cwd })).stdout, /^All is well\.$/m);
});
