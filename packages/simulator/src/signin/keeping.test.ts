import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { decodeJwt } from "jose";
import { type Simulator, startSimulator } from "../simulator.ts";
import { askToken, assertionFor, GRAPH_DEFAULT, NOW, testCertificate } from "../testing/signin.ts";
import { smallTenant } from "../testing/tenant.ts";

/** Starts simulators one after the other on one state file; whichever still runs ends with the test. */
async function starter(t: TestContext): Promise<(roles?: readonly string[]) => Promise<Simulator>> {
  const folder = await mkdtemp(join(tmpdir(), "entrain-simulator-"));
  let last: Simulator | null = null;
  t.after(async () => {
    await last?.close();
    await rm(folder, { recursive: true });
  });
  return async (roles) => {
    await last?.close();
    last = await startSimulator({
      tenant: smallTenant(6),
      throttle: "off",
      clock: () => NOW,
      stateFile: join(folder, "tenant.state"),
      roles,
    });
    return last;
  };
}

async function rolesOf(simulator: Simulator, client: string, secret: string): Promise<unknown> {
  const fields = { grant_type: "client_credentials", client_id: client, client_secret: secret, scope: GRAPH_DEFAULT };
  const { body, numbers } = await askToken(simulator, fields);
  return numbers ?? decodeJwt(String(body.access_token)).roles;
}

test("a state file keeps apps with their credentials and permissions, changed passwords and administrators", async (t) => {
  const start = await starter(t);
  const certificate = testCertificate();
  const first = await start();
  const { identity } = first;
  const app = identity.addApp({
    secret: "s3cret-of-a-test",
    roles: ["User.Read.All"],
    scopes: ["User.Read"],
    publicFlows: true,
  });
  identity.addSecret(app.client, { value: "ended-of-a-test", expiresAt: NOW });
  identity.addCertificate(app.client, certificate.pem);
  identity.changePerson("person6@contoso.com", { password: "K3pt-password!", roles: ["Global Administrator"] });
  identity.setConditionalAccess("workloads");
  const second = await start();
  assert.deepEqual(await rolesOf(second, app.client, "s3cret-of-a-test"), [53003]);
  second.identity.setConditionalAccess("off");
  assert.deepEqual(await rolesOf(second, app.client, "s3cret-of-a-test"), ["User.Read.All"]);
  assert.deepEqual(await rolesOf(second, app.client, "ended-of-a-test"), [7000222]);
  const proven = await askToken(second, {
    grant_type: "client_credentials",
    client_id: app.client,
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: await assertionFor(second, app.client, certificate),
    scope: GRAPH_DEFAULT,
  });
  assert.equal(proven.status, 200);
  const person = second.identity.person("person6@contoso.com");
  assert.deepEqual([person?.password, person?.roles], ["K3pt-password!", ["Global Administrator"]]);
});

test("the first app keeps what it was given, unless the next start says otherwise", async (t) => {
  const start = await starter(t);
  const first = await start();
  first.setRoles(["User.Read.All", "A.Role.Of.A.Test"]);
  first.setSecrets([{ value: "an0ther-of-a-test" }]);
  const second = await start();
  assert.deepEqual(await rolesOf(second, second.client, "an0ther-of-a-test"), ["User.Read.All", "A.Role.Of.A.Test"]);
  const third = await start(["Group.Read.All"]);
  assert.deepEqual(await rolesOf(third, third.client, "an0ther-of-a-test"), ["Group.Read.All"]);
});
