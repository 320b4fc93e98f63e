import assert from "node:assert/strict";
import { it } from "node:test";
import { ConnectorError } from "@entrain/core";
import { eachEngine } from "../store/testing.ts";
import { install } from "./testing.ts";

const ID = "6f0c2f3e-1111-4222-8333-444455556666";

const document = (approval: string): string => `
connections:
  contoso: { cloud: global, tenant: ${ID}, client: ${ID}, credential: { kind: secret, secret: { env: S } } }
targets:
  portal: { type: portal }
syncs:
  people: { connection: contoso, target: portal, records: requester${approval} }
`;

eachEngine((engine) => {
  it("a second operator is asked for in the configuration, exported with it, and missed when that is taken away", async () => {
    const { apply, exported, store } = await install(await engine.open());
    await apply(document(", approval: second"));
    assert.match(await exported(), /\n {4}approval: second\n/);
    assert.deepEqual(await apply(await exported()), []);
    const [difference] = await apply(document(""));
    assert.deepEqual(difference?.fields, [{ place: "approval", before: "second", after: undefined }]);
    const entries = await store.db
      .selectFrom("journal")
      .innerJoin("journal_values as said", (join) =>
        join.onRef("said.stream", "=", "journal.stream").onRef("said.sequence", "=", "journal.sequence"),
      )
      .select(["said.before", "said.after"])
      .where("journal.type", "=", "configured")
      .where("journal.action", "=", "changed")
      .execute();
    const [last] = entries.slice(-1);
    assert.equal(JSON.parse(last?.before ?? "{}").approval, "second");
    assert.equal(JSON.parse(last?.after ?? "{}").approval, undefined);
  });

  it("anything else is refused with what there is", async () => {
    const { apply } = await install(await engine.open());
    await assert.rejects(apply(document(", approval: two")), (error: unknown) => {
      assert.ok(error instanceof ConnectorError);
      assert.match(error.message, /syncs\.people\.approval: must be one of second, not "two"/);
      return true;
    });
  });
});
