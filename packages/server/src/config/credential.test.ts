import assert from "node:assert/strict";
import { it } from "node:test";
import { ConnectorError } from "@entrain/core";
import { parse } from "yaml";
import { findGrant, saveGrant } from "../store/grants.ts";
import { openKeyring, Secret } from "../store/secrets.ts";
import type { Store } from "../store/store.ts";
import { eachEngine } from "../store/testing.ts";
import { applyConfiguration } from "./apply.ts";
import { credentialsOf } from "./connector-credentials.ts";
import { loadConfiguration } from "./current.ts";
import { readDocument } from "./read.ts";
import { DOCUMENT, type Installed, install, KEY, TYPES } from "./testing.ts";

const SECRET_LINE = "credential: { kind: secret, secret: { env: CONTOSO_SECRET } }";

function withCredential(credential: string): string {
  assert.ok(DOCUMENT.includes(SECRET_LINE));
  return DOCUMENT.replace(SECRET_LINE, `credential: ${credential}`);
}

const EVERY_KIND = [
  "{ kind: secret, secret: { env: A } }",
  "{ kind: secret, secret: { env: A }, expires: 2027-01-31 }",
  "{ kind: password, username: sync@contoso.com, password: { env: A }, expires: 2027-01-31 }",
  "{ kind: certificate, certificate: { file: app.pfx }, passphrase: { env: A } }",
  "{ kind: certificate, certificate: { file: app.pem }, key: { file: key.pem } }",
  "{ kind: federated, assertion: { file: token } }",
  "{ kind: federated, url: 'https://token.example.com/?a=b', token: { env: A } }",
  "{ kind: federated, url: 'https://token.intern.example', allowPrivate: true }",
  "{ kind: managed-identity }",
  "{ kind: managed-identity, identity: 3b1f7e2c-1111-4222-8333-444455556666 }",
  "{ kind: workload-identity, tokenFile: /var/run/token }",
  "{ kind: delegated, app: { kind: secret, secret: { env: A } } }",
  "{ kind: delegated }",
  "{ kind: password, username: sync@contoso.com, password: { env: A } }",
  "[{ kind: secret, secret: { env: OLD } }, { kind: certificate, certificate: { file: app.pem } }]",
];

/** A document with contoso's credentials put in another order, or some left out. */
function withList(text: string, change: (list: readonly unknown[]) => readonly unknown[]): string {
  const document = parse(text);
  document.connections.contoso.credential = change(document.connections.contoso.credential);
  return JSON.stringify(document);
}

/** An installation whose connection has two sealed client secrets. */
async function installTwo(
  store: Store,
): Promise<Installed & { revealed(environment?: { readonly [name: string]: string }): Promise<readonly string[]> }> {
  const installed = await install(store);
  const { keyring } = installed;
  const current = await loadConfiguration(store);
  const text = withCredential("[{ secret: { sealed: true } }, { secret: { sealed: true } }]");
  await applyConfiguration({
    store,
    keyring,
    types: TYPES,
    current,
    document: readDocument(text, { name: "test.yaml", types: TYPES, current }),
    prune: false,
    demo: false,
    actor: { kind: "command", id: "test" },
    secrets: new Map([
      ["connections/contoso/secret", new Secret("CANARY-first")],
      ["connections/contoso/1.secret", new Secret("CANARY-second")],
    ]),
  });
  return {
    ...installed,
    revealed: async (environment = {}) => {
      const ring = await openKeyring(store, { key: KEY, folder: "", environment });
      const row = (await loadConfiguration(store)).rows.connections.get("contoso");
      assert.ok(row !== undefined);
      return credentialsOf(store, ring, row).map((one) => (one.kind === "secret" ? one.secret() : one.kind));
    },
  };
}

