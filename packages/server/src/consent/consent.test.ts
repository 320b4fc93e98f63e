import assert from "node:assert/strict";
import { it } from "node:test";
import { DOCUMENT, install } from "../config/testing.ts";
import type { ConnectionRow } from "../runs/context.ts";
import type { Store } from "../store/store.ts";
import { eachEngine } from "../store/testing.ts";
import { consentState, createConsentLink, takeConsentAnswer } from "./consent.ts";

const ORIGIN = "https://entrain.contoso.com";

async function rowOf(store: Store): Promise<ConnectionRow> {
  return store.db.selectFrom("connections").selectAll().executeTakeFirstOrThrow();
}

eachEngine((engine) => {
  it("a link holds the application, the redirect and a state that stands nowhere in the store", async () => {
    const { store, apply } = await install(await engine.open());
    await apply(DOCUMENT);
    const row = await rowOf(store);
    const { url, redirectUri } = await createConsentLink(store, row, ORIGIN);
    const { pathname, searchParams } = new URL(url);
    assert.equal(pathname, `/${row.tenant}/v2.0/adminconsent`);
    assert.equal(searchParams.get("client_id"), row.client);
    assert.equal(redirectUri, `${ORIGIN}/connect/consent`);
    assert.equal(searchParams.get("redirect_uri"), redirectUri);
    assert.match(searchParams.get("scope") ?? "", /\/\.default$/);
    const state = searchParams.get("state") ?? "";
    assert.ok(state.length >= 43);
    const kept = await store.db.selectFrom("connection_consents").selectAll().execute();
    assert.ok(!JSON.stringify(kept).includes(state));
  });

  it("each answer is told by what it is, and a state works once", async () => {
    const { store, apply } = await install(await engine.open());
    await apply(DOCUMENT);
    const row = await rowOf(store);
    const ask = async (answer: Readonly<Record<string, string>>): Promise<string> => {
      const { url } = await createConsentLink(store, row, ORIGIN);
      const state = new URL(url).searchParams.get("state") ?? "";
      const { result, connection } = await takeConsentAnswer(store, new URLSearchParams({ ...answer, state }));
      assert.equal(connection, "contoso");
      const again = await takeConsentAnswer(store, new URLSearchParams({ ...answer, state }));
      assert.equal(again.result, "unknown");
      return result;
    };
    const denied = { error: "access_denied", admin_consent: "True" };
    assert.equal(await ask({ admin_consent: "True", tenant: row.tenant }), "granted");
    assert.equal(await ask({ admin_consent: "True", tenant: "11111111-2222-4333-8444-555555555555" }), "wrong_tenant");
    assert.equal(await ask({ ...denied, error_description: "AADSTS65004: declined" }), "declined");
    assert.equal(await ask({ ...denied, error_description: "AADSTS90094: admin" }), "right_missing");
    assert.equal(await ask({ error: "invalid_request", error_description: "AADSTS50011: x" }), "failed");
    assert.equal(await ask({ tenant: row.tenant }), "failed");
    assert.equal((await takeConsentAnswer(store, new URLSearchParams({ admin_consent: "True" }))).result, "unknown");
    const told = await store.db.selectFrom("journal").select("sequence").where("action", "=", "consented").execute();
    assert.equal(told.length, 6);
  });

  it("tells which links wait for an answer, and what the last administrator came back with", async () => {
    const { store, apply } = await install(await engine.open());
    await apply(DOCUMENT);
    const row = await rowOf(store);
    assert.deepEqual(await consentState(store, row.id), { waitingUntil: null, last: null });
    const { url, expiresAt } = await createConsentLink(store, row, ORIGIN);
    assert.deepEqual(await consentState(store, row.id), { waitingUntil: expiresAt, last: null });
    const state = new URL(url).searchParams.get("state") ?? "";
    await takeConsentAnswer(store, new URLSearchParams({ error: "access_denied", state }));
    const refused = await consentState(store, row.id);
    assert.equal(refused.waitingUntil, null);
    assert.equal(refused.last?.result, "declined");
    const again = new URL((await createConsentLink(store, row, ORIGIN)).url).searchParams.get("state") ?? "";
    const answer = { admin_consent: "True", tenant: row.tenant, state: again };
    await takeConsentAnswer(store, new URLSearchParams(answer));
    assert.equal((await consentState(store, row.id)).last?.result, "granted");
  });
});
