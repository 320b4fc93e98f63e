import assert from "node:assert/strict";
import { it } from "node:test";
import { ConnectorError } from "@entrain/core";
import { eachEngine } from "../store/testing.ts";
import { connectionUses, loadConfiguration, reconcileEveryMs } from "./current.ts";
import { DOCUMENT, install } from "./testing.ts";

const DAY_MS = 86_400_000;
const USES = "features: [sign-in-activity], accept: [{ permission: Mail.Send, note: welcome mails }]";

function withUses(uses: string): string {
  const lines = uses.split(", accept").map((part, at) => `    ${at === 0 ? part : `accept${part}`}`);
  return DOCUMENT.replace("    labels: [europe]\n", `    labels: [europe]\n${lines.join("\n")}\n`);
}

eachEngine((engine) => {
  it("what a connection is for, and what it may do beside, is kept and exported the same", async () => {
    const { apply, exported, store } = await install(await engine.open());
    await apply(withUses(USES));
    assert.deepEqual(await apply(await exported(), { prune: true }), []);
    const row = (await loadConfiguration(store)).rows.connections.get("contoso");
    assert.ok(row !== undefined);
    assert.deepEqual(connectionUses(row), {
      features: ["sign-in-activity"],
      accept: [{ permission: "Mail.Send", note: "welcome mails" }],
    });
    assert.equal((await apply(DOCUMENT)).length, 1);
  });

  it("how often everything is read again is kept and exported the same, and is a week unless it is said", async () => {
    const { apply, exported, store } = await install(await engine.open());
    await apply(DOCUMENT);
    const row = async () => (await loadConfiguration(store)).rows.connections.get("contoso") ?? { uses: "" };
    assert.equal(reconcileEveryMs(await row()), 7 * DAY_MS);
    assert.doesNotMatch(await exported(), /reconcile/);
    await apply(withUses("reconcile: { every: 3d }"));
    assert.equal(reconcileEveryMs(await row()), 3 * DAY_MS);
    assert.match(await exported(), /reconcile:\s+every: 3d|reconcile: \{ every: 3d \}/);
    assert.deepEqual(await apply(await exported(), { prune: true }), []);
  });

  it("an unknown feature, an acceptance without a note and a day that is none are refused by their places", async () => {
    const { apply } = await install(await engine.open());
    const refused = async (text: string, said: RegExp): Promise<void> => {
      await assert.rejects(apply(text), (error) => error instanceof ConnectorError && said.test(error.message));
    };
    await refused(withUses("features: [peeple]"), /features\[0\].*people/s);
    await refused(withUses("accept: [{ permission: Mail.Send }]"), /accept\[0\]\.note/);
    const dated = DOCUMENT.replace("secret: { env: CONTOSO_SECRET } }", "secret: { env: A }, expires: 2027-02-30 }");
    for (const every of ["12h", "31d", "0d", "7"]) {
      await refused(withUses(`reconcile: { every: ${every} }`), /reconcile\.every.*must be/s);
    }
    await refused(withUses("reconcile: { often: 7d }"), /reconcile.*often/s);
    await refused(dated, /expires.*must be a day such as 2027-01-31/s);
  });
});
