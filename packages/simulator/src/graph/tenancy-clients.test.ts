import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { EVERY_ROLE } from "../permissions.ts";
import { startSimulator } from "../simulator.ts";
import { startWebhook } from "../testing/webhook.ts";

const SCRIPT = fileURLToPath(import.meta.resolve("../testing/tenancy-client.ts"));
const MORE = ["AuditLog.Read.All", "AccessReview.ReadWrite.All", "Policy.Read.All", "Application.ReadWrite.All"];

test("microsoft-graph-client uses subscriptions, contacts, licences, photos, reviews, policies, sign-ins and extensions", async (t) => {
  const webhook = await startWebhook(t);
  const simulator = await startSimulator({
    people: 30,
    groups: 3,
    contacts: 9,
    tls: true,
    throttle: "off",
    roles: [...EVERY_ROLE, ...MORE],
  });
  t.after(() => simulator.close());
  const folder = await mkdtemp(join(tmpdir(), "entrain-simulator-"));
  t.after(() => rm(folder, { recursive: true }));
  const authority = join(folder, "ca.pem");
  await writeFile(authority, simulator.ca ?? "");
  const { login, tenant, client, secret } = simulator;
  const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT], {
    env: {
      ...process.env,
      NODE_EXTRA_CA_CERTS: authority,
      SIMULATOR: JSON.stringify({ login, tenant, client, secret, webhook: webhook.url }),
    },
  });
  const { licences, ...used } = JSON.parse(stdout) as Record<string, unknown>;
  assert.ok(Number(licences) <= 1);
  assert.deepEqual(used, {
    subscriptions: 1,
    contacts: 9,
    skus: 3,
    photo: [0xff, 0xd8],
    reviews: 3,
    policies: 0,
    signIns: true,
    extension: "4",
  });
});
