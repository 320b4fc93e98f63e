import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { Agent, get } from "node:https";
import { test } from "node:test";
import { startSimulator } from "./simulator.ts";
import { smallTenant } from "./testing/tenant.ts";
import { makeLoopbackCertificate } from "./tls.ts";

test("the certificate is valid for loopback names, signed by its own authority, and nothing else", () => {
  const { cert, ca } = makeLoopbackCertificate(Date.UTC(2026, 5, 1));
  const certificate = new X509Certificate(cert);
  const authority = new X509Certificate(ca);
  assert.ok(certificate.verify(authority.publicKey) && certificate.checkIssued(authority) && authority.ca);
  assert.equal(certificate.checkHost("localhost"), "localhost");
  assert.equal(certificate.checkIP("127.0.0.1"), "127.0.0.1");
  assert.equal(certificate.checkHost("example.com"), undefined);
  assert.equal(certificate.ca, false);
  assert.match(certificate.validFrom, /May 31 00:00:00 2026 GMT/);
  assert.equal(new Date(certificate.validTo).getUTCFullYear(), 2027);
});

test("clients that trust the authority connect by name and by address, others do not", async (t) => {
  const simulator = await startSimulator({ tenant: smallTenant(1), tls: true });
  t.after(() => simulator.close());
  const ca = simulator.ca ?? assert.fail("There is no authority.");
  const status = (host: string, trust: string | undefined): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const agent = new Agent(trust === undefined ? {} : { ca: trust });
      const url = `https://${host}:${new URL(simulator.login).port}/contoso.com/v2.0/.well-known/openid-configuration`;
      get(url, { agent }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on("error", reject);
    });
  assert.match(simulator.login, /^https:\/\/localhost:/);
  assert.equal(await status("localhost", ca), 200);
  assert.equal(await status("127.0.0.1", ca), 200);
  await assert.rejects(status("localhost", undefined));
});
