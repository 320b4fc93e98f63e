import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { DEFAULTS, type SyncDefinition } from "@entrain/core";
import { targetContent } from "../testing/content.ts";
import { heldChanges, plannedIn } from "../testing/observe.ts";
import { openScene, type Scene, type SceneTarget } from "../testing/scene.ts";
import { group, idOf, person } from "../testing/tenant.ts";
import { testClock } from "../testing/time.ts";

let scene: Scene;
afterEach(async () => await scene.close());

const PEOPLE = 600;
const people = Array.from({ length: PEOPLE }, (_, at) => {
  const name = `Person ${String(at).padStart(3, "0")}`;
  return person(name, { jobTitle: `Title ${at}`, department: `Department ${at % 7}` });
});
const GUARD = {
  removals: { percent: 50, count: 100_000, windowMs: 86_400_000 },
  members: { percent: 50, count: 100_000, windowMs: 86_400_000 },
};
const KINDS: { readonly [target in Exclude<SceneTarget, "freshchat">]: readonly [string, string] } = {
  portal: ["requester", "group"],
  scim: ["user", "group"],
  csv: ["user", "group"],
};

const idAt = (at: number): string => people[at]?.id ?? "";

/** 250 renames, 120 leavers of two sorts, 250 joiners, 60 who come back, 100 moved managers, and 260 memberships. */
async function upheaval(team: string): Promise<void> {
  const batch: { method: string; url: string; body?: unknown }[] = [];
  const patch = (at: number, body: object): unknown => batch.push({ method: "PATCH", url: `/users/${idAt(at)}`, body });
  for (let at = 0; at < 250; at += 1) patch(at, { jobTitle: at % 3 === 0 ? null : `New ${at}`, department: "Moved" });
  for (let at = 250; at < 310; at += 1) patch(at, { accountEnabled: false });
  for (let at = 310; at < 370; at += 1) batch.push({ method: "DELETE", url: `/users/${idAt(at)}` });
  for (let at = 540; at < 600; at += 1) patch(at, { accountEnabled: true });
  for (let at = 370; at < 470; at += 1) {
    const body = { "@odata.id": `https://graph.microsoft.com/v1.0/users/${idAt(0)}` };
    batch.push({ method: "PUT", url: `/users/${idAt(at)}/manager/$ref`, body });
  }
  for (let at = 0; at < 250; at += 1) {
    const { id: _, ...joiner } = person(`Joiner ${at}`);
    batch.push({ method: "POST", url: "/users", body: { ...joiner, passwordProfile: { password: "Not-a-secret-1" } } });
  }
  for (let at = 0; at < 90; at += 1) batch.push({ method: "DELETE", url: `/groups/${team}/members/${idAt(at)}/$ref` });
  for (let at = 370; at < 540; at += 1) {
    const body = { "@odata.id": `https://graph.microsoft.com/v1.0/directoryObjects/${idAt(at)}` };
    batch.push({ method: "POST", url: `/groups/${team}/members/$ref`, body });
  }
  for (let at = 0; at < batch.length; at += 20) {
    const requests = batch.slice(at, at + 20).map((one, id) => ({
      ...one,
      id: String(id),
      ...(one.body === undefined ? {} : { headers: { "content-type": "application/json" } }),
    }));
    const answer = (await scene.graph("POST", "/$batch", { requests })) as {
      readonly responses: readonly { readonly status: number; readonly body?: unknown }[];
    };
    for (const { status, body } of answer.responses) assert.ok(status < 300, JSON.stringify(body));
  }
}

for (const target of ["portal", "scim", "csv"] as const) {
  test(`a run of a thousand mixed changes in the ${target} goes back in every field, and stays back`, async () => {
    const team = group("Team");
    const members = people.slice(0, 200).map(({ id }) => id);
    const users = people.map((one, at) => (at < 540 ? one : { ...one, accountEnabled: false }));
    scene = await openScene({
      clock: testClock(),
      simulator: { tenant: { users: people, groups: [team], memberships: { [team.id]: members } } },
    });
    const deprovision: SyncDefinition["deprovision"] = { ...DEFAULTS.deprovision, softDeleted: "delete" };
    const [records, groups] = KINDS[target];
    const sync = await scene.addSync("people", target, { records, deprovision, guard: GUARD });
    const teams = await scene.addSync("groups", target, { records: groups, guard: GUARD });
    await scene.run(sync);
    // Sixty of them are disabled before, so that they can come back.
    for (const { id, accountEnabled } of users) {
      if (accountEnabled === false) await scene.graph("PATCH", `/users/${id}`, { accountEnabled: false });
    }
    for (const one of [sync, teams]) assert.equal((await scene.run(one)).result, "succeeded");
    const before = await targetContent(scene, target);

    await upheaval(team.id);
    const run = await scene.run(sync);
    assert.equal(run.result, "succeeded", JSON.stringify(run));
    const { create, update, enable, disable } = run.counts;
    assert.deepEqual([create, update, enable, disable, run.counts.delete], [250, 350, 60, 60, 60]);
    const moved = await scene.run(teams);
    assert.ok(moved.counts.members >= 260, JSON.stringify(moved.counts));
    const changed = create + update + enable + disable + run.counts.delete + moved.counts.members;
    assert.ok(changed >= 1000, String(changed));

    // In reverse order, as they were done: a group has no member whose record is not back.
    for (const [one, of] of [
      [sync, run.run],
      [teams, moved.run],
    ] as const) {
      const planned = await scene.undo(one, of);
      assert.equal(planned.result, "held", JSON.stringify(planned));
      const back = await scene.approve(one, planned.held?.digest ?? "");
      assert.deepEqual([back.result, back.failed], ["succeeded", 0], JSON.stringify(back.error));
    }
    assert.deepEqual(await targetContent(scene, target), before);
    for (const one of [sync, teams, sync]) {
      const next = await scene.run(one);
      assert.deepEqual([next.result, await plannedIn(scene.store, next.run)], ["succeeded", []]);
    }
    assert.deepEqual(await targetContent(scene, target), before);
  });
}

