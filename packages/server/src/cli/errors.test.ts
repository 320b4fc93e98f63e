import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startSimulator } from "@entrain/simulator";
import { assertClean, errorOf, type Ran, type RunOptions, run, start, temporaryFolder } from "./testing.ts";

const SECRET = "CANARY~secret.value";
const TENANT = "6f0c2f3e-1111-4222-8333-444455556666";
const CLIENT = "0a5d9c11-1111-4222-8333-444455556666";

async function fails(args: readonly string[], options: RunOptions, code: 1 | 2): Promise<Ran> {
  const human = await run(args, options);
  assert.equal(human.code, code, `${args.join(" ")}\n${human.stdout}${human.stderr}`);
  assertClean(human, [SECRET]);
  const lines = human.stderr
    .trim()
    .split("\n")
    .filter((line) => !/^(progress|waiting) /.test(line));
  assert.equal(lines.length, 1, human.stderr);
  assert.match(lines[0] ?? "", /^error: .+[.)]$/);
  const machine = await run([...args, "--json"], options);
  assert.equal(machine.code, code);
  assertClean(machine, [SECRET]);
  const { message, fix } = errorOf(machine);
  assert.ok(message.length > 0 && fix.length > 0);
  return human;
}

/** A connection to where nobody listens, or to whoever does. */
async function connected(
  context: TestContext,
  to: { readonly url: string; readonly tenant?: string; readonly client?: string },
): Promise<RunOptions> {
  const cwd = await temporaryFolder(context);
  const custom = ["--cloud", "custom", "--login", to.url, "--graph", to.url];
  const ids = ["--tenant", to.tenant ?? TENANT, "--client", to.client ?? CLIENT];
  const added = await run(["connection", "add", "contoso", ...ids, ...custom, "--secret-stdin"], {
    cwd,
    input: SECRET,
  });
  assert.equal(added.code, 0, added.stderr);
  for (const args of [
    ["target", "add", "portal", "--type", "portal"],
    ["sync", "add", "people", "--connection", "contoso", "--target", "portal", "--records", "requester"],
  ]) {
    const ran = await run(args, { cwd });
    assert.equal(ran.code, 0, ran.stderr);
  }
  return { cwd };
}

test("wrong arguments end with 2 and say what was not understood", async (context) => {
  const cwd = await temporaryFolder(context);
  for (const [args, said] of [
    [["frobnicate"], /unknown command 'frobnicate'/i],
    [["sync", "rnu", "people"], /Did you mean run\?/],
    [["sync"], /command is missing/],
    [["sync", "run"], /missing required argument 'name'/i],
    [["sync", "run", "people", "--frob"], /unknown option '--frob'/i],
    [["sync", "apply", "people", "--digest", "abc"], /its first 8 letters and digits or more/],
    [["connection", "add", "contoso"], /--tenant/],
    [["connection", "setup", "c", "--public-url", "http://foo.example.com"], /http for localhost alone/],
    [["connection", "consent", "c", "--public-url", "http://10.0.0.1:7420"], /http for localhost alone/],
    [["operator", "link", "--address", "foo"], /--address must be an address without a path/],
    [["operator", "link", "--address", "ftp://entrain.example"], /--address must be/],
    [["serve", "--port", "http"], /--port must be a whole number/],
    [["serve", "--keep-history", "7d"], /--keep-history must be a duration of at least 31d/],
    [
      ["connection", "add", "c", "--tenant", TENANT, "--client", CLIENT, "--secret-env", "X", "--cloud", "globl"],
      /--cloud must be one of global, usgov, .*, custom, not "globl"; did you mean "global"\?/,
    ],
  ] as const) {
    const ran = await fails(args, { cwd }, 2);
    assert.match(ran.stderr, said);
  }
});

test("a kind of records that the target does not have is wrong usage, and those that it has are listed", async (context) => {
  const of = await connected(context, { url: "http://127.0.0.1:1" });
  const ends = ["--connection", "contoso", "--target", "portal"];
  const ran = await fails(["sync", "add", "more", ...ends, "--records", "requesters"], of, 2);
  assert.match(ran.stderr, /--records must be one of requester, group, not "requesters"; did you mean "requester"\?/);
});

