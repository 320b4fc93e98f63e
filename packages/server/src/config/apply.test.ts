import assert from "node:assert/strict";
import { it } from "node:test";
import { ConnectorError } from "@entrain/core";
import fc from "fast-check";
import { findGrant, saveGrant } from "../store/grants.ts";
import { verifyJournal } from "../store/journal.ts";
import { Secret } from "../store/secrets.ts";
import { eachEngine } from "../store/testing.ts";
import { applyConfiguration, changeConfiguration } from "./apply.ts";
import { connectionCredentials, loadConfiguration, secretPlace } from "./current.ts";
import { differencesOf } from "./difference.ts";
import { readDocument } from "./read.ts";
import { renderDocument } from "./render.ts";
import { DOCUMENT, install, TYPES } from "./testing.ts";

const fault =
  (code: string, said: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof ConnectorError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, said);
    return true;
  };

eachEngine((engine) => {
  it("what was exported is what there is: applying it again changes nothing", async () => {
    const { apply, exported, store } = await install(await engine.open());
    const added = await apply(DOCUMENT);
    assert.deepEqual(
      added.map(({ section, name, change }) => [section, name, change]),
      [
        ["connections", "contoso", "added"],
        ["targets", "desk", "added"],
        ["syncs", "contoso-desk", "added"],
      ],
    );
    const text = await exported();
    assert.deepEqual(await apply(text, { prune: true }), []);
    assert.equal(await exported(), text);
    const other = await install(await engine.open());
    await other.apply(text);
    assert.equal(await other.exported(), text);
    const { rows } = await verifyJournal(store, "system");
    assert.equal(rows, 3);
  });

  it("a change gets a revision of its own, and tells the values", async () => {
    const { apply, store } = await install(await engine.open());
    await apply(DOCUMENT);
    const before = await loadConfiguration(store);
    const [changed] = await apply(DOCUMENT.replace("every: 5m", "every: 1h").replace("percent: 10", "percent: 20"));
    assert.deepEqual(changed?.fields, [
      { place: "guard.removals.percent", before: 10, after: 20 },
      { place: "schedule.every", before: "5m", after: "1h" },
    ]);
    const after = await loadConfiguration(store);
    assert.equal(after.revision, before.revision + 1);
    assert.equal(after.rows.syncs.get("contoso-desk")?.revision, after.revision);
    assert.equal(after.rows.syncs.get("contoso-desk")?.id, before.rows.syncs.get("contoso-desk")?.id);
    assert.equal(after.rows.targets.get("desk")?.revision, before.rows.targets.get("desk")?.revision);
  });

  it("is all or nothing", async () => {
    const { apply, store } = await install(await engine.open());
    // The sealed secret of the last target is found missing after the others were written.
    const text = `${DOCUMENT.replace("token: { env: DESK_TOKEN }", "token: { sealed: true }")}`;
    await assert.rejects(apply(text), fault("config_invalid", /targets\.desk\.credential\.token: .*no sealed secret/));
    const { connections, targets, syncs, revision } = await loadConfiguration(store);
    assert.deepEqual([connections.size, targets.size, syncs.size, revision], [0, 0, 0, 0]);
  });

  it("a removed connection takes the administrator's agreement with it", async () => {
    const { apply, store, keyring } = await install(await engine.open());
    await apply(DOCUMENT.replace("{ kind: secret, secret: { env: CONTOSO_SECRET } }", "{ kind: delegated }"));
    const { rows } = await loadConfiguration(store);
    const id = rows.connections.get("contoso")?.id ?? "";
    const account = { tenant: "t", objectId: "o", username: "admin@contoso.com" };
    await saveGrant(store, keyring, id, { refreshToken: "kept", account, scopes: [] });
    await apply("syncs: {}\nconnections: {}", { prune: true });
    assert.equal(await findGrant(store, id), null);
  });

  it("removes nothing without being told to, and then only from the sections that the document has", async () => {
    const { apply, store } = await install(await engine.open());
    await apply(DOCUMENT);
    assert.deepEqual(await apply("syncs: {}"), []);
    assert.equal((await loadConfiguration(store)).syncs.size, 1);
    await assert.rejects(
      apply("targets: {}", { prune: true }),
      fault("config_invalid", /targets\.desk cannot be removed: the sync contoso-desk needs it/),
    );
    const removed = await apply("syncs: {}", { prune: true });
    assert.deepEqual(
      removed.map(({ section, change }) => [section, change]),
      [["syncs", "removed"]],
    );
    const left = await loadConfiguration(store);
    assert.deepEqual([left.connections.size, left.targets.size, left.syncs.size], [1, 1, 0]);
    await apply("connections: {}\ntargets: {}", { prune: true });
    assert.equal((await loadConfiguration(store)).connections.size, 0);
  });

  it("keeps a sync's links when it goes, for the next one to adopt", async () => {
    const { apply, store } = await install(await engine.open());
    await apply(DOCUMENT);
    const { rows } = await loadConfiguration(store);
    const [sync, target] = [rows.syncs.get("contoso-desk")?.id ?? "", rows.targets.get("desk")?.id ?? ""];
    const link = { target, kind: "requester", tenant: "t", object_id: "o", record_id: "r", sync, origin: "created" };
    const rest = { known: "{}", active: 1, sequence: 1, linked_sequence: 1, created_at: 0, owned_since: 0 };
    await store.transaction((tx) =>
      tx
        .insertInto("links")
        .values({ ...link, ...rest })
        .execute(),
    );
    await apply("syncs: {}", { prune: true });
    const [kept] = await store.db.selectFrom("links").select(["record_id", "sync"]).execute();
    assert.deepEqual(kept, { record_id: "r", sync: null });
  });

  it("never lets an entry become another thing", async () => {
    const { apply } = await install(await engine.open());
    await apply(DOCUMENT);
    for (const [from, to, said] of [
      [/tenant: 6f/, "tenant: 7f", /connections\.contoso\.tenant: cannot become 7f/],
      [/cloud: \{.*\}/, "cloud: global", /connections\.contoso\.cloud: cannot become global, it is custom/],
    ] as const) {
      await assert.rejects(apply(DOCUMENT.replace(from, to)), fault("config_invalid", said));
    }
    const ofGroups = DOCUMENT.replace("records: requester", "records: group")
      .replace("attribute: department", "attribute: displayName")
      .replace("attribute: accountEnabled", "attribute: securityEnabled");
    await assert.rejects(apply(ofGroups), fault("config_invalid", /contoso-desk\.records: cannot become group/));
    const moved = DOCUMENT.replaceAll("127.0.0.1:7421", "127.0.0.1:9421");
    assert.equal((await apply(moved)).length, 1);
  });

  it("gives a tenant one connection", async () => {
    const { apply } = await install(await engine.open());
    await apply(DOCUMENT);
    const second = DOCUMENT.slice(0, DOCUMENT.indexOf("targets:")).replace("contoso:", "contoso2:");
    await assert.rejects(apply(second), fault("exists", /contoso2? and connections\.contoso2? are the same tenant/));
  });

  it("a demo's store takes loopback alone", async () => {
    const { apply } = await install(await engine.open());
    const far = DOCUMENT.replace("http://127.0.0.1:8080", "https://example.com");
    await assert.rejects(apply(far, { demo: true }), fault("demo_only", /targets\.desk leads beyond this machine/));
    const away = DOCUMENT.replace(/cloud: \{.*\}/, "cloud: global");
    await assert.rejects(apply(away, { demo: true }), fault("demo_only", /connections\.contoso/));
    await apply(DOCUMENT, { demo: true });
  });

  it("refuses a document that was read against a configuration of yesterday", async () => {
    const { apply, store, keyring } = await install(await engine.open());
    await apply(DOCUMENT);
    const current = await loadConfiguration(store);
    const document = readDocument(DOCUMENT.replace("every: 5m", "every: 2h"), { name: "x", types: TYPES, current });
    await apply(DOCUMENT.replace("every: 5m", "every: 1h"));
    const change = { store, keyring, types: TYPES, prune: false, demo: false, actor: { kind: "command", id: "test" } };
    await assert.rejects(
      applyConfiguration({ ...change, current, document }),
      fault("conflict", /Nothing was changed/),
    );
  });

  it("seals a secret that is given, keeps it under a document that says so, and never shows it", async () => {
    const { apply, exported, store, keyring } = await install(await engine.open());
    const sealed = DOCUMENT.replace("{ env: CONTOSO_SECRET }", "{ sealed: true }");
    const change = { store, keyring, types: TYPES, prune: false, demo: false, actor: { kind: "command", id: "test" } };
    const secrets = new Map([["connections/contoso/secret", new Secret("CANARY-secret")]]);
    await changeConfiguration({ ...change, secrets }, (current) =>
      readDocument(sealed, { name: "x", types: TYPES, current }),
    );
    assert.match(await exported(), /sealed: true/);
    assert.deepEqual(await apply(sealed), []);
    const row = (await loadConfiguration(store)).rows.connections.get("contoso");
    assert.ok(row);
    const [credential] = connectionCredentials(row);
    assert.ok(credential?.kind === "secret");
    const opened = keyring.open(credential.secret, secretPlace("connections", row.id, "secret"));
    assert.equal(opened.reveal(), "CANARY-secret");
    const everything = JSON.stringify([
      await store.db.selectFrom("revisions").selectAll().execute(),
      await store.db.selectFrom("journal_values").selectAll().execute(),
    ]);
    assert.doesNotMatch(everything + row.credential, /CANARY/);
  });
});

