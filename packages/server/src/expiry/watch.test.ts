import assert from "node:assert/strict";
import { it } from "node:test";
import type { CredentialEnd, Inspector } from "@entrain/connectors/entra";
import { DOCUMENT, install } from "../config/testing.ts";
import { knownEnds } from "../store/credential-ends.ts";
import { eachEngine } from "../store/testing.ts";
import { expiryWarnings } from "./warnings.ts";
import { lookOver } from "./watch.ts";

const DAY_MS = 86_400_000;

function end(endsAt: number | null, more: Partial<CredentialEnd> = {}): CredentialEnd {
  return { at: 0, kind: "secret", endsAt, toldBy: "registration", ends: true, ...more };
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
  it("tells each threshold once, also after a restart, and begins anew with a new credential", async () => {
    const { store, apply } = await install(await engine.open());
    await apply(DOCUMENT);
    const told: string[] = [];
    const ignore = (): void => undefined;
    const log = {
      debug: ignore,
      info: ignore,
      error: (facts: object) => assert.fail(JSON.stringify(facts)),
      warn: (facts: object, message: string) => void told.push(`${JSON.stringify(facts)} ${message}`),
    };
    let endsAt = store.clock.now() + 29.5 * DAY_MS;
    const inspector = { ends: async () => [end(endsAt)], permissions: async () => null, close: async () => undefined };
    const installation = { store, openInspector: (): Inspector => inspector };
    const signal = new AbortController().signal;
    await lookOver(installation, log, signal);
    await lookOver(installation, log, signal);
    assert.equal(told.length, 1);
    assert.match(told[0] ?? "", /"connection":"contoso","days":29.*The client secret ends on .*, in 29 days\.$/);
    endsAt -= 20 * DAY_MS;
    await lookOver(installation, log, signal);
    assert.equal(told.length, 2);
    endsAt += 400 * DAY_MS;
    await lookOver(installation, log, signal);
    assert.equal(told.length, 2);
    const row = await store.db.selectFrom("connections").selectAll().executeTakeFirstOrThrow();
    assert.deepEqual(
      (await knownEnds(store, row.id)).map(({ endsAt: known, warned }) => [known, warned]),
      [[Math.round(endsAt), null]],
    );
    await apply("syncs: {}\nconnections: {}", { prune: true });
    assert.deepEqual(await knownEnds(store, row.id), []);
  });
});
