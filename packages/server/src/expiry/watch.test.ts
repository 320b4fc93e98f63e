import assert from "node:assert/strict";
import { it } from "node:test";
import type { CredentialEnd, Inspector } from "@entrain/connectors/entra";
import { DOCUMENT, install } from "../config/testing.ts";
import type { RunLog } from "../runs/tell.ts";
import { knownEnds, saveEnds } from "../store/credential-ends.ts";
import type { Store } from "../store/store.ts";
import { eachEngine } from "../store/testing.ts";
import { expiryWarnings } from "./warnings.ts";
import { lookOver } from "./watch.ts";

const DAY_MS = 86_400_000;
const CHANNEL = `
channels:
  desk: { type: webhook, url: "http://127.0.0.1:9/hooks", secret: { env: DESK_HOOK } }
`;

function end(endsAt: number | null, more: Partial<CredentialEnd> = {}): CredentialEnd {
  return { at: 0, kind: "secret", endsAt, toldBy: "registration", ends: true, ...more };
}

/** A watch over one connection whose credentials end as the test says, and what it told. */
interface Watching {
  readonly store: Store;
  readonly lines: readonly string[];
  readonly apply: Awaited<ReturnType<typeof install>>["apply"];
  look(...ends: readonly CredentialEnd[]): Promise<void>;
  /** The alerts that were written since the last question, as `type` and data. */
  alerts(): Promise<readonly { readonly type: string; readonly data: { readonly [field: string]: unknown } }[]>;
}

async function watch(opened: Store, document: string = DOCUMENT + CHANNEL): Promise<Watching> {
  const { store, apply } = await install(opened);
  await apply(document);
  const lines: string[] = [];
  const seen = new Set<string>();
  const tell = (facts: object, message: string): void => void lines.push(`${JSON.stringify(facts)} ${message}`);
  const log: RunLog = {
    debug: () => undefined,
    info: tell,
    warn: tell,
    error: (facts) => assert.fail(JSON.stringify(facts)),
  };
  return {
    store,
    lines,
    apply,
    look: async (...ends) => {
      const inspector = { ends: async () => ends, permissions: async () => null, close: async () => undefined };
      const installation = { store, openInspector: (): Inspector => inspector };
      await lookOver(installation, log, new AbortController().signal);
    },
    alerts: async () => {
      const rows = await store.db.selectFrom("alerts").selectAll().orderBy("at").orderBy("id").execute();
      const fresh = rows.filter(({ id }) => !seen.has(id));
      for (const { id } of fresh) seen.add(id);
      return fresh.map(({ type, data }) => ({ type, data: JSON.parse(data) }));
    },
  };
}

it("warns 60, 30, 14, 7 and 1 days before the end, and when it has come", () => {
  const now = 1_000 * DAY_MS;
  const at = (days: number): readonly number[] =>
    expiryWarnings([end(now + days * DAY_MS)], now).map(({ threshold }) => threshold);
  assert.deepEqual([61, 60, 59.9, 29.9, 13, 6.5, 0.5, 0, -3].map(at), [[], [], [60], [30], [14], [7], [1], [0], [0]]);
  assert.deepEqual(expiryWarnings([end(null)], now), []);
});

it("names the credential where there are several, the most urgent first", () => {
  const now = 1_000 * DAY_MS;
  const [first, second] = expiryWarnings(
    [end(now + 40 * DAY_MS), end(now + 3 * DAY_MS, { at: 1, kind: "certificate" })],
    now,
  );
  assert.equal(first?.detail, "Credential 2, the certificate ends on 1972-09-30, in 3 days.");
  assert.match(second?.detail ?? "", /^Credential 1, the client secret .*in 40 days\.$/);
});

