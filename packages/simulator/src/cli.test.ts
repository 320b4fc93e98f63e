import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startSimulator } from "./simulator.ts";
import { BIN, runCommand } from "./testing/command.ts";

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "entrain-simulator-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

test("prints one line of JSON when it is ready, serves, and ends at once with 0 when interrupted", async () => {
  const args = ["--people", "20", "--groups", "3", "--seed", "7", "--port", "0", "--roles", "User.Read.All", "--json"];
  const { code, stdout, stderr } = await runCommand(args, async (line) => {
    const ready = JSON.parse(line) as Record<string, unknown>;
    assert.deepEqual(Object.keys(ready), ["login", "graph", "tenant", "client", "secret", "roles"]);
    assert.deepEqual(ready.roles, ["User.Read.All"]);
    const url = `${String(ready.login)}/${String(ready.tenant)}/v2.0/.well-known/openid-configuration`;
    assert.equal((await fetch(url)).status, 200);
  });
  assert.deepEqual([code, stdout.split("\n").length, stderr], [0, 2, ""]);
});

test("with --tls names the file of its authority; with --state keeps its tenant", async (t) => {
  const path = await folder(t);
  const [ca, state] = [join(path, "ca.pem"), join(path, "tenant.state")];
  const args = ["--people", "5", "--groups", "1", "--port", "0", "--json", "--tls", "--ca", ca, "--state", state];
  const { code } = await runCommand(args, async (line) => {
    assert.equal((JSON.parse(line) as { ca: string }).ca, ca);
    assert.match(await readFile(ca, "utf8"), /^-----BEGIN CERTIFICATE-----/);
  });
  assert.equal(code, 0);
  assert.equal((await readFile(state, "utf8")).split("\n").length, 1 + 6 + 1);
});

test("with --tenants names each tenant, and one app serves those that consented", async () => {
  const args = ["--people", "5", "--groups", "1", "--tenants", "3", "--replication", "0", "--port", "0", "--json"];
  const { code } = await runCommand(args, async (line) => {
    const ready = JSON.parse(line) as Readonly<Record<string, string>> & { readonly tenants: readonly string[] };
    assert.equal(new Set(ready.tenants).size, 3);
    assert.equal(ready.tenants[0], ready.tenant);
    const control = `${String(ready.login)}/_simulator`;
    const patch = { client: ready.client, tenant: ready.tenants[2], consented: true };
    assert.equal((await fetch(`${control}/apps`, { method: "PATCH", body: JSON.stringify(patch) })).status, 204);
    const body = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: String(ready.client),
      client_secret: String(ready.secret),
      scope: "https://graph.microsoft.com/.default",
    });
    const statuses: number[] = [];
    for (const tenant of ready.tenants) {
      statuses.push(
        (await fetch(`${String(ready.login)}/${tenant}/oauth2/v2.0/token`, { method: "POST", body })).status,
      );
    }
    assert.deepEqual(statuses, [200, 400, 200]);
  });
  assert.equal(code, 0);
});

test("serves a tenant from a file", async (t) => {
  const file = join(await folder(t), "tenant.json");
  await writeFile(
    file,
    JSON.stringify({ users: [{ id: "u", displayName: "U", userPrincipalName: "u@contoso.com" }], groups: [] }),
  );
  const { code, stderr } = await runCommand(["--tenant", file, "--port", "0"], async (line) => {
    assert.match(line, /^Simulated tenant ready: login http/);
  });
  assert.deepEqual([code, stderr], [0, ""]);
});

