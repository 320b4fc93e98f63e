import assert from "node:assert/strict";
import { test } from "node:test";
import { type Simulator, startSimulator } from "@entrain/simulator";
import { errorOf, run, runJson, temporaryFolder } from "./testing.ts";

interface Summary {
  readonly result: string;
  readonly counts: { readonly create: number; readonly disable: number; readonly delete: number };
  readonly held: { readonly digest: string; readonly count: number } | null;
}

interface Planned {
  readonly holds: readonly {
    readonly code: string;
    readonly waiting?: boolean;
    readonly digest?: string;
    readonly count?: number;
  }[];
}

test("removals beyond the guard are held with their names, and done by approval alone", async (context) => {
  const simulator = await startSimulator({ people: 40, groups: 4, seed: 5, throttle: "off" });
  context.after(() => simulator.close());
  const cwd = await temporaryFolder(context);
  await install(simulator, cwd);
  const first = await runJson<Summary>(["sync", "run", "people"], { cwd });
  const leavers = await people(simulator, first.counts.create / 4);
  for (const { id } of leavers) await graph(simulator, "DELETE", `/users/${id}`);

  const held = await runJson<Summary>(["sync", "run", "people"], { cwd }, 3);
  assert.equal(held.result, "held");
  assert.ok(held.held);
  assert.equal(held.held.count, leavers.length);
  const { digest } = held.held;

  const again = await run(["sync", "run", "people"], { cwd });
  assert.match(again.stdout, /Waiting for approval: \d+ disabled\./);
  for (const { displayName } of leavers) assert.ok(again.stdout.includes(displayName), displayName);
  assert.match(again.stdout, new RegExp(`entrain sync approve people --digest ${digest}`));
  const listed = await run(["sync", "held", "people"], { cwd });
  for (const { displayName } of leavers) assert.ok(listed.stdout.includes(displayName), displayName);
  assert.match(listed.stdout, new RegExp(`approve people --digest ${digest} --reject`));
  type Held = { digest: string; changes: { action: string; name: string; reason: string }[] };
  const [all, ...others] = await runJson<Held[]>(["sync", "held", "people"], { cwd });
  assert.deepEqual([all?.digest, all?.changes.length, others], [digest, leavers.length, []]);
  const planned = await runJson<Planned>(["sync", "plan", "people"], { cwd });
  const waiting = planned.holds.filter((hold) => hold.waiting === true);
  assert.deepEqual(
    waiting.map((hold) => [hold.code, hold.digest, hold.count]),
    [["held", digest, leavers.length]],
  );
  const approve = `\\d+ disabled: entrain sync approve people --digest ${digest}`;
  for (const [verb, word] of [
    ["plan", "Waiting for approval:"],
    ["status", "waiting"],
  ] as const) {
    const shown = await run(["sync", verb, "people"], { cwd });
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, new RegExp(`^${word} +${approve}$`, "m"));
  }
  const status = await runJson<{ held: { digest: string; count: number }[] }>(["sync", "status", "people"], { cwd });
  assert.deepEqual(
    status.held.map((one) => [one.digest, one.count]),
    [[digest, leavers.length]],
  );
  const doctor = await runJson<{ ok: boolean; checks: { ok: boolean; fix: string }[] }>(["doctor"], { cwd }, 1);
  assert.match(doctor.checks.find(({ ok }) => !ok)?.fix ?? "", new RegExp(`approve people --digest ${digest}`));

  const wrong = await run(["sync", "approve", "people", "--digest", "0".repeat(64), "--json"], { cwd });
  assert.equal(wrong.code, 1);
  assert.equal(errorOf(wrong).code, "plan_stale");
  assert.match(errorOf(wrong).fix, /^See what waits with `entrain sync held people`/);

  const rejected = await run(["sync", "approve", "people", "--digest", digest, "--reject"], { cwd });
  assert.equal(rejected.code, 0, rejected.stderr);
  const once = await runJson<Summary>(["sync", "run", "people"], { cwd }, 3);
  const given = ["--digest", (once.held?.digest ?? "").slice(0, 8)];
  const approved = await runJson<Summary>(["sync", "approve", "people", ...given], { cwd });
  assert.equal(approved.result, "succeeded");
  const runs = await runJson<object[]>(["sync", "history", "people"], { cwd });
  for (const verb of ["apply", "approve"]) {
    const twice = await run(["sync", verb, "people", ...given, "--json"], { cwd });
    assert.deepEqual([twice.code, errorOf(twice).code], [1, "plan_applied"]);
  }
  assert.deepEqual(await runJson(["sync", "history", "people"], { cwd }), runs, "what is refused is no run");
  assert.equal(approved.counts.disable + approved.counts.delete, leavers.length);
  const last = await runJson<Summary>(["sync", "run", "people"], { cwd });
  assert.equal(last.held, null);
  const none = await runJson<Planned>(["sync", "plan", "people"], { cwd });
  assert.deepEqual(none.holds, []);
  assert.match((await run(["sync", "held", "people"], { cwd })).stdout, /^Nothing of people waits for approval\.$/m);
  assert.deepEqual(await runJson(["sync", "held", "people"], { cwd }), []);
});

