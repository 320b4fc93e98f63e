import assert from "node:assert/strict";
import { test } from "node:test";
import { plannedIn, scimWrites } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, group, reference } from "./testing/tenant.ts";
import { MINUTE, testClock } from "./testing/time.ts";

/** Fixed schedules, so that a red run means a change of the code; `ENTRAIN_SEED` runs any other one. */
const SEEDS = process.env.ENTRAIN_SEED === undefined ? [3, 5, 8] : [Number(process.env.ENTRAIN_SEED)];
const ROUNDS = 10;

/** A small generator of the test's own (mulberry32), so that a seed means the same on every machine. */
function chance(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

const users = crowd(24, (at) => ({ department: at % 2 === 0 ? "Sales" : "Legal", employeeId: `E${at}` }));
const ids = users.map(({ id }) => id);
const groups = ["In", "In Below", "Out", "Out Below"].map((name) => group(name));
const [within, below, out, outBelow] = groups.map(({ id }) => id) as [string, string, string, string];

/** Everything by which one record depends on others: nested groups, excluded ones, managers, what a manager has. */
const DEPENDING = {
  records: "user",
  scope: {
    groups: { include: ["In"], exclude: ["Out"], transitive: true },
    filters: [
      [{ attribute: "manager.department", operator: "EQUALS", value: "Sales" }],
      [{ attribute: "manager", operator: "EQUALS", value: "person.0003@contoso.com" }],
      [{ attribute: "department", operator: "EQUALS", value: "Sales" }],
    ],
  },
  mapping: {
    userName: { direct: "userPrincipalName" },
    externalId: { direct: "objectId" },
    displayName: { expression: 'Join(" / ", [displayName], [manager.displayName])' },
    nickName: { direct: "manager.employeeId", sensitive: true },
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager": { direct: "manager" },
  },
} as const;

/** One change at the source; what Graph refuses, as a membership that there is already, changes nothing. */
async function change(scene: Scene, pick: (limit: number) => number): Promise<void> {
  const [one, other] = [ids[pick(ids.length)] ?? "", ids[pick(ids.length)] ?? ""];
  const [of, nested] = [groups[pick(4)]?.id ?? "", groups[pick(4)]?.id ?? ""];
  const writes: readonly (readonly [method: string, path: string, body?: unknown])[] = [
    ["PATCH", `/users/${one}`, { department: ["Sales", "Legal"][pick(2)] }],
    ["PATCH", `/users/${one}`, { displayName: `Name ${pick(1000)}`, employeeId: `E${pick(1000)}` }],
    ["PATCH", `/users/${one}`, { accountEnabled: pick(4) > 0 }],
    ["PUT", `/users/${one}/manager/$ref`, reference(other)],
    ["DELETE", `/users/${one}/manager/$ref`],
    ["POST", `/groups/${of}/members/$ref`, reference(one)],
    ["DELETE", `/groups/${of}/members/${one}/$ref`],
    ["POST", `/groups/${of}/members/$ref`, reference(nested)],
    ["DELETE", `/groups/${of}/members/${nested}/$ref`],
  ];
  const [method, path, body] = writes[pick(writes.length)] ?? ["GET", "/users"];
  await scene.graph(method, path, body).catch(() => undefined);
}

for (const seed of SEEDS) {
  test(`what changes one record after another is planned as if all were planned anew (seed ${seed})`, async () => {
    const pick = chance(seed);
    const managers = Object.fromEntries(ids.filter(() => pick(3) > 0).map((id) => [id, ids[pick(24)] ?? id]));
    const memberships = { [within]: [...ids.slice(0, 12), below], [below]: ids.slice(10, 18), [out]: [outBelow] };
    const clock = testClock();
    const scene = await openScene({ clock, simulator: { tenant: { users, groups, managers, memberships } } });
    try {
      const sync = await scene.addSync("people", "scim", DEPENDING);
      const other = await scene.addSync("other", "portal", { records: "requester" });
      await scene.run(sync);
      const begun = scene.scim.requests.length;
      for (let round = 0; round < ROUNDS; round += 1) {
        for (let left = pick(4); left >= 0; left -= 1) await change(scene, pick);
        if (pick(2) === 0) {
          // A preview is applied after the source went on and another sync has read it.
          const { plan } = await scene.plan(sync);
          for (let left = pick(3); left >= 0; left -= 1) await change(scene, pick);
          if (pick(2) === 0) await scene.run(other);
          await scene.apply(sync, plan.digest ?? "");
        }
        clock.advance(180 * MINUTE);
        const run = await scene.run(sync);
        if (run.held !== null) await scene.approve(sync, run.held.digest);
        assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), [], `round ${round} comes to rest`);
        await scene.redefine(sync, {});
        const anew = await scene.run(sync);
        assert.deepEqual([anew.result, await plannedIn(scene.store, anew.run)], ["succeeded", []], `round ${round}`);
      }
      assert.ok(scimWrites(scene.scim, begun).length > 0, "the schedule did something");
    } finally {
      await scene.close();
    }
  });
}
