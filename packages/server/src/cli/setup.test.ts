import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Simulator, startSimulator } from "@entrain/simulator";
import { type AnsweredPage, FormBrowser, setupClient, signInByCode } from "../setup/testing.ts";
import { assertClean, run, runJson, start, temporaryFolder } from "./testing.ts";

async function simulated(context: TestContext, replicationMs = 0): Promise<Simulator> {
  const simulator = await startSimulator({ people: 12, groups: 2, throttle: "off", replicationMs });
  context.after(() => simulator.close());
  return simulator;
}

function custom({ login, graph }: Simulator): readonly string[] {
  return ["--cloud", "custom", "--login", login, "--graph", graph];
}

for (const credential of ["certificate", "secret"]) {
  test(`an administrator's device code registers everything with a ${credential}, and nothing secret is printed`, async (context) => {
    const simulator = await simulated(context, 1_500);
    const of = { cwd: await temporaryFolder(context) };
    const tool = setupClient(simulator);
    const args = ["--tenant", simulator.tenant, ...custom(simulator), "--setup-client", tool];
    const setup = start(["connection", "setup", "contoso", ...args, "--device-code", "--credential", credential], of);
    const asked = await setup.until(/enter the code \S+\./);
    const code = /enter the code (\S+)\./.exec(asked)?.[1] ?? "";
    const { password } = await signInByCode(simulator, code, simulator.identity.administrator());
    const ended = await setup.ended;
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assertClean(ended, [password ?? "-"]);
    assert.doesNotMatch(ended.stdout + ended.stderr, /PRIVATE KEY|eyJ/);
    const made = simulator.identity.apps().find(({ displayName }) => displayName === "Entrain");
    assert.ok(made !== undefined);
    assert.deepEqual([made.secrets.length, made.certificates.length], credential === "secret" ? [1, 0] : [0, 1]);
    const database = await readFile(join(of.cwd, ".entrain", "data", "entrain.sqlite"), "latin1");
    assert.ok(!database.includes("PRIVATE KEY"));
    const verified = await runJson<{ ok: boolean }>(["connection", "verify", "contoso", "--wait", "60"], of);
    assert.equal(verified.ok, true);
    type Shown = { readonly ok: boolean; readonly permissions: readonly { permission: string; state: string }[] };
    const shown = await runJson<Shown>(["connection", "permissions", "contoso"], of);
    assert.deepEqual(
      shown.permissions.map(({ permission, state }) => [permission, state]),
      [
        ["User.Read.All", "needed"],
        ["GroupMember.Read.All", "needed"],
      ],
    );
  });
}

test("who may not grant permissions leaves nothing half made", async (context) => {
  const simulator = await simulated(context);
  const of = { cwd: await temporaryFolder(context) };
  const tool = setupClient(simulator);
  const args = ["--tenant", simulator.tenant, ...custom(simulator), "--setup-client", tool, "--device-code"];
  const setup = start(["connection", "setup", "contoso", ...args], of);
  const code = /enter the code (\S+)\./.exec(await setup.until(/enter the code \S+\./))?.[1] ?? "";
  await signInByCode(simulator, code, simulator.identity.administrator("Cloud Application Administrator"));
  const ended = await setup.ended;
  assert.equal(ended.code, 1);
  assert.match(ended.stderr, /AppRoleAssignment\.ReadWrite\.All|Privileged Role Administrator/);
  assert.ok(!simulator.identity.apps().some(({ displayName }) => displayName === "Entrain"));
});

test("an administrator consents by the link, and comes back to a page that says so", async (context) => {
  const simulator = await simulated(context, 1_500);
  const of = { cwd: await temporaryFolder(context) };
  const server = start(["serve", "--port", "0", "--json"], of);
  const address = /"address":"([^"]+)"/.exec(await server.until(/"address"/))?.[1] ?? "";
  const web = [`${address}/connect/consent`];
  const app = simulator.identity.addApp({
    web,
    secret: "CANARY-secret",
    roles: ["User.Read.All", "GroupMember.Read.All"],
    consented: false,
  });
  const domain = simulator.identity.administrator().userPrincipalName.split("@")[1] ?? "";
  const add = ["connection", "add", "contoso", "--tenant", domain, "--client", app.client, ...custom(simulator)];
  const added = await run([...add, "--secret-stdin"], { ...of, input: "CANARY-secret\n" });
  assert.equal(added.code, 0, added.stderr);
  const [listed] = await runJson<{ tenant: string }[]>(["connection", "list"], of);
  assert.equal(listed?.tenant, simulator.tenant);
  const before = await run(["connection", "verify", "contoso"], of);
  assert.match(before.stdout, /grant admin consent/);
  const consent = ["connection", "consent", "contoso", "--public-url", address];
  const consented = async (answer: string): Promise<AnsweredPage> => {
    const { url } = await runJson<{ url: string }>(consent, of);
    const browser = new FormBrowser();
    const { userPrincipalName: login, password } = simulator.identity.administrator();
    const asked = await browser.send(await browser.open(url), { login, passwd: password ?? "" });
    const { location } = await browser.send(asked, { consent: answer });
    assert.ok(location?.startsWith(`${address}/connect/consent?`) === true, String(location));
    return browser.open(location ?? "");
  };
  assert.match((await consented("refuse")).text, /Nothing was granted/);
  const back = await consented("accept");
  assert.equal(back.status, 200);
  assert.match(back.text, /Consent was given.*connection verify contoso --wait/s);
  const forged = await new FormBrowser().open(`${address}/connect/consent?admin_consent=True&state=forged`);
  assert.equal(forged.status, 410);
  const verified = await runJson<{ ok: boolean }>(["connection", "verify", "contoso", "--wait", "60"], of);
  assert.equal(verified.ok, true);
  server.child.kill("SIGINT");
  await server.ended;
});
