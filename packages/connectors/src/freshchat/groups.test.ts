import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { Attributes } from "@entrain/core";
import { agent } from "./testing/bench.ts";
import { benches, change, made, one, signal } from "./testing/steps.ts";

const bench = benches(afterEach);

interface World {
  readonly bed: Awaited<ReturnType<typeof bench>>;
  readonly id: string;
  readonly sales: string;
  readonly support: string;
  readonly legal: string;
}

/** An agent in the group Sales. */
async function inSales(): Promise<World> {
  const bed = await bench({ groups: ["Sales", "Support", "Legal"] });
  const [sales = "", support = "", legal = ""] = bed.account.groups.list().map(({ id }) => id);
  const set = { ...agent.attributes(1), group: sales };
  const id = await made(bed.target, change("agent", { action: "create", set }));
  return { bed, id, sales, support, legal };
}

test("the group that was given is changed and cleared wherever it stands, and the others are left alone", async () => {
  const { bed, id, sales, support, legal } = await inSales();
  const { agents } = bed.account;
  const after = async (groups: readonly string[], group: string | null, was: string | null): Promise<unknown> => {
    agents.update(id, { groups });
    await made(bed.target, change("agent", { recordId: id, set: { group }, was: { group: was } }));
    return agents.get(id)?.groups;
  };
  assert.deepEqual(await after([sales, legal], support, sales), [support, legal]);
  assert.deepEqual(await after([legal, sales], support, sales), [support, legal]);
  assert.deepEqual(await after([sales, legal], legal, sales), [legal], "others gave it already");
  assert.deepEqual(await after([legal], support, null), [support, legal], "none was given before");
  assert.deepEqual(await after([legal], support, sales), [support, legal], "somebody took the old one away");
  assert.deepEqual(await after([sales, legal], null, sales), [legal]);
  assert.deepEqual(await after([legal, sales], null, sales), [legal]);
  assert.deepEqual(await after([sales], null, sales), []);
});

test("a group that the agent is in already is not written again, in whichever place it stands", async () => {
  const { bed, id, sales, legal } = await inSales();
  bed.account.agents.update(id, { groups: [legal, sales] });
  const set: Attributes = { group: sales };
  for (const was of [{ group: null }, { group: sales }]) {
    assert.equal((await one(bed.target, change("agent", { recordId: id, set, was }))).status, "unchanged");
  }
  assert.deepEqual(bed.account.agents.get(id)?.groups, [legal, sales]);
});

test("a group that is cleared twice, as after a lost answer, takes others' groups from nobody", async () => {
  const { bed, id, sales, legal } = await inSales();
  const { account, target } = bed;
  account.agents.update(id, { groups: [sales, legal] });
  account.faults.set([{ method: "PUT", action: { type: "cut", at: "answer" } }]);
  const clearing = change("agent", { recordId: id, set: { group: null }, was: { group: sales } });
  assert.equal((await one(target, clearing)).status, "unknown");
  account.faults.set([]);
  assert.deepEqual(account.agents.get(id)?.groups, [legal], "the first attempt took effect");
  assert.equal((await one(target, clearing)).status, "unchanged");
  assert.deepEqual(account.agents.get(id)?.groups, [legal]);
});

test("where nobody knows which group was given, none is taken away", async () => {
  const { bed, id, sales, support, legal } = await inSales();
  bed.account.agents.update(id, { groups: [sales, legal] });
  const cleared = await one(bed.target, change("agent", { recordId: id, set: { group: null } }));
  assert.equal(cleared.status, "unchanged");
  assert.match(cleared.detail ?? "", /not known which of its groups/);
  await made(bed.target, change("agent", { recordId: id, set: { group: support } }));
  assert.deepEqual(bed.account.agents.get(id)?.groups, [support, sales, legal]);
  const [record] = await bed.target.get("agent", [id], { members: false }, signal);
  assert.equal(record?.attributes.group, support);
});
