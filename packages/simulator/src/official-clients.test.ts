import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Simulator, startSimulator } from "./simulator.ts";

const SCRIPT = fileURLToPath(import.meta.resolve("./testing/official-clients.ts"));

interface Read {
  readonly users: readonly string[];
  readonly delta: readonly string[];
  readonly removed: readonly string[];
  readonly members: readonly string[];
  readonly batch: readonly number[];
}

/** The authority must be trusted before a process starts, so the clients run in one of their own. */
async function runClients(
  t: TestContext,
  simulator: Simulator,
  wish: string,
): Promise<{ stdout: string; stderr: string }> {
  const folder = await mkdtemp(join(tmpdir(), "entrain-simulator-"));
  t.after(() => rm(folder, { recursive: true }));
  const authority = join(folder, "ca.pem");
  await writeFile(authority, simulator.ca ?? "");
  const { login, tenant, client, secret } = simulator;
  return promisify(execFile)(process.execPath, [SCRIPT, wish], {
    env: {
      ...process.env,
      NODE_EXTRA_CA_CERTS: authority,
      SIMULATOR: JSON.stringify({ login, tenant, client, secret }),
    },
  });
}

test("msal-node signs in, and microsoft-graph-client with its token pages users, delta, members and a batch", async (t) => {
  const simulator = await startSimulator({ people: 450, groups: 12, seed: 3, tls: true, throttle: "off" });
  t.after(() => simulator.close());
  const { stdout } = await runClients(t, simulator, "read");
  const read = JSON.parse(stdout) as Read;
  assert.equal(new Set(read.users).size, 450);
  assert.deepEqual(read.delta.toSorted(), read.users.toSorted());
  assert.equal(read.removed.length, 1);
  assert.ok(read.members.length > 100, String(read.members.length));
  assert.deepEqual(read.batch, [200, 404]);
});

test("msal-node reports a wrong secret by Microsoft's number", async (t) => {
  const simulator = await startSimulator({ people: 1, groups: 0, tls: true });
  t.after(() => simulator.close());
  simulator.setSecrets([{ value: "another" }]);
  const { stdout } = await runClients(t, simulator, "sign-in");
  assert.match(stdout, /invalid_client.*AADSTS7000215/s);
});