eachEngine((engine) => {
  it("a connection that does not answer keeps no other from being looked over", async () => {
    const { store, apply } = await install(await engine.open());
    const other = "{ tenant: 11111111-1111-4111-8111-111111111111, client: 22222222-2222-4222-8222-222222222222";
    const credential = "credential: { kind: secret, secret: { env: A } } }";
    await apply(DOCUMENT.replace("connections:\n", `connections:\n  zeta: ${other}, ${credential}\n`));
    const answer = Promise.withResolvers<void>();
    const told = Promise.withResolvers<void>();
    const ends = [end(store.clock.now() + 5 * DAY_MS)];
    const log: RunLog = { debug: () => {}, info: () => {}, warn: () => told.resolve(), error: () => {} };
    const openInspector = ({ name }: { readonly name: string }): Inspector => ({
      ends: async () => {
        if (name === "contoso") await answer.promise;
        return ends;
      },
      permissions: async () => null,
      close: async () => undefined,
    });
    const look = lookOver({ store, openInspector }, log, new AbortController().signal);
    await told.promise;
    const zeta = await store.db.selectFrom("connections").select("id").where("name", "=", "zeta").executeTakeFirst();
    assert.equal((await knownEnds(store, zeta?.id ?? "")).length, 1);
    answer.resolve();
    await look;
  });

  it("tells each threshold once, also after a restart, and begins anew with a new credential", async () => {
    const { store, lines, apply, look } = await watch(await engine.open());
    const warned = (): readonly string[] => lines.filter((line) => /ends on .*, in/.test(line));
    let endsAt = store.clock.now() + 29.5 * DAY_MS;
    await look(end(endsAt));
    await look(end(endsAt));
    assert.equal(warned().length, 1);
    assert.match(lines[0] ?? "", /"connection":"contoso","days":29.*The client secret ends on .*, in 29 days\.$/);
    endsAt -= 20 * DAY_MS;
    await look(end(endsAt));
    assert.equal(warned().length, 2);
    endsAt += 400 * DAY_MS;
    await look(end(endsAt));
    assert.equal(warned().length, 2);
    const row = await store.db.selectFrom("connections").selectAll().executeTakeFirstOrThrow();
    const known = await knownEnds(store, row.id);
    assert.deepEqual(
      known.map((one) => one.endsAt),
      [endsAt],
    );
    assert.deepEqual(await store.db.selectFrom("credential_warnings").selectAll().execute(), []);
    await look(end(store.clock.now() + 3.5 * DAY_MS));
    await apply("syncs: {}\nconnections: {}", { prune: true });
    assert.deepEqual(await knownEnds(store, row.id), []);
    assert.deepEqual(await store.db.selectFrom("credential_warnings").selectAll().execute(), []);
  });

  it("writes one alert for each threshold, then for the end, then for the recovery", async () => {
    const { store, look, alerts } = await watch(await engine.open());
    const now = store.clock.now();
    const endsAt = now + 29.5 * DAY_MS;
    await look(end(endsAt));
    const [first, ...others] = await alerts();
    assert.deepEqual(others, []);
    const day = new Date(endsAt).toISOString();
    assert.deepEqual(first, {
      type: "credential.expiring",
      data: {
        connection: "contoso",
        credential: 1,
        kind: "secret",
        days: 29,
        endsAt: day,
        detail: `The client secret ends on ${day.slice(0, 10)}, in 29 days.`,
        fix: "Make its successor in Entra, give it here as a second credential, and remove the old one once the new one works.",
      },
    });
    await look(end(endsAt));
    assert.deepEqual(await alerts(), []);
    const ended = now - DAY_MS / 2;
    await look(end(ended));
    assert.deepEqual(
      (await alerts()).map(({ type, data }) => [type, data.days]),
      [["credential.expired", -1]],
    );
    const next = now + 364.5 * DAY_MS;
    await look(end(next));
    const [renewed, ...more] = await alerts();
    assert.deepEqual(more, []);
    assert.equal(renewed?.type, "credential.renewed");
    const { detail, ...facts } = renewed?.data ?? {};
    assert.deepEqual(facts, {
      connection: "contoso",
      credential: 1,
      kind: "secret",
      days: 364,
      endsAt: new Date(next).toISOString(),
      fix: "Nothing needs to be done.",
    });
    assert.match(String(detail), /^The client secret that was to end on .* has made room for one that ends on .*\.$/);
    await look(end(next));
    assert.deepEqual(await alerts(), []);
  });

  it("says nothing twice when credentials change places, or Microsoft does not tell their end for a while", async () => {
    const { store, look, alerts } = await watch(await engine.open());
    const [old, next] = [store.clock.now() + 5.5 * DAY_MS, store.clock.now() + 300 * DAY_MS];
    const types = async (): Promise<readonly string[]> => (await alerts()).map(({ type }) => type);
    await look(end(old));
    assert.deepEqual(await types(), ["credential.expiring"]);
    await look(end(null, { toldBy: null }));
    await look(end(old));
    await look(end(old), end(next, { at: 1 }));
    await look(end(next), end(old, { at: 1 }));
    assert.deepEqual(await types(), []);
    await look(end(next));
    assert.deepEqual(await types(), ["credential.renewed"]);
  });

  it("keeps the end that the registration told while it cannot be asked, and tells when that has come", async () => {
    const { store, look, alerts } = await watch(await engine.open());
    const unasked = { toldBy: null, unasked: true } as const;
    const row = await store.db.selectFrom("connections").selectAll().executeTakeFirstOrThrow();
    const known = async (): Promise<readonly (number | null)[]> =>
      (await knownEnds(store, row.id)).map(({ endsAt }) => endsAt);
    const endsAt = store.clock.now() + DAY_MS / 2;
    await look(end(endsAt));
    const [learnt] = await knownEnds(store, row.id);
    assert.deepEqual(
      (await alerts()).map(({ type }) => type),
      ["credential.expiring"],
    );
    await look(end(null, unasked));
    assert.deepEqual(await knownEnds(store, row.id), [learnt]);
    // The configuration's own guess does not push aside what the registration told.
    await look(end(endsAt + 90 * DAY_MS, { ...unasked, toldBy: "configuration" }));
    assert.deepEqual(await known(), [endsAt]);
    await store.transaction((tx) =>
      tx
        .updateTable("credential_ends")
        .set({ ends_at: endsAt - DAY_MS })
        .execute(),
    );
    await store.transaction((tx) => tx.deleteFrom("credential_warnings").execute());
    await look(end(null, unasked));
    assert.deepEqual(
      (await alerts()).map(({ type }) => type),
      ["credential.expired"],
    );
    // Another kind of credential stands there now: what was told does not concern it.
    await look(end(null, { ...unasked, kind: "certificate" }));
    assert.deepEqual(await known(), [null]);
    await look(end(endsAt));
    await look(end(null, { toldBy: null }));
    assert.deepEqual(await known(), [null], "asked, and nobody knows");
  });

  it("recovers quietly when a credential that ends is no longer needed", async () => {
    const { store, look, alerts } = await watch(await engine.open());
    await look(end(store.clock.now() + 5.5 * DAY_MS));
    await alerts();
    await look(end(null, { kind: "managed-identity", ends: false, toldBy: null }));
    const [renewed] = await alerts();
    assert.deepEqual([renewed?.type, renewed?.data.endsAt, renewed?.data.days], ["credential.renewed", null, null]);
    assert.match(String(renewed?.data.detail), /is not used any more\.$/);
  });

  it("tells of a successor that ends sooner by its own warning alone", async () => {
    const { store, look, alerts } = await watch(await engine.open());
    await look(end(store.clock.now() + 40.5 * DAY_MS));
    await look(end(store.clock.now() + 3.5 * DAY_MS));
    assert.deepEqual(
      (await alerts()).map(({ type, data }) => [type, data.days]),
      [
        ["credential.expiring", 40],
        ["credential.expiring", 3],
      ],
    );
  });

  it("lets one of several processes tell", async () => {
    const location = await engine.place();
    const one = await watch(await engine.open({ location }));
    const other = await watch(await engine.open({ location }), "{}");
    const endsAt = one.store.clock.now() + 5.5 * DAY_MS;
    await one.look(end(endsAt));
    await Promise.all([one.look(end(endsAt - DAY_MS * 5)), other.look(end(endsAt - DAY_MS * 5))]);
    assert.deepEqual(
      (await one.alerts()).map(({ data }) => data.days),
      [5, 0],
    );
  });

  it("keeps what several processes learn at the same time", async () => {
    const location = await engine.place();
    const one = await watch(await engine.open({ location }));
    const other = await watch(await engine.open({ location }), "{}");
    const { id } = await one.store.db.selectFrom("connections").select("id").executeTakeFirstOrThrow();
    const endsAt = one.store.clock.now() + 100 * DAY_MS;
    for (let round = 0; round < 30; round += 1) {
      await Promise.all([one, other].map(({ store }) => saveEnds(store, id, [end(endsAt + round)])));
    }
    assert.deepEqual(
      (await knownEnds(one.store, id)).map((known) => known.endsAt),
      [endsAt + 29],
    );
  });

  it("marks nothing as told whose alert could not be written", async () => {
    const { store, look, alerts, lines } = await watch(await engine.open());
    const endsAt = store.clock.now() + 5.5 * DAY_MS;
    await store.transaction((tx) => tx.schema.alterTable("alerts").renameTo("away").execute());
    await assert.rejects(look(end(endsAt)));
    await store.transaction((tx) => tx.schema.alterTable("away").renameTo("alerts").execute());
    await look(end(endsAt));
    assert.equal((await alerts()).length, 1);
    assert.ok(lines.length >= 1);
  });

  it("writes no alert while there is no channel, and still tells the log", async () => {
    const { store, look, alerts, lines } = await watch(await engine.open(), DOCUMENT);
    await look(end(store.clock.now() + 5.5 * DAY_MS));
    assert.equal(lines.length, 1);
    assert.deepEqual(await alerts(), []);
  });
});
