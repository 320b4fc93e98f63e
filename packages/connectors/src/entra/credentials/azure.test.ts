import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import tls from "node:tls";
import { decodeJwt } from "jose";
import { type FakeTenant, readAll, rigFor, startTenant } from "../testing.ts";
import { azureToken } from "./azure.ts";
import { startStage } from "./testing/stage.ts";

// Microsoft's library settles on one machine for the whole process: what plays the machine is one for all tests of this file.
const CHALLENGE = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}';

/** A tenant that refuses the tokens that the test says, with a challenge or without. */
async function refusing(refused: ReadonlySet<string>, claims: string | null): Promise<FakeTenant> {
  return startTenant((call, origin) => {
    if (refused.has(call.headers.authorization?.slice("Bearer ".length) ?? "")) {
      const asked = claims === null ? "" : `, claims="${Buffer.from(claims).toString("base64")}"`;
      const header = `Bearer realm="", authorization_uri="${origin}", error="insufficient_claims"${asked}`;
      return {
        status: 401,
        headers: { "www-authenticate": header },
        body: { error: { code: "InvalidAuthenticationToken" } },
      };
    }
    if (call.path.endsWith("$count")) return { body: "1" };
    if (call.path.endsWith("/delta")) {
      return { body: { "@odata.deltaLink": `${origin}/v1.0/users/delta?t`, value: [] } };
    }
    return { body: { value: [{ id: "1", accountEnabled: true }] } };
  });
}

async function readFrom(tenant: FakeTenant): Promise<void> {
  const { source } = rigFor(tenant.origin, { credentials: [{ kind: "managed-identity" }] });
  try {
    await readAll(source, "user");
  } finally {
    await source.close();
  }
}

test("asks the managed identity anew when Graph refuses its token, though that has a day left", async (t) => {
  const given: string[] = [];
  const token = (number: number): string => `eyJhbGciOiJub25lIn0.eyJzdWIiOiJqb2IifQ.CANARY${number}`;
  const machine = createServer((_request, response) => {
    given.push(token(given.length));
    const expires_on = String(Math.floor(Date.now() / 1000) + 86_400);
    const body = { access_token: given.at(-1), expires_on, resource: "any", token_type: "Bearer" };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => machine.listen(0, "127.0.0.1", resolve));
  const address = machine.address();
  assert.ok(typeof address === "object" && address !== null);
  const names = { IDENTITY_ENDPOINT: `http://127.0.0.1:${address.port}/msi/token`, IDENTITY_HEADER: "header" };
  Object.assign(process.env, names);
  t.after(() => {
    for (const name of Object.keys(names)) delete process.env[name];
    machine.close();
    machine.closeAllConnections();
  });
  for (const claims of [null, CHALLENGE]) {
    const refused = new Set<string>();
    const tenant = await refusing(refused, claims);
    t.after(() => tenant.close());
    const before = given.length;
    await readFrom(tenant);
    assert.equal(given.length, before + 1);
    // Whatever it gave before is refused from now on, and the next one by the time it is used.
    for (const one of [...given, token(given.length)]) refused.add(one);
    await readFrom(tenant);
    assert.equal(given.length, before + 3, `${claims === null ? "without" : "with"} a challenge`);
  }
});

test("a workload identity says that it understands challenges, and answers one", async (t) => {
  const stage = await startStage({ tls: true });
  t.after(() => stage.close());
  tls.setDefaultCACertificates([...tls.getCACertificates("default"), stage.simulator.ca ?? ""]);
  const folder = await mkdtemp(join(tmpdir(), "entrain-workload-"));
  t.after(() => rm(folder, { recursive: true }));
  const tokenFile = join(folder, "token");
  const subject = "system:serviceaccount:entrain:sync";
  const { client } = stage.app({ federated: { issuer: stage.issuer.origin, subject } });
  await writeFile(tokenFile, await stage.issuer.assertion({ sub: subject }, stage.now()));
  for (const claims of [null, CHALLENGE]) {
    const { accessToken } = await azureToken({ kind: "workload-identity", tokenFile }, stage.options(client), {
      scope: `${stage.simulator.graph}/.default`,
      claims,
      signal: new AbortController().signal,
    });
    assert.deepEqual(decodeJwt(accessToken).xms_cc, ["cp1"]);
  }
});