eachEngine((engine) => {
  it("every kind of credential is kept as it was written, and exported the same", async () => {
    for (const credential of EVERY_KIND) {
      const { apply, exported } = await install(await engine.open());
      await apply(withCredential(credential));
      assert.deepEqual(await apply(await exported(), { prune: true }), [], credential);
      assert.deepEqual(await apply(withCredential(credential)), [], credential);
    }
  });

  it("a sealed secret of the second credential opens in its own place only", async () => {
    const { store, keyring } = await install(await engine.open());
    const current = await loadConfiguration(store);
    const text = withCredential("[{ secret: { sealed: true } }, { secret: { sealed: true } }]");
    const secrets = new Map([
      ["connections/contoso/secret", new Secret("CANARY-first")],
      ["connections/contoso/1.secret", new Secret("CANARY-second")],
    ]);
    const document = readDocument(text, { name: "test.yaml", types: TYPES, current });
    const actor = { kind: "command", id: "test" } as const;
    await applyConfiguration({
      store,
      keyring,
      types: TYPES,
      current,
      document,
      prune: false,
      demo: false,
      actor,
      secrets,
    });
    const row = (await loadConfiguration(store)).rows.connections.get("contoso");
    assert.ok(row !== undefined);
    assert.doesNotMatch(row.credential, /CANARY/);
    const revealed = credentialsOf(store, keyring, row).map((one) => (one.kind === "secret" ? one.secret() : one.kind));
    assert.deepEqual(revealed, ["CANARY-first", "CANARY-second"]);
    type Kept = { readonly id: string; readonly secret: { readonly sealed: string } };
    const [one, other] = JSON.parse(row.credential) as readonly [Kept, Kept];
    const swapped = JSON.stringify([{ ...one, secret: other.secret }, other]);
    const [first] = credentialsOf(store, keyring, { ...row, credential: swapped });
    assert.ok(first?.kind === "secret");
    assert.throws(() => first.secret(), { code: "key_wrong" });
  });

  it("sealed secrets stay whose they are when their credentials change places, or the first one goes", async () => {
    const { apply, exported, revealed } = await installTwo(await engine.open());
    assert.deepEqual(await apply(await exported()), []);
    assert.equal((await apply(withList(await exported(), (list) => list.toReversed()))).length, 1);
    assert.deepEqual(await revealed(), ["CANARY-second", "CANARY-first"]);
    assert.deepEqual(await apply(await exported()), []);
    // The first one goes, and the second stands alone.
    await apply(withList(await exported(), ([, second]) => [second]));
    assert.deepEqual(await revealed(), ["CANARY-first"]);
    assert.deepEqual(await apply(withCredential("{ secret: { sealed: true } }")), []);
    assert.deepEqual(await revealed(), ["CANARY-first"]);
    // One beside it, in front: a new one never takes the place of an old one.
    await apply(withCredential("[{ secret: { env: NEW } }, { secret: { sealed: true } }]"));
    assert.deepEqual(await revealed({ NEW: "CANARY-new" }), ["CANARY-new", "CANARY-first"]);
  });

  it("the query of an assertion's address is a secret: kept and used, and shown nowhere", async () => {
    const { apply, exported, store, keyring } = await install(await engine.open());
    const federated = (query: string): string =>
      withCredential(`{ kind: federated, url: 'https://token.example.com/a?${query}', token: { env: A } }`);
    const used = async (): Promise<unknown> => {
      const row = (await loadConfiguration(store)).rows.connections.get("contoso");
      const [credential] = row === undefined ? [] : credentialsOf(store, keyring, row);
      return credential?.kind === "federated" && typeof credential.assertion === "object" && credential.assertion.url;
    };
    const added = await apply(federated("sig=CANARY-one"));
    assert.match(await exported(), /url: https:\/\/token\.example\.com\/a\?\[secret\]/);
    assert.deepEqual(await apply(await exported(), { prune: true }), []);
    assert.equal(await used(), "https://token.example.com/a?sig=CANARY-one");
    const changed = await apply(federated("sig=CANARY-two"));
    assert.equal(await used(), "https://token.example.com/a?sig=CANARY-two");
    assert.deepEqual(
      changed.flatMap(({ fields }) => fields.map(({ place }) => place)),
      ["credential.url"],
    );
    await apply((await exported()).replace("env: A", "env: B"));
    assert.equal(await used(), "https://token.example.com/a?sig=CANARY-two");
    const shown = [
      added,
      changed,
      await exported(),
      await store.db.selectFrom("revisions").selectAll().execute(),
      await store.db.selectFrom("journal_values").selectAll().execute(),
    ];
    assert.doesNotMatch(JSON.stringify(shown), /CANARY/);
    await assert.rejects(
      apply(withCredential("{ kind: federated, url: 'https://other.example.com/?[secret]' }")),
      /credential\[0\]\.url: .*whole address/,
    );
    for (const bad of ["https://CANARY@token.example.com/", "CANARY token.example.com"]) {
      await assert.rejects(apply(withCredential(`{ kind: federated, url: '${bad}' }`)), (error: unknown) => {
        assert.ok(error instanceof ConnectorError && error.code === "config_invalid");
        assert.doesNotMatch(error.message, /CANARY/);
        return true;
      });
    }
  });

  it("which of two sealed secrets is kept is never guessed", async () => {
    const { apply, revealed } = await installTwo(await engine.open());
    await assert.rejects(apply(withCredential("[{ secret: { sealed: true } }]")), (error: unknown) => {
      assert.ok(error instanceof ConnectorError);
      assert.equal(error.code, "config_invalid");
      assert.match(error.message, /connections\.contoso\.credential\[0\]: .*id: "0".*id: "1"/);
      return true;
    });
    assert.deepEqual(await revealed(), ["CANARY-first", "CANARY-second"]);
    await apply(withCredential('{ id: "1", secret: { sealed: true } }'));
    assert.deepEqual(await revealed(), ["CANARY-second"]);
    await assert.rejects(
      apply(withCredential("[{ id: a, secret: { env: A } }, { id: a, secret: { env: B } }]")),
      /credential\[1\]\.id: .* twice/,
    );
  });

  it("credentials that were stored without an id keep the places that they had", async () => {
    const { apply, exported, store, revealed } = await installTwo(await engine.open());
    const row = (await loadConfiguration(store)).rows.connections.get("contoso");
    const old = (JSON.parse(row?.credential ?? "[]") as readonly Record<string, unknown>[]).map(
      ({ id: _id, ...rest }) => rest,
    );
    await store.transaction((tx) =>
      tx
        .updateTable("connections")
        .set({ credential: JSON.stringify(old) })
        .execute(),
    );
    assert.deepEqual(await revealed(), ["CANARY-first", "CANARY-second"]);
    await apply(withList(await exported(), (list) => list.toReversed()));
    assert.deepEqual(await revealed(), ["CANARY-second", "CANARY-first"]);
  });

  it("an administrator's agreement is kept encrypted, replaced, and ends with a reason", async () => {
    const { apply, store, keyring } = await install(await engine.open());
    await apply(withCredential("{ kind: delegated }"));
    const row = (await loadConfiguration(store)).rows.connections.get("contoso");
    assert.ok(row !== undefined);
    const [credential] = credentialsOf(store, keyring, row);
    assert.ok(credential?.kind === "delegated");
    assert.equal(await credential.refreshToken(), null);
    const account = { tenant: row.tenant, objectId: "1", username: "admin@contoso.com" };
    await saveGrant(store, keyring, row.id, { account, scopes: ["User.Read.All"], refreshToken: "CANARY-refresh" });
    assert.equal(await credential.refreshToken(), "CANARY-refresh");
    await credential.replace("CANARY-next");
    assert.equal(await credential.refreshToken(), "CANARY-next");
    const kept = await store.db.selectFrom("connection_grants").selectAll().execute();
    assert.doesNotMatch(JSON.stringify(kept), /CANARY/);
    await credential.died("the refresh token was not used for too long");
    assert.equal(await credential.refreshToken(), null);
    assert.equal((await findGrant(store, row.id))?.diedOf, "the refresh token was not used for too long");
  });

  it("an administrator's agreement goes with the credential, the application and the address that it was for", async () => {
    const { apply, store, keyring } = await install(await engine.open());
    const delegated = withCredential("{ kind: delegated }");
    await apply(delegated);
    const { id, tenant } = await store.db.selectFrom("connections").select(["id", "tenant"]).executeTakeFirstOrThrow();
    const account = { tenant, objectId: "1", username: "admin@contoso.com" };
    const changes: readonly (readonly [string, boolean])[] = [
      [delegated.replace("labels: [europe]", "labels: [asia]"), true],
      [withCredential("[{ kind: secret, secret: { env: A } }, { kind: delegated }]"), true],
      [withCredential("{ kind: secret, secret: { env: A } }"), false],
      [delegated.replace(/client: .*/, "client: 0a5d9c11-2222-4333-8444-555566667777"), false],
    ];
    for (const [document, kept] of changes) {
      await saveGrant(store, keyring, id, { account, scopes: [], refreshToken: "kept" });
      await apply(document);
      assert.equal((await findGrant(store, id)) !== null, kept, document);
    }
  });

  it("flaws of a credential are named by field, and never repeat a secret", async () => {
    const { apply } = await install(await engine.open());
    const cases: readonly (readonly [string, RegExp])[] = [
      ["[]", /one credential, or a list of at most 4/],
      ["{ kind: certificate, certificate: CANARY }", /credential\.certificate: a secret does not belong/],
      ["{ kind: password, password: { env: A } }", /credential\.username: must be text/],
      ["{ kind: federated, assertion: { env: A }, url: 'https://x.example' }", /comes from one place/],
      ["{ kind: federated, url: 'ftp://x.example' }", /credential\.url: must be a web address/],
      ["{ kind: delegated, app: { kind: managed-identity } }", /credential\.app\.kind: .*a secret or a certificate/],
      ["[{ kind: secret, secret: { env: A } }, { kind: secret }]", /credential\[1\]\.secret: must be a map/],
    ];
    for (const [credential, expected] of cases) {
      await assert.rejects(apply(withCredential(credential)), (error: unknown) => {
        assert.ok(error instanceof ConnectorError);
        assert.equal(error.code, "config_invalid");
        assert.match(error.message, expected);
        assert.doesNotMatch(error.message, /CANARY/);
        return true;
      });
    }
  });
});
