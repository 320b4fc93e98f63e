import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { decodeJwt } from "jose";
import { type Simulator, startSimulator } from "../simulator.ts";
import { smallTenant } from "../testing/tenant.ts";
import type { CloudName } from "./clouds.ts";

async function start(t: TestContext, cloud: CloudName): Promise<Simulator> {
  const simulator = await startSimulator({ tenant: smallTenant(1), throttle: "off", cloud });
  t.after(() => simulator.close());
  return simulator;
}

async function ask({ login, tenant, client, secret }: Simulator, graph: string): Promise<Record<string, string>> {
  const response = await fetch(`${login}/${tenant}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: client,
      client_secret: secret,
      scope: `${graph}/.default`,
    }),
  });
  return (await response.json()) as Record<string, string>;
}

const GRAPHS: readonly (readonly [CloudName, string])[] = [
  ["usgov", "https://graph.microsoft.us"],
  ["usgov-dod", "https://dod-graph.microsoft.us"],
  ["china", "https://microsoftgraph.chinacloudapi.cn"],
];

for (const [cloud, graph] of GRAPHS) {
  test(`tokens of ${cloud} are for its Graph, and are refused elsewhere as theirs are here`, async (t) => {
    const [home, abroad] = [await start(t, cloud), await start(t, "global")];
    const { access_token: own = "" } = await ask(home, graph);
    const { access_token: other = "" } = await ask(abroad, "https://graph.microsoft.com");
    assert.equal(decodeJwt(own).aud, graph);
    assert.equal((await ask(home, "https://graph.microsoft.com")).error, "invalid_resource");
    const read = async (simulator: Simulator, token: string): Promise<readonly [number, string]> => {
      const response = await fetch(`${simulator.graph}/v1.0/users`, { headers: { authorization: `Bearer ${token}` } });
      const body = (await response.json()) as { readonly error?: { readonly code: string; readonly message: string } };
      return [response.status, `${body.error?.code} ${body.error?.message}`];
    };
    assert.equal((await read(home, own))[0], 200);
    for (const [simulator, token] of [
      [home, other],
      [abroad, own],
    ] as const) {
      const [status, message] = await read(simulator, token);
      assert.equal(status, 401);
      assert.match(message, /^InvalidAuthenticationToken .*Invalid audience/);
    }
  });
}
