import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startSimulator } from "./simulator.ts";
import { testCertificate } from "./testing/signin.ts";

const SCRIPT = fileURLToPath(import.meta.resolve("./testing/msal.ts"));

test("msal-node signs in by certificate, password, device code and authorization code, and refreshes", async (t) => {
  const simulator = await startSimulator({ people: 20, groups: 1, tls: true, throttle: "off" });
  t.after(() => simulator.close());
  const { identity, login, tenant } = simulator;
  identity.setDeviceInterval(1);
  const certificate = testCertificate(Date.now() - 60_000, Date.now() + 3600_000);
  const confidential = identity.addApp({ certificate: certificate.pem }).client;
  const open = identity.addApp({
    publicFlows: true,
    publicClient: ["http://localhost/signed-in"],
    scopes: ["User.Read"],
  });
  const { userPrincipalName: user, password } = identity.administrator();
  const folder = await mkdtemp(join(tmpdir(), "entrain-simulator-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "ca.pem"), simulator.ca ?? "");
  const target = {
    login,
    tenant,
    confidential,
    open: open.client,
    key: certificate.key.export({ type: "pkcs8", format: "pem" }).toString(),
    thumbprintSha256: createHash("sha256").update(Buffer.from(certificate.base64, "base64")).digest("hex"),
    user,
    password,
  };
  const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, "ca.pem"), SIMULATOR: JSON.stringify(target) },
  });
  assert.deepEqual(JSON.parse(stdout), {
    certificate: "Bearer",
    password: user,
    device: ["You have signed in", user],
    code: ["bound", user, tenant],
    refreshed: true,
  });
});