test("a sync is added with groups to exclude, without guests, and of people only", async (context) => {
  const of = await connected(context, { url: "http://127.0.0.1:1" });
  const add = ["sync", "add", "more", "--connection", "contoso", "--target", "portal", "--records", "requester"];
  const wrong = await fails([...add, "--guests", "none"], of, 2);
  assert.match(wrong.stderr, /--guests must be one of include, exclude, only, not "none"/);
  const scope = ["--exclude-group", "Contractors", "Leavers", "--guests", "exclude", "--people-only"];
  const added = await run([...add, ...scope], of);
  assert.equal(added.code, 0, added.stderr);
  const shown = await run(["sync", "show", "more", "--json"], of);
  assert.deepEqual(JSON.parse(shown.stdout).scope, {
    groups: { exclude: ["Contractors", "Leavers"], transitive: true },
    guests: "exclude",
    peopleOnly: true,
  });
});

test("config diff says which store it compares with", async (context) => {
  const of = await connected(context, { url: "http://127.0.0.1:1" });
  await writeFile(join(of.cwd, "some.yaml"), "targets: { more: { type: portal } }\n");
  const ran = await run(["config", "diff", "some.yaml"], of);
  assert.match(
    ran.stdout,
    new RegExp(`^Compared with the store in ${join(of.cwd, ".entrain")}.*:\nadded +targets\\.more`),
  );
});

test("serve says that Microsoft can neither send administrators back to plain http nor notify there", async (context) => {
  const cwd = await temporaryFolder(context);
  for (const [address, said] of [
    ["http://entrain.example.com", /^http:\/\/entrain\.example\.com is not https: .* notify there, .* polled\.$/m],
    ["https://entrain.example.com", null],
    ["http://localhost:7420", null],
  ] as const) {
    const serving = start(["serve", "--port", "0", "--public-url", address], { cwd });
    await serving.until(/Entrain is at/);
    serving.child.kill("SIGINT");
    const { code, stdout } = await serving.ended;
    assert.equal(code, 0);
    if (said === null) assert.doesNotMatch(stdout, /is not https/);
    else assert.match(stdout, said);
  }
});

test("a secret as an argument is refused, and not repeated", async (context) => {
  const cwd = await temporaryFolder(context);
  const add = ["connection", "add", "contoso", "--tenant", TENANT, "--client", CLIENT];
  for (const given of [["--secret", SECRET], [`--secret=${SECRET}`], [`--secrt=${SECRET}`], ["--secret-env", SECRET]]) {
    const ran = await fails([...add, ...given], { cwd }, 2);
    assert.match(ran.stderr, /never given as an argument|unknown option|name of an environment variable/i);
  }
  await fails(["target", "add", "desk", "--type", "scim", "--token", SECRET], { cwd }, 2);
});

test("an unreachable host", async (context) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise((resolve) => server.close(resolve));
  const of = await connected(context, { url });
  const run_ = await fails(["sync", "run", "people"], of, 1);
  assert.match(run_.stderr, /could not be reached|refused the connection|ECONNREFUSED/i);
  const verified = await run(["connection", "verify", "contoso"], of);
  assert.equal(verified.code, 1);
  assert.match(verified.stdout, /FAILED {2}sign-in: .+\n +→ .+/);
});

test("a wrong secret", async (context) => {
  const simulator = await startSimulator({ people: 10, groups: 2, throttle: "off" });
  context.after(() => simulator.close());
  const { login: url, tenant, client } = simulator;
  const of = await connected(context, { url, tenant, client });
  const ran = await fails(["sync", "run", "people"], of, 1);
  assert.match(ran.stderr, /secret/i);
  const verified = await run(["connection", "verify", "contoso"], of);
  assert.equal(verified.code, 1);
  assertClean(verified, [SECRET]);
});

test("a taken port", async (context) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => new Promise((resolve) => server.close(resolve)));
  const cwd = await temporaryFolder(context);
  const port = String((server.address() as AddressInfo).port);
  for (const demo of [[], ["--demo"]]) {
    const ran = await fails(["serve", "--port", port, ...demo], { cwd }, 1);
    assert.match(ran.stderr, new RegExp(`Port ${port} on 127.0.0.1 is in use.*--port`));
    assert.equal(ran.stderr.match(/in use/g)?.length, 1, ran.stderr);
  }
});