const WRONG: readonly (readonly [args: readonly string[], code: number, says: RegExp])[] = [
  [["--people", "many"], 2, /'--people <count>'.*whole number/],
  [["--port", "70000"], 2, /'--port <port>'.*65535/],
  [["--throttle", "hard"], 2, /published, off/],
  [["--faults", "GET /users boom"], 2, /"boom"/],
  [["--bogus"], 2, /unknown option '--bogus'/],
  [["extra"], 2, /too many arguments/],
  [["--tenants", "0", "--people", "1", "--port", "0"], 1, /at least one/],
  [["--tenant", "/nowhere/tenant.json", "--port", "0"], 1, /^There is no file \/nowhere\/tenant.json; give --tenant /],
  [["--tenant", "/", "--port", "0"], 1, /^\/ is a folder; give --tenant /],
  [["--roles", "User.Read.All,Foo"], 2, /'--roles <list>'.*"Foo" is no application permission of Microsoft Graph/],
  [["--roles", "user.read.all"], 2, /"user\.read\.all" is no .*; do you mean User\.Read\.All\?/],
  [["--roles", "Users.Read.All"], 2, /do you mean User\.Read\.All\?/],
  [["--roles", "Directory.AccessAsUser.All"], 2, /is no application permission/],
  [["--faults", "[{"], 2, /'--faults <rules>'.*not JSON/],
  [["--ca", "ca.pem"], 2, /--ca needs --tls/],
  [
    ["--tls", "--ca", "/nowhere/ca.pem", "--port", "0", "--people", "1"],
    1,
    /\/nowhere\/ca\.pem cannot be written: its folder does not exist/,
  ],
  [["--host", "nowhere.invalid", "--port", "0", "--people", "1"], 1, /^nowhere\.invalid is no known name/],
  [["--host", "192.0.2.1", "--port", "0", "--people", "1"], 1, /^192\.0\.2\.1 is not an address of this machine; /],
  [["--state", "/", "--people", "1", "--port", "0"], 1, /^The state file \/ is a folder/],
  [
    ["--state", "/nowhere/tenant.state", "--people", "1", "--port", "0"],
    1,
    /\/nowhere\/tenant\.state cannot be written: its folder does not exist/,
  ],
];

for (const [args, code, says] of WRONG) {
  test(`${args.join(" ")} exits ${code} and says why without a stack trace`, async () => {
    const ended = await runCommand(args);
    assert.equal(ended.code, code);
    assert.match(ended.stderr, says);
    assert.doesNotMatch(ended.stderr, /\n\s+at |E[A-Z]{4,}|getaddrinfo/);
    assert.equal(ended.stdout, "");
  });
}

test("a taken port exits 1 with one sentence", async (t) => {
  const simulator = await startSimulator({ people: 1, groups: 0 });
  t.after(() => simulator.close());
  const { port } = new URL(simulator.graph);
  const { code, stderr } = await runCommand(["--people", "1", "--port", port]);
  assert.deepEqual(
    [code, stderr],
    [1, `Port ${port} on 127.0.0.1 is taken; stop what uses it or choose another port.\n`],
  );
});

test("--help shows every option and the syntax of faults", async () => {
  const { code, stdout } = await runCommand(["--help"]);
  assert.equal(code, 0);
  for (const part of [
    "--people",
    "--groups",
    "--seed",
    "--port",
    "--latency",
    "--throttle",
    "--faults",
    "--churn",
    "--roles",
    "--tenant",
    "--tls",
    "--tenants",
    "--replication",
    "ends-empty",
  ]) {
    assert.ok(stdout.includes(part), part);
  }
});

/** Lets this Node say that it is an older one: of 20, which can only start ours beside itself, and of 22, which can become ours. */
const OLDER = {
  "starts ours beside itself": `data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.1.0"}});delete(process.execve)`,
  "becomes ours": `data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"22.15.0"}})`,
};

for (const [how, old] of Object.entries(OLDER)) {
  test(`does not outlive the older Node that ${how} when that is killed`, async () => {
    const args = ["--people", "5", "--groups", "1", "--port", "0", "--json"];
    const child = spawn(process.execPath, ["--import", old, BIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    // Whoever still runs holds the output open.
    const closed = once(child, "close");
    const errors = child.stderr.setEncoding("utf8").toArray();
    const [ready] = await once(child.stdout.setEncoding("utf8"), "data");
    assert.match(String(ready), /^\{"login":/);
    child.kill("SIGKILL");
    assert.deepEqual([await closed, await errors], [[null, "SIGKILL"], []]);
  });
}
