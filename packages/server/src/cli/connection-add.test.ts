import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startSimulator } from "@entrain/simulator";
import { errorOf, type RunOptions, run, runJson, temporaryFolder } from "./testing.ts";

const TENANT = "6f0c2f3e-1d2a-4b5c-8d7e-0123456789ab";
const CLIENT = "0a5d9c11-1111-4222-8333-444455556666";
const ADD = ["connection", "add", "contoso", "--tenant", TENANT, "--client", CLIENT];

/** Two folders that commands are called from, with one store. */
async function folders(context: TestContext): Promise<{ readonly here: RunOptions; readonly there: RunOptions }> {
  const folder = await temporaryFolder(context);
  const of = async (name: string): Promise<RunOptions> => {
    const cwd = join(folder, name);
    await mkdir(cwd);
    return { cwd, env: { ENTRAIN_DATA: join(folder, "data") } };
  };
  return { here: await of("here"), there: await of("there") };
}

test("a secret's file is found again from any folder", async (context) => {
  const simulator = await startSimulator({ people: 12, groups: 2, throttle: "off" });
  context.after(() => simulator.close());
  const { here, there } = await folders(context);
  await writeFile(join(here.cwd, "entrain-secret.txt"), `${simulator.secret}\n`, { mode: 0o600 });
  const { login, graph, tenant, client } = simulator;
  const cloud = ["--cloud", "custom", "--login", login, "--graph", graph];
  const add = ["connection", "add", "contoso", "--tenant", tenant, "--client", client, ...cloud];
  await runJson([...add, "--secret-file", "entrain-secret.txt"], here);
  const { ok } = await runJson<{ ok: boolean }>(["connection", "verify", "contoso"], there);
  assert.equal(ok, true);
});

type Shown = { readonly configuration: { readonly credential: unknown; readonly features?: readonly string[] } };

test("a certificate's, a key's and an assertion's files are kept by their whole paths", async (context) => {
  const { here, there } = await folders(context);
  const at = (name: string): string => join(here.cwd, name);
  for (const name of ["app.pem", "key.pem", "pass", "token"]) await writeFile(at(name), "x");
  const certificate = ["--certificate-file", "app.pem", "--key-file", "./key.pem", "--passphrase-file", "pass"];
  await runJson([...ADD, ...certificate], here);
  const shown = await runJson<Shown>(["connection", "show", "contoso"], there);
  assert.deepEqual(shown.configuration.credential, {
    kind: "certificate",
    certificate: { file: at("app.pem") },
    key: { file: at("key.pem") },
    passphrase: { file: at("pass") },
  });
  await runJson(["connection", "remove", "contoso"], here);
  await runJson([...ADD, "--assertion-file", "token"], here);
  const { configuration } = await runJson<Shown>(["connection", "show", "contoso"], there);
  assert.deepEqual(configuration.credential, { kind: "federated", assertion: { file: at("token") } });
});

test("a file that is not there is told before anything is added", async (context) => {
  const { here } = await folders(context);
  await writeFile(join(here.cwd, "app.pem"), "x");
  for (const given of [
    ["--certificate-file", "nowhere.pem"],
    ["--certificate-file", "app.pem", "--key-file", "nowhere.pem"],
    ["--certificate-file", "app.pem", "--passphrase-file", "nowhere.pem"],
    ["--assertion-file", "nowhere.pem"],
    ["--secret-file", "nowhere.pem"],
  ]) {
    const ran = await run([...ADD, ...given, "--json"], here);
    assert.equal(ran.code, 2, given.join(" "));
    assert.match(errorOf(ran).message, /nowhere\.pem cannot be read/);
  }
  assert.ok(!existsSync(here.env?.ENTRAIN_DATA ?? ""), "not even a store is made");
});

test("a tenant that is neither an id nor a domain is refused with both ways to give it", async (context) => {
  const { here } = await folders(context);
  for (const tenant of ["{6f0c2f3e}", `https://login.microsoftonline.com/${TENANT}`]) {
    const add = ["connection", "add", "contoso", "--tenant", tenant, "--client", CLIENT, "--secret-stdin", "--json"];
    const ran = await run(add, { ...here, input: "x" });
    assert.equal(ran.code, 2);
    assert.match(errorOf(ran).message, /directory \(tenant\) id or one of its domains, such as/);
  }
});

test("two credentials in one command are refused, each named", async (context) => {
  const { here } = await folders(context);
  await writeFile(join(here.cwd, "app.pem"), "x");
  for (const given of [
    ["--certificate-file", "app.pem", "--secret-stdin"],
    ["--workload-identity", "--delegated"],
    ["--managed-identity", "--username", "sync@contoso.com"],
    ["--delegated", "--username", "sync@contoso.com"],
  ]) {
    const ran = await run([...ADD, ...given, "--json"], { ...here, input: "x" });
    assert.equal(ran.code, 2, given.join(" "));
    const [one, other] = given.filter((word) => word.startsWith("--"));
    assert.equal(errorOf(ran).message, `Give one credential only, not ${one} and ${other}.`);
  }
});

test("the line that a setup ends with adds a connection that is used for what was asked for", async (context) => {
  const { here } = await folders(context);
  await writeFile(join(here.cwd, "entrain.pem"), "x");
  const asked = ["--tenant", TENANT, "--features", "people,contacts,groups", "--script", "azure-cli"];
  const { script } = await runJson<{ script: string }>(["connection", "setup", "contoso", ...asked], here);
  const line = /entrain (connection add [^"\n]*)/.exec(script)?.[1]?.replace("$client", CLIENT) ?? "";
  await runJson(line.split(" "), here);
  const { configuration } = await runJson<Shown>(["connection", "show", "contoso"], here);
  assert.deepEqual(configuration.features, ["contacts"]);
  const wrong = await run([...ADD, "--features", "contact", "--secret-stdin", "--json"], { ...here, input: "x" });
  assert.equal(wrong.code, 2);
  assert.match(errorOf(wrong).message, /contacts/);
});
