import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { Scope } from "@entrain/core";
import { openScene, type Scene } from "./testing/scene.ts";
import { testClock } from "./testing/time.ts";

let scene: Scene;
afterEach(() => scene.close());

/** What a plan asks of Graph, without the sign-in. */
async function asked(plan: () => Promise<unknown>): Promise<readonly string[]> {
  scene.simulator.requests.clear();
  await plan();
  return scene.simulator.requests.list("/v1.0/").map(({ method, path }) => `${method} ${path.split("?")[0]}`);
}

const DELTAS = ["GET /v1.0/groups/delta", "GET /v1.0/users/delta"];

test("a changed scope is planned from the directory: Graph is asked for what changed, and for nothing else", async () => {
  scene = await openScene({ clock: testClock(), simulator: { people: 300, groups: 25, seed: 7 } });
  const named = { groups: { include: ["All Guests"], transitive: true } };
  const sync = await scene.addSync("people", "scim", { records: "user", scope: named });
  const first = await asked(() => scene.plan(sync));
  assert.ok(first.length > 25, "the first plan reads everything");
  const [other] = await scene.store.db
    .selectFrom("records")
    .select("id")
    .where("kind", "=", "group")
    .orderBy("id")
    .execute();
  const scopes: readonly Scope[] = [
    named,
    { groups: { include: [other?.id ?? ""], exclude: ["All Guests"], transitive: true } },
    {
      groups: { exclude: ["All Guests"], transitive: false },
      filters: [
        [{ attribute: "department", operator: "NOT EQUALS", value: "Sales" }],
        [{ attribute: "manager.department", operator: "IS NOT NULL" }],
        [{ attribute: "proxyAddresses", operator: "REGEX MATCH", value: "^SMTP:[a-m]" }],
        [{ attribute: "employeeHireDate", operator: "Greater_Than", value: "2020-01-01" }],
      ],
      guests: "exclude",
      disabled: "exclude",
      peopleOnly: true,
      people: { include: ["nobody@contoso.com"] },
    },
  ];
  const counts: number[] = [];
  for (const scope of scopes) {
    await scene.redefine(sync, { scope });
    const requests = await asked(async () => counts.push((await scene.plan(sync)).changes));
    assert.deepEqual([...new Set(requests)].sort(), DELTAS);
    assert.equal(requests.length, DELTAS.length);
  }
  assert.equal(new Set(counts).size, scopes.length, `each scope plans others: ${counts}`);
  assert.ok((counts[2] ?? 0) > 100, `${counts}`);
});

test("a scope without groups reads none, and one that begins to ask for them reads them once", async () => {
  scene = await openScene({ clock: testClock(), simulator: { people: 60, groups: 25, seed: 7 } });
  const sync = await scene.addSync("people", "scim", { records: "user", scope: { guests: "exclude" } });
  const first = await asked(() => scene.plan(sync));
  assert.equal(first.filter((request) => request.includes("/groups")).length, 0);
  await scene.redefine(sync, { scope: { groups: { exclude: ["All Guests"], transitive: true } } });
  const reading = await asked(() => scene.plan(sync));
  assert.ok(reading.filter((request) => request.endsWith("/members")).length > 0);
  assert.deepEqual((await asked(() => scene.plan(sync))).toSorted(), DELTAS);
});