test("a plan of which a part changed since exits 1 and says what to do; one that changed wholly is refused", async (context) => {
  const simulator = await startSimulator({ people: 40, groups: 4, seed: 5, throttle: "off" });
  context.after(() => simulator.close());
  const cwd = await temporaryFolder(context);
  await install(simulator, cwd);
  await runJson<Summary>(["sync", "run", "people"], { cwd });
  // What is mastered on premises cannot be changed in Entra.
  const [first, second] = (await people(simulator, 40)).filter((one) => one.onPremisesSyncEnabled !== true).map(idOf);
  const retitle = (id: string | undefined, jobTitle: string) => graph(simulator, "PATCH", `/users/${id}`, { jobTitle });
  const preview = async () => (await runJson<{ digest: string }>(["sync", "plan", "people"], { cwd })).digest;
  await retitle(first, "Chief");
  await retitle(second, "Chief");
  const digest = await preview();
  await retitle(first, "Boss");
  const applied = await run(["sync", "apply", "people", "--digest", digest], { cwd });
  assert.equal(applied.code, 1, applied.stderr);
  assert.match(applied.stdout, /people partial: 1 updated/);
  assert.match(applied.stdout, /1 of the plan's changes was not made/);
  assert.match(applied.stdout, /entrain sync run people\n.*entrain sync plan people\n/);
  const stale = await preview();
  await retitle(first, "President");
  const refused = await run(["sync", "apply", "people", "--digest", stale, "--json"], { cwd });
  assert.deepEqual([refused.code, errorOf(refused).code], [1, "plan_stale"]);
});

async function install({ tenant, client, login, graph: base, secret }: Simulator, cwd: string): Promise<void> {
  const custom = ["--cloud", "custom", "--login", login, "--graph", base, "--secret-stdin"];
  const sync = ["--connection", "contoso", "--target", "portal", "--records", "requester"];
  for (const args of [
    ["connection", "add", "contoso", "--tenant", tenant, "--client", client, ...custom],
    ["target", "add", "portal", "--type", "portal"],
    ["sync", "add", "people", ...sync],
  ]) {
    const ran = await run(args, { cwd, input: secret });
    assert.equal(ran.code, 0, ran.stderr);
  }
}

interface Person {
  readonly id: string;
  readonly displayName: string;
  readonly onPremisesSyncEnabled: boolean | null;
}

const idOf = ({ id }: Person): string => id;

async function people(simulator: Simulator, count: number): Promise<readonly Person[]> {
  const select = "$select=id,displayName,onPremisesSyncEnabled";
  const filter = `$filter=accountEnabled eq true&${select}&$orderby=displayName&$count=true`;
  const found = (await graph(simulator, "GET", `/users?${filter}`)) as { value: readonly Person[] };
  return found.value.slice(0, Math.ceil(count));
}

async function graph(simulator: Simulator, method: string, path: string, body?: unknown): Promise<unknown> {
  const signedIn = await fetch(`${simulator.login}/${simulator.tenant}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: simulator.client,
      client_secret: simulator.secret,
      scope: "https://graph.microsoft.com/.default",
    }),
  });
  const { access_token } = (await signedIn.json()) as { access_token: string };
  const authorization = `Bearer ${access_token}`;
  const headers = { authorization, ConsistencyLevel: "eventual", "content-type": "application/json" };
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await fetch(`${simulator.graph}/v1.0${path}`, { method, headers, ...sent });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.status === 204 ? null : answer.json();
}
