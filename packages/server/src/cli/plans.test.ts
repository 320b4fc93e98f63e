import assert from "node:assert/strict";
import { test } from "node:test";
import { startSimulator } from "@entrain/simulator";
import { group, person } from "../runs/testing/tenant.ts";
import { errorOf, run, runJson, temporaryFolder } from "./testing.ts";

interface Summary {
  readonly result: string;
  readonly counts: { readonly create: number; readonly disable: number; readonly delete: number };
  readonly held: { readonly digest: string; readonly count: number } | null;
  readonly trace?: { readonly outcome: { readonly action: string } };
}
interface Listed {
  readonly plan: string;
  readonly digest: string;
  readonly state: string;
  readonly decidedBy: { readonly id: string } | null;
}
interface Compared {
  readonly counts: object;
  readonly records: readonly { readonly verdict: string; readonly objectId: string }[];
}

const users = Array.from({ length: 30 }, (_, at) => person(`Person ${String(at).padStart(2, "0")}`));
const idAt = (at: number): string => users[at]?.id ?? "";

test("plans are listed, shown, compared, exported, limited to some, and approved in part", async (context) => {
  const simulator = await startSimulator({ tenant: { users, groups: [group("Team")] }, throttle: "off" });
  context.after(() => simulator.close());
  const cwd = await temporaryFolder(context);
  const { tenant, client, login, graph, secret } = simulator;
  const custom = ["--cloud", "custom", "--login", login, "--graph", graph, "--secret-stdin"];
  for (const args of [
    ["connection", "add", "contoso", "--tenant", tenant, "--client", client, ...custom],
    ["target", "add", "portal", "--type", "portal"],
    ["sync", "add", "people", "--connection", "contoso", "--target", "portal", "--records", "requester"],
  ]) {
    const ran = await run(args, { cwd, input: secret });
    assert.equal(ran.code, 0, ran.stderr);
  }
  assert.match((await run(["plan", "list"], { cwd })).stdout, /There are no such plans\. Make one/);

  const one = await run(["sync", "run", "people", "--only", "person.03@contoso.com"], { cwd });
  assert.equal(one.code, 0, one.stderr);
  assert.match(one.stdout, /people succeeded: 1 created/);
  assert.match(
    one.stdout,
    /people → portal\n {2}scope {3}in: .*\n[\s\S]*plan {4}create: /,
    "the trace of what was done",
  );
  const few = await runJson<{ digest: string; changes: unknown[]; selection: object }>(
    ["sync", "plan", "people", "--filter", "displayName EQUALS Person 04"],
    { cwd },
  );
  assert.deepEqual([few.changes.length, few.selection], [1, { filter: "displayName EQUALS Person 04" }]);
  const whole = await runJson<{ digest: string }>(["sync", "plan", "people"], { cwd });
  const compared = await runJson<Compared>(["plan", "compare", few.digest, whole.digest.slice(0, 10)], { cwd });
  assert.deepEqual(compared.counts, { first: 0, second: 28, differs: 0, same: 1 });
  const said = await run(["plan", "compare", few.digest, whole.digest, "--limit", "2"], { cwd });
  assert.match(said.stdout, /Only in the second: 28\..*\n\+ create Person .*\n\+ create .*\n… and 26 more: --all/);

  assert.equal((await runJson<Summary>(["sync", "run", "people"], { cwd })).counts.create, 29);
  for (let at = 10; at < 20; at += 1) await simulatorDelete(simulator, idAt(at));
  const { held } = await runJson<Summary>(["sync", "run", "people"], { cwd }, 3);
  const digest = held?.digest ?? "";
  const shown = await run(["plan", "show", digest.slice(0, 12), "--record", idAt(12)], { cwd });
  assert.match(shown.stdout, /state +held \(by the removals guard\)\n/);
  assert.deepEqual(shown.stdout.match(/Person \d\d/g), ["Person 12"]);
  assert.match(shown.stdout, new RegExp(`^ {2}disable Person 12 \\[${idAt(12)}\\]: `, "m"));
  const two = await run(["plan", "show", digest, "--limit", "2"], { cwd });
  assert.match(two.stdout, /\n… and 8 more: --all\n$/);
  const some = await run(["plan", "show", digest, "--limit", "1", "--text", "person 1"], { cwd });
  assert.match(some.stdout, /\n… and 9 more: --all\n$/);
  const all = await run(["plan", "show", digest, "--limit", "10"], { cwd });
  assert.doesNotMatch(all.stdout, /more/);
  const byName = ["plan", "show", digest.slice(0, 12), "--record", "Person.13@contoso.com"];
  assert.deepEqual((await run(byName, { cwd })).stdout.match(/Person \d\d/g), ["Person 13"]);
  const stranger = await run(["plan", "show", digest, "--record", "nobody@contoso.com", "--json"], { cwd });
  assert.match(
    errorOf(stranger).message,
    /has nothing of "nobody@contoso\.com"; it takes object ids and user principal/,
  );
  const list = await run(["plan", "list", "--state", "held"], { cwd });
  assert.match(list.stdout, / people +held \(by the removals guard\) +10 disabled /);
  const [held1] = await runJson<{ part: string }[]>(["plan", "list", "--state", "held"], { cwd });
  assert.equal(held1?.part, "removals", "the stored name");
  const csv = await run(["plan", "export", digest, "--format", "csv"], { cwd });
  assert.equal(csv.stdout.trim().split("\r\n").length, 11);
  const json = await runJson<{ changes: unknown[] }>(["plan", "export", digest], { cwd });
  assert.equal(json.changes.length, 10);

  const without = ["sync", "approve", "people", "--digest", digest, "--without", idAt(10), "person.11@contoso.com"];
  type Halves = { rest: { digest: string }; left: { digest: string } };
  const { rest, left } = await runJson<Halves>(without, { cwd }, 3);
  assert.notEqual(rest.digest, digest);
  const both = await runJson<{ changes: { objectId: string }[] }>(["plan", "export", left.digest], { cwd });
  assert.deepEqual(both.changes.map(({ objectId }) => objectId).sort(), [idAt(10), idAt(11)].sort());
  const stale = await run([...without, "--json"], { cwd });
  assert.deepEqual([stale.code, errorOf(stale).code], [1, "plan_stale"]);
  const approved = await runJson<Summary>(["sync", "approve", "people", "--digest", rest.digest], { cwd });
  assert.equal(approved.counts.disable + approved.counts.delete, 8);
  const more = ["sync", "approve", "people", "--digest", left.digest, "--without", idAt(10)];
  const last = await runJson<Summary>([...more, "--yes"], { cwd });
  assert.deepEqual([last.counts.disable + last.counts.delete, last.held?.count], [1, 1]);
  const plans = await runJson<Listed[]>(["plan", "list", "--sync", "people"], { cwd });
  const states = new Map(plans.map((plan) => [plan.digest, plan]));
  assert.deepEqual([states.get(digest)?.state, states.get(rest.digest)?.state], ["split", "applied"]);
  assert.ok(states.get(rest.digest)?.decidedBy?.id);
  const waiting = await runJson<Listed[]>(["plan", "list", "--state", "held"], { cwd });
  assert.deepEqual(
    waiting.map((plan) => plan.digest),
    [last.held?.digest],
  );

  const anew = await runJson<Summary>(["sync", "resync", "people"], { cwd });
  assert.equal(anew.result, "succeeded");
  for (const wrong of [
    ["sync", "run", "people", "--only", "a@b", "--group", "Team"],
    ["sync", "approve", "people", "--digest", digest, "--yes"],
    ["plan", "list", "--state", "lost"],
  ]) {
    assert.equal((await run(wrong, { cwd })).code, 2, wrong.join(" "));
  }
});

async function simulatorDelete(
  { login, tenant, client, secret, graph }: Awaited<ReturnType<typeof startSimulator>>,
  id: string,
): Promise<void> {
  const signedIn = await fetch(`${login}/${tenant}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      ...{ grant_type: "client_credentials", client_id: client, client_secret: secret },
      scope: "https://graph.microsoft.com/.default",
    }),
  });
  const { access_token: token } = (await signedIn.json()) as { access_token: string };
  const answer = await fetch(`${graph}/v1.0/users/${id}`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${token}` },
  });
  assert.equal(answer.status, 204);
}
