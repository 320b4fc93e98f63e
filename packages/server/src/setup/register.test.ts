import assert from "node:assert/strict";
import { it } from "node:test";
import { leastPermissions } from "@entrain/connectors/entra";
import type { ConnectorError } from "@entrain/core";
import { DOCUMENT, install, TYPES } from "../config/testing.ts";
import { eachEngine } from "../store/testing.ts";
import { addLine, checkSetup, type Setup } from "./plan.ts";
import { registerByDeviceCode } from "./register.ts";

const SETUP: Setup = {
  name: "fabrikam",
  displayName: "Entrain",
  tenant: "fabrikam.com",
  // Nobody listens there: whatever were sent would fail otherwise than asked for.
  cloud: { kind: "custom", login: "http://localhost:1", graph: "http://localhost:1" },
  client: null,
  features: ["people", "groups"],
  permissions: leastPermissions(["people", "groups"]),
  credential: "certificate",
  days: 365,
  multiTenant: false,
  redirectUris: ["https://entrain.contoso.com/connect/consent"],
};

eachEngine((engine) => {
  it("what the store would not take is refused before anything is sent", async () => {
    const { store, keyring, apply } = await install(await engine.open());
    await apply(DOCUMENT);
    const refusal = async (setup: Setup, demo = false): Promise<string> => {
      const adding = { store, keyring, types: TYPES, demo, actor: { kind: "command", id: "test" } };
      const signal = new AbortController().signal;
      const told = (): never => assert.fail("nobody is asked for a code");
      const work = registerByDeviceCode(setup, { adding, setupClient: null, signal, told });
      return await work.then(
        () => "none",
        (error: ConnectorError) => error.code,
      );
    };
    assert.equal(await refusal({ ...SETUP, name: "contoso" }), "exists");
    assert.equal(await refusal({ ...SETUP, cloud: { kind: "global" } }, true), "demo_only");
    const cloud = { kind: "custom", login: "http://127.0.0.1:7421", graph: "http://127.0.0.1:7421" } as const;
    const taken = { ...SETUP, cloud, tenant: "6f0c2f3e-1111-4222-8333-444455556666" };
    assert.equal(await refusal(taken), "exists");
    assert.equal(await refusal({ ...SETUP, tenant: null }), "usage");
    const rows = await store.db.selectFrom("connections").select("name").execute();
    assert.deepEqual(rows, [{ name: "contoso" }]);
  });
});

it("the line that connects names a custom cloud's addresses, which hold nothing but themselves", () => {
  assert.match(addLine(SETUP, "CLIENT", "entrain.pem"), / --cloud custom --login http:\/\/localhost:1 --graph http:/);
  checkSetup(SETUP);
  for (const login of ["http://a/$(id)", "http://a/`id`", "http://a/'", "javascript:1", "http://a b"]) {
    assert.throws(() => checkSetup({ ...SETUP, cloud: { kind: "custom", login, graph: "http://localhost:1" } }), {
      code: "usage",
    });
  }
});