eachEngine((engine) => {
  it("every configuration comes back from its export", async () => {
    const { store } = await install(await engine.open());
    const name = fc.stringMatching(/^[a-z]([a-z0-9._-]{0,10}[a-z0-9])?$/);
    const text = fc.string({ minLength: 1, unit: "grapheme" }).filter((it) => it.isWellFormed() && !it.includes("\0"));
    const secret = fc.oneof(fc.record({ env: text }), fc.record({ file: text }));
    const connection = fc.record({
      labels: fc.array(text, { maxLength: 3 }),
      tenant: fc.uuid(),
      client: fc.uuid(),
      credential: fc.record({ kind: fc.constant("secret"), secret }),
    });
    const clause = fc.record({
      attribute: fc.oneof(
        fc.constantFrom("displayName", "mail", "onPremisesExtensionAttributes.extensionAttribute7"),
        fc.stringMatching(/^extension_[0-9a-f]{32}_[a-z]{1,8}$/),
      ),
      operator: fc.constant("EQUALS"),
      value: text,
    });
    const verb = fc.constantFrom("ignore", "disable", "delete");
    const zone = fc.constantFrom("Europe/Rome", "America/New_York", "UTC");
    const window = fc.record({
      days: fc.uniqueArray(fc.constantFrom("mon", "fri", "sun"), { minLength: 1 }),
      from: fc.constantFrom("00:00", "08:00", "22:15"),
      to: fc.constantFrom("06:00", "24:00"),
      timezone: zone,
      stop: fc.boolean(),
    });
    const also = { blackout: fc.array(window, { maxLength: 2 }), jitter: fc.constantFrom("30s", "1h") };
    const cron = fc.constantFrom("0 6 * * 1-5", "*/10 * * * *", "0 6 L * *");
    const schedule = fc.oneof(
      fc.constant("manual"),
      fc.record({ manual: fc.constant(true), blackout: also.blackout }),
      fc.record({ every: fc.constantFrom("10s", "90s", "24h", "7d"), ...also }, { requiredKeys: ["every"] }),
      fc.record({ cron, timezone: zone, ...also }, { requiredKeys: ["cron"] }),
    );
    const sync = fc.record({
      connection: fc.constant("c"),
      target: fc.constant("t"),
      records: fc.constantFrom("requester", "group"),
      scope: fc.record(
        { filters: fc.array(fc.array(clause, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 2 }) },
        { requiredKeys: [] },
      ),
      deprovision: fc.record({ outOfScope: verb, disabled: verb, deleted: verb }),
      schedule,
    });
    const current = await loadConfiguration(store);
    const context = { name: "x", types: TYPES, current };
    fc.assert(
      fc.property(fc.dictionary(name, sync), connection, (syncs, c) => {
        const whole = { connections: { c }, targets: { t: { type: "portal" } }, syncs, channels: {} };
        const first = readDocument(JSON.stringify(whole), context);
        const { connections, targets, channels } = first;
        assert.ok(connections && targets && first.syncs && channels);
        const complete = { connections, targets, syncs: first.syncs, channels };
        const again = readDocument(renderDocument(complete), context);
        assert.deepEqual(again, first);
        assert.deepEqual(differencesOf(complete, again), []);
      }),
      { numRuns: engine.name === "sqlite" ? 100 : 1 },
    );
  });
});
