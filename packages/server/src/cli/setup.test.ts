import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Simulator, startSimulator } from "@entrain/simulator";
import { type AnsweredPage, FormBrowser, setupClient, signInByCode } from "../setup/testing.ts";
import { assertClean, type Ran, run, runJson, start, temporaryFolder } from "./testing.ts";

async function simulated(context: TestContext, replicationMs = 0): Promise<Simulator> {
  const simulator = await startSimulator({ people: 12, groups: 2, throttle: "off", replicationMs });
  context.after(() => simulator.close());
  return simulator;
}

function custom({ login, graph }: Simulator): readonly string[] {
  return ["--cloud", "custom", "--login", login, "--graph", graph];
}

const CODE = /enter the code (\S+)\./;

function codeIn(text: string): string {
  return CODE.exec(text)?.[1] ?? "";
}

for (const credential of ["certificate", "secret"]) {
  test(`an administrator's device code registers everything with a ${credential}, and nothing secret is printed`, async (context) => {
    const simulator = await simulated(context, 1_500);
    const of = { cwd: await temporaryFolder(context) };
    const tool = setupClient(simulator);
    const args = ["--tenant", simulator.tenant, ...custom(simulator), "--setup-client", tool];
    const setup = start(["connection", "setup", "contoso", ...args, "--device-code", "--credential", credential], of);
    const code = codeIn(await setup.until(CODE));
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

/** How a setup ends for which one signs in who holds this role alone. */
async function setUpAs(
  context: TestContext,
  role: string,
): Promise<{ readonly simulator: Simulator; readonly ended: Ran }> {
  const simulator = await simulated(context);
  const of = { cwd: await temporaryFolder(context) };
  const client = setupClient(simulator);
  const administrator = simulator.identity.administrator();
  const args = ["--tenant", simulator.tenant, ...custom(simulator), "--setup-client", client, "--device-code"];
  // Somebody who may has consented to the public client before, as in a tenant where it is in use.
  const first = start(["connection", "setup", "before", ...args, "--display-name", "Before"], of);
  await signInByCode(simulator, codeIn(await first.until(CODE)), administrator);
  assert.equal((await first.ended).code, 0);
  assert.equal((await run(["connection", "remove", "before"], of)).code, 0);
  const setup = start(["connection", "setup", "contoso", ...args], of);
  const account = simulator.identity.administrator("Cloud Application Administrator");
  simulator.identity.changePerson(account.userPrincipalName, { roles: [role] });
  await signInByCode(simulator, codeIn(await setup.until(CODE)), account);
  return { simulator, ended: await setup.ended };
}

for (const [role, path, told] of [
  [
    "Helpdesk Administrator",
    "applications",
    /Whoever signed in may not register applications\. .* Run the setup again, and have a Global Administrator sign in, or a Privileged Role Administrator who is also Application Administrator or Cloud Application Administrator\.$/m,
  ],
  [
    "Cloud Application Administrator",
    "appRoleAssignments",
    /Whoever signed in may not consent to application permissions of Microsoft Graph\. .* Run the setup again, and have a Privileged Role Administrator or Global Administrator sign in; an Application Administrator or Cloud Application Administrator may not consent to them\.$/m,
  ],
] as const) {
  test(`a ${role} who signs in is told which role is wanting, and leaves nothing half made`, async (context) => {
    const { simulator, ended } = await setUpAs(context, role);
    assert.equal(ended.code, 1);
    const error = ended.stderr.split("\n").find((line) => line.startsWith("error: ")) ?? "";
    assert.match(error, new RegExp(`^error: POST \\S+/${path} was refused \\(403 Authorization_RequestDenied\\)`));
    assert.match(error, told);
    assert.doesNotMatch(error, /The application needs|connection verify/);
    assert.ok(!simulator.identity.apps().some(({ displayName }) => displayName === "Entrain"));
  });
}

test("a public client that the tenant does not know is replaced by --setup-client, or that is corrected", async (context) => {
  const simulator = await simulated(context);
  const of = { cwd: await temporaryFolder(context) };
  const args = ["connection", "setup", "contoso", "--tenant", simulator.tenant, ...custom(simulator), "--device-code"];
  const own = await run(args, of);
  assert.equal(own.code, 1);
  assert.match(own.stderr, /AADSTS700016.*Register a public client .* name it with --setup-client/);
  const unknown = await run([...args, "--setup-client", "0a5d9c11-1111-4222-8333-444455556666"], of);
  assert.match(unknown.stderr, /AADSTS700016.*Correct what --setup-client names/);
  assert.doesNotMatch(own.stderr + unknown.stderr, /Check the client id/);
});

test("a setup that is stopped says that it begins anew, with a new code", async (context) => {
  const simulator = await simulated(context);
  const of = { cwd: await temporaryFolder(context) };
  const args = ["--tenant", simulator.tenant, ...custom(simulator), "--setup-client", setupClient(simulator)];
  const setup = start(["connection", "setup", "contoso", ...args, "--device-code"], of);
  await setup.until(CODE);
  setup.child.kill("SIGINT");
  const ended = await setup.ended;
  assert.equal(ended.code, 1);
  assert.match(
    ended.stderr,
    /^error: The command was stopped; nothing of it is left in Entra\. Run it again; it begins anew, with a new code\.$/m,
  );
});

test("an administrator's sign-in that is stopped says that it begins anew, with a new code", async (context) => {
  const simulator = await simulated(context);
  const of = { cwd: await temporaryFolder(context) };
  const args = ["--tenant", simulator.tenant, ...custom(simulator), "--client", setupClient(simulator), "--delegated"];
  const added = await run(["connection", "add", "contoso", ...args], of);
  assert.equal(added.code, 0, added.stderr);
  const signIn = start(["connection", "authorize", "contoso"], of);
  await signIn.until(/waiting …/);
  signIn.child.kill("SIGINT");
  const { code, stderr } = await signIn.ended;
  assert.equal(code, 1);
  assert.match(stderr, /^error: The command was stopped\. Run it again; it begins anew, with a new code\.$/m);
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