test("what somebody changed in the target since stays as they made it, and is told", async () => {
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users: people.slice(0, 3), groups: [] } } });
  const sync = await scene.addSync("people", "scim", { records: "user" });
  await scene.run(sync);
  for (const at of [0, 1]) await scene.graph("PATCH", `/users/${idAt(at)}`, { jobTitle: "New", department: "Moved" });
  const run = await scene.run(sync);
  const user = [...scene.scim.store.users.values()].find(({ externalId }) => externalId === idAt(0));
  scene.scim.store.putUser(String(user?.id), { ...user, title: "By hand" } as never);
  const planned = await scene.undo(sync, run.run);
  const changes = await heldChanges(scene.store, planned.held?.digest ?? "");
  assert.deepEqual(
    changes.map(({ objectId, after }) => [objectId, after?.title]),
    [idAt(0), idAt(1)].sort().map((id) => [id, id === idAt(0) ? "New" : "Title 1"]),
  );
  const left = await scene.store.db
    .selectFrom("plan_issues")
    .select(["object_id", "detail"])
    .where("state", "=", "left")
    .execute();
  assert.deepEqual(left, [
    { object_id: idOf("Person 000"), detail: "title was changed in the target since, so it stays" },
  ]);
});

test("runs that changed hundreds of Freshchat's agents and contacts go back, though it deletes when it likes", async () => {
  const users = people.slice(0, 300);
  const clock = testClock();
  // A deletion is accepted at once, and seen half a minute later.
  const settled = async () => {
    clock.advance(60_000);
    return await targetContent(scene, "freshchat");
  };
  scene = await openScene({
    clock,
    simulator: { tenant: { users, groups: [] } },
    freshchat: { seed: 5, agents: 0, contacts: 0 },
  });
  const mapping: SyncDefinition["mapping"] = {
    email: { direct: "mail" },
    first_name: { direct: "displayName" },
    biography: { direct: "jobTitle" },
  };
  const deprovision: SyncDefinition["deprovision"] = { ...DEFAULTS.deprovision, softDeleted: "delete" };
  const guard = { ...GUARD, updates: GUARD.removals, creations: GUARD.removals };
  const agents = await scene.addSync("agents", "freshchat", {
    records: "agent",
    mapping,
    matching: ["email"],
    deprovision,
    guard,
  });
  const contacts = await scene.addSync("contacts", "freshchat", {
    records: "contact",
    mapping: {
      reference_id: { direct: "id" },
      first_name: { direct: "displayName" },
      last_name: { direct: "jobTitle" },
    },
    matching: ["reference_id"],
    deprovision,
    guard,
  });
  for (const sync of [agents, contacts]) assert.equal((await scene.run(sync)).result, "succeeded");
  for (let at = 280; at < 300; at += 1) await scene.graph("PATCH", `/users/${idAt(at)}`, { accountEnabled: false });
  for (const sync of [agents, contacts]) assert.equal((await scene.run(sync)).result, "succeeded");
  const before = await settled();

  for (let at = 0; at < 120; at += 1) await scene.graph("PATCH", `/users/${idAt(at)}`, { jobTitle: `New ${at}` });
  for (let at = 120; at < 150; at += 1) await scene.graph("PATCH", `/users/${idAt(at)}`, { accountEnabled: false });
  for (let at = 150; at < 180; at += 1) await scene.graph("DELETE", `/users/${idAt(at)}`);
  for (let at = 280; at < 300; at += 1) await scene.graph("PATCH", `/users/${idAt(at)}`, { accountEnabled: true });
  for (let at = 0; at < 60; at += 1) {
    const { id: _, ...joiner } = person(`Joiner ${at}`, { jobTitle: "Joiner" });
    await scene.graph("POST", "/users", { ...joiner, passwordProfile: { password: "Not-a-secret-1" } });
  }
  const runs: (readonly [string, string])[] = [];
  for (const sync of [agents, contacts]) {
    const run = await scene.run(sync);
    assert.equal(run.result, "succeeded", JSON.stringify(run));
    runs.push([sync, run.run]);
  }
  assert.notDeepEqual(await settled(), before);
  for (const [sync, run] of runs) {
    const planned = await scene.undo(sync, run);
    assert.equal(planned.result, "held", JSON.stringify(planned));
    const back = await scene.approve(sync, planned.held?.digest ?? "");
    assert.deepEqual([back.result, back.failed], ["succeeded", 0], JSON.stringify(back.error));
  }
  assert.deepEqual(await settled(), before);
  for (const [sync] of runs) {
    const next = await scene.run(sync);
    assert.deepEqual([next.result, await plannedIn(scene.store, next.run)], ["succeeded", []]);
  }
});
