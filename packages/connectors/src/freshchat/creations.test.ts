import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { FreshchatAgent } from "@entrain/simulator";
import type { Bench } from "./testing/bench.ts";
import { benches, byEmail, creation, made, one, signal } from "./testing/steps.ts";

const bench = benches(afterEach);

test("every look for an agent sees what came since the last one: a creation may take effect after a look", async () => {
  const bed = await bench();
  assert.deepEqual(await byEmail(bed.target, "agent"), []);
  const { id } = bed.account.agents.create({ email: "Ada.1@Example.org" });
  assert.deepEqual(await byEmail(bed.target, "agent"), [id]);
  assert.equal((await one(bed.target, creation("agent"))).status, "refused");
});

test("while a creation that nobody heard of may take effect, each creation looks anew", async () => {
  const action = { type: "cut", at: "headers" } as const;
  const bed = await bench({ faults: [{ method: "POST", times: 1, action }] });
  assert.equal((await one(bed.target, creation("agent", 1))).status, "unknown");
  await made(bed.target, creation("agent", 2));
  bed.account.agents.create({ email: "Ada.3@Example.org" });
  assert.equal((await one(bed.target, creation("agent", 3))).status, "refused");
});

const LOST = { method: "POST", path: "/agents", times: 1, action: { type: "cut", at: "answer" } } as const;
const UNSENT = { ...LOST, action: { type: "cut", at: "headers" } } as const;

/** The only agent that is there. */
function onlyAgent({ account }: Bench): string {
  const [found, ...more] = account.agents.list();
  assert.equal(more.length, 0);
  return found?.id ?? assert.fail("an agent is there");
}

test("an agent that came into being while its creation was under way, with what was sent, is told to be made by it", async () => {
  const bed = await bench({ faults: [LOST] });
  const asked = creation("agent");
  assert.equal((await one(bed.target, asked)).status, "unknown");
  bed.account.advance(10_000);
  const id = onlyAgent(bed);
  assert.equal(await bed.target.wasMade?.(asked, id, signal), true);
  // Neither what nobody sent, nor what another target sent, is known to have made anything.
  assert.equal(await bed.target.wasMade?.({ ...asked, ordinal: 1 }, id, signal), false);
  assert.equal(await bed.target.wasMade?.({ ...asked, set: { ...asked.set, first_name: "Bo" } }, id, signal), false);
  assert.equal(await bed.again().wasMade?.(asked, id, signal), false);
  assert.equal(await bed.target.wasMade?.(asked, "nobody", signal), false);
});

for (const [what, spoil] of Object.entries({
  "with another value": () => ({ first_name: "Bo" }),
  "later than it can have been": () => ({ created_time: new Date(Date.UTC(2026, 0, 5, 8) + 5_002).toISOString() }),
  "long before it was sent": () => ({ created_time: new Date(Date.UTC(2026, 0, 5, 8) - 5_001).toISOString() }),
  "nobody says when": () => ({ created_time: "" }),
  deactivated: () => ({ is_deactivated: true }),
} satisfies { [what: string]: () => Partial<FreshchatAgent> })) {
  test(`an agent that somebody made (${what}) is nobody's creation, although the address is the one that was sent`, async () => {
    const bed = await bench({ faults: [UNSENT] });
    const asked = creation("agent");
    assert.equal((await one(bed.target, asked)).status, "unknown");
    const { id } = bed.account.agents.create({ ...(asked.set as Partial<FreshchatAgent>), ...spoil() });
    assert.equal(await bed.target.wasMade?.(asked, id, signal), false);
  });
}

test("the look before a creation of an agent reads the list anew after a while, and not every time", async () => {
  const bed = await bench();
  const reads = (): number => bed.account.requests.list("/agents?").length;
  for (let n = 1; n <= 10; n += 1) await made(bed.target, creation("agent", n));
  const before = reads();
  assert.ok(before <= 2);
  bed.account.agents.create({ email: "Ada.11@Example.org" });
  bed.account.advance(20_001);
  assert.equal((await one(bed.target, creation("agent", 11))).status, "refused");
  assert.ok(reads() > before);
});