test("an unwritable folder", async (context) => {
  const cwd = await temporaryFolder(context);
  await writeFile(join(cwd, "file"), "");
  const env = { ENTRAIN_DATA: join(cwd, "file", "data") };
  for (const args of [
    ["serve", "--port", "0"],
    ["target", "add", "portal", "--type", "portal"],
  ]) {
    const ran = await fails(args, { cwd, env }, 1);
    assert.match(ran.stderr, /data folder .* cannot be used/);
  }
  await writeFile(join(cwd, ".entrain"), "");
  await fails(["serve", "--demo", "--port", "0"], { cwd }, 1);
});

test("a folder without a store", async (context) => {
  const cwd = await temporaryFolder(context);
  const ran = await fails(["sync", "list"], { cwd }, 1);
  assert.match(ran.stderr, /There is no store in .*entrain serve/);
});

test("a corrupt configuration file", async (context) => {
  const cwd = await temporaryFolder(context);
  const broken = 'connections:\n  contoso: { cloud: "global\n';
  await writeFile(join(cwd, "broken.yaml"), broken);
  assert.match(
    (await fails(["config", "apply", "broken.yaml"], { cwd }, 1)).stderr,
    /broken\.yaml .*line \d+, column \d+/,
  );
  await writeFile(join(cwd, "wrong.yaml"), "targets:\n  desk:\n    type: scmi\n");
  const wrong = await fails(["config", "apply", "wrong.yaml"], { cwd }, 1);
  assert.match(wrong.stderr, /targets\.desk\.type: .*did you mean "scim"\? \(line 3\)/);
  assert.match(
    (await fails(["config", "apply", "none.yaml"], { cwd }, 1)).stderr,
    /none\.yaml cannot be read: there is no/,
  );
  const piped = await run(["config", "apply", "-"], { cwd, input: "- a list" });
  assert.equal(piped.code, 1);
  assert.match(piped.stderr, /standard input: the document must be a map/);
});

test("a wrong ENTRAIN_KEY", async (context) => {
  const cwd = await temporaryFolder(context);
  const key = (): string => randomBytes(32).toString("base64");
  const first = await run(["target", "add", "portal", "--type", "portal"], { cwd, env: { ENTRAIN_KEY: key() } });
  assert.equal(first.code, 0, first.stderr);
  const ran = await fails(["target", "list"], { cwd, env: { ENTRAIN_KEY: key() } }, 1);
  assert.match(ran.stderr, /ENTRAIN_KEY is not the key that this store was encrypted with/);
  assert.equal(ran.stderr.match(/ENTRAIN_KEY is not/g)?.length, 1, ran.stderr);
  const missing = await fails(["target", "list"], { cwd }, 1);
  assert.match(missing.stderr, /The key of this store is missing: .* no key file .*\. Set the ENTRAIN_KEY that/);
  const malformed = await fails(["target", "list"], { cwd, env: { ENTRAIN_KEY: "short" } }, 1);
  assert.match(malformed.stderr, /ENTRAIN_KEY must be 32 bytes/);
});

test("the demo's store and a real one refuse each other's commands", async (context) => {
  const cwd = await temporaryFolder(context);
  const demo = join(cwd, ".entrain", "demo");
  await mkdir(join(cwd, ".entrain"));
  const added = await run(["target", "add", "more", "--type", "portal", "--demo"], { cwd });
  assert.equal(added.code, 0, added.stderr);
  const real = await fails(["target", "list"], { cwd, env: { ENTRAIN_DATA: demo } }, 1);
  assert.match(real.stderr, /belongs to the demo.*--demo/);
  const elsewhere = await temporaryFolder(context);
  const made = await run(["target", "add", "portal", "--type", "portal"], {
    cwd: elsewhere,
    env: { ENTRAIN_DATA: join(elsewhere, ".entrain", "demo") },
  });
  assert.equal(made.code, 0, made.stderr);
  const refused = await fails(["target", "list", "--demo"], { cwd: elsewhere }, 1);
  assert.match(refused.stderr, /belongs to a real installation/);
  await fails(["serve", "--demo", "--port", "0"], { cwd: elsewhere }, 1);
});

test("the demo's store refuses what leads beyond this machine", async (context) => {
  const cwd = await temporaryFolder(context);
  const add = ["target", "add", "desk", "--type", "scim", "--set", "baseUrl=https://example.com/scim", "--demo"];
  const ran = await fails([...add, "--secret-env", "X"], { cwd }, 1);
  assert.match(ran.stderr, /beyond this machine.*loopback only/);
  const connect = ["connection", "add", "c", "--tenant", TENANT, "--client", CLIENT, "--secret-env", "X", "--demo"];
  await fails(connect, { cwd }, 1);
});
