import assert from "node:assert/strict";
import { it } from "node:test";
import { findGrant, grantKeeper, saveGrant } from "./grants.ts";
import { type Keyring, openKeyring } from "./secrets.ts";
import type { Store } from "./store.ts";
import { eachEngine } from "./testing.ts";

const ACCOUNT = { tenant: "6f0c2f3e-1111-4222-8333-444455556666", objectId: "o", username: "admin@contoso.com" };

async function ringOf(store: Store): Promise<Keyring> {
  return await openKeyring(store, { key: Buffer.alloc(32, 7).toString("base64"), folder: "", environment: {} });
}

function agree(store: Store, keyring: Keyring, refreshToken: string): Promise<void> {
  return saveGrant(store, keyring, "connection_1", { refreshToken, account: ACCOUNT, scopes: ["User.Read.All"] });
}

eachEngine(({ open }) => {
  it("keeps each successor of a refresh token, and ends with the last one", async () => {
    const store = await open();
    const keyring = await ringOf(store);
    await agree(store, keyring, "first");
    const keeper = grantKeeper(store, keyring, "connection_1");
    assert.equal(await keeper.refreshToken(), "first");
    await keeper.replace("second");
    await keeper.replace("third");
    assert.equal(await keeper.refreshToken(), "third");
    await keeper.died("revoked");
    assert.equal(await keeper.refreshToken(), null);
    assert.equal((await findGrant(store, "connection_1"))?.diedOf, "revoked");
  });

  it("keeps a token that Microsoft refused for now, tells why, and is as before once it works", async () => {
    const store = await open();
    const keyring = await ringOf(store);
    await agree(store, keyring, "first");
    const keeper = grantKeeper(store, keyring, "connection_1");
    assert.equal(await keeper.refreshToken(), "first");
    await keeper.refused("the account is disabled");
    const refused = await findGrant(store, "connection_1");
    assert.deepEqual([refused?.state, refused?.reason, refused?.diedOf], ["refused", "the account is disabled", null]);
    assert.equal(await keeper.refreshToken(), "first");
    await keeper.replace("first");
    const works = await findGrant(store, "connection_1");
    assert.deepEqual([works?.state, works?.reason], ["works", null]);
    assert.equal(await keeper.refreshToken(), "first");
    await keeper.died("revoked");
    const ended = await findGrant(store, "connection_1");
    assert.deepEqual([ended?.state, ended?.reason, ended?.diedOf], ["ended", "revoked", "revoked"]);
  });

  it("leaves a newer agreement alone when an older one is refreshed or dies meanwhile", async () => {
    const store = await open();
    const keyring = await ringOf(store);
    await agree(store, keyring, "old");
    const running = [grantKeeper(store, keyring, "connection_1"), grantKeeper(store, keyring, "connection_1")] as const;
    for (const keeper of running) assert.equal(await keeper.refreshToken(), "old");
    await agree(store, keyring, "new");
    await running[0].replace("successor of the old");
    await running[1].died("the old one was revoked");
    assert.equal(await grantKeeper(store, keyring, "connection_1").refreshToken(), "new");
    assert.equal((await findGrant(store, "connection_1"))?.diedOf, null);
  });
});
