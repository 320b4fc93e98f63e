import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { loadConfiguration } from "../config/current.ts";
import { differencesOf } from "../config/difference.ts";
import { readDocument } from "../config/read.ts";
import { removeEntry } from "../config/remove.ts";
import { DOCUMENT, install, TYPES } from "../config/testing.ts";
import { openStore } from "../store/open.ts";
import { readAnew } from "./read-anew.ts";
import {
  heldChanges,
  inShort,
  plannedIn,
  portalContent,
  scimContent,
  scimUser,
  scimWrites,
} from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, group, person } from "./testing/tenant.ts";
import { DAY, type TestClock, testClock } from "./testing/time.ts";
import { tracePerson } from "./trace-person.ts";
import { undoRun } from "./undo/undo.ts";

// What befell users of other connectors, told in their own issue trackers, replayed here: nothing is destroyed by it.

let scene: Scene | null = null;
let clock: TestClock;
afterEach(async () => {
  await scene?.close();
  scene = null;
});

type Tenant = NonNullable<NonNullable<Parameters<typeof openScene>[0]>["simulator"]>["tenant"];

async function open(tenant: Exclude<Tenant, undefined>): Promise<Scene> {
  clock = testClock();
  scene = await openScene({ clock, simulator: { tenant } });
  return scene;
}

const by = { actor: { kind: "operator", id: "olga" } as const, signal: new AbortController().signal };
const said = (people: readonly { readonly displayName: string }[], action = "disable"): readonly string[] =>
  people.map(({ displayName }) => `${action} ${displayName}`).sort();

/** Twenty requests at a time, as Graph takes them. */
async function batched(at: Scene, requests: readonly { method: string; url: string; body?: unknown }[]): Promise<void> {
  for (let from = 0; from < requests.length; from += 20) {
    const part = requests.slice(from, from + 20).map((one, id) => {
      return { ...one, id: String(id), headers: { "content-type": "application/json" } };
    });
    const answer = (await at.graph("POST", "/$batch", { requests: part })) as {
      readonly responses: readonly { readonly status: number }[];
    };
    for (const { status } of answer.responses) assert.ok(status < 300, String(status));
  }
}

test("1: a read that breaks off half way suspends nobody, and the true leavers go once it is read to its end", async () => {
  const users = crowd(60);
  const at = await open({ users, groups: [] });
  const sync = await at.addSync("people", "scim", { records: "user" });
  await at.run(sync);
  for (const { id } of users.slice(0, 3)) await at.graph("DELETE", `/users/${id}`);
  const before = scimContent(at.scim);
  // The full round that follows is cut, refused, or answered by a page of something else, behind its beginning.
  for (const action of [
    { type: "status", status: 403 },
    { type: "truncate" },
    { type: "html" },
    { type: "no-value" },
  ] as const) {
    at.simulator.expireDeltaTokens();
    at.simulator.faults.set([{ action, path: "/users" }]);
    const run = await at.run(sync);
    assert.deepEqual([run.result, run.counts.disable, run.held], ["failed", 0, null], action.type);
    assert.equal(scimContent(at.scim), before);
  }
  at.simulator.faults.clear();
  const run = await at.run(sync);
  assert.deepEqual([run.result, inShort(await plannedIn(at.store, run.run))], ["succeeded", said(users.slice(0, 3))]);
});

test("2: twelve hundred people who are suspended overnight wait for approval, by name", async () => {
  const users = crowd(1_500);
  const at = await open({ users, groups: [] });
  const sync = await at.addSync("people", "portal", { records: "requester" });
  await at.run(sync);
  const before = await portalContent(at.store);
  const gone = users.slice(0, 1_200);
  await batched(
    at,
    gone.map(({ id }) => ({ method: "PATCH", url: `/users/${id}`, body: { accountEnabled: false } })),
  );
  const run = await at.run(sync);
  assert.deepEqual([run.result, run.counts.disable, run.held?.count], ["held", 0, 1_200]);
  assert.equal(await portalContent(at.store), before);
  assert.deepEqual(inShort(await heldChanges(at.store, run.held?.digest ?? "")), said(gone));
});

test("3: members of nested groups stay in, day after day, and it is told why somebody left", async () => {
  const users = crowd(40);
  const [all, team, squad] = [group("All"), group("Team"), group("Squad")];
  const [direct, nested, deep] = [users.slice(0, 5), users.slice(5, 25), users.slice(25)];
  const memberships = {
    [all.id]: [team.id, ...direct.map(({ id }) => id)],
    [team.id]: [squad.id, ...nested.map(({ id }) => id)],
    [squad.id]: deep.map(({ id }) => id),
  };
  const at = await open({ users, groups: [all, team, squad], memberships });
  const scope = { groups: { include: ["All"], transitive: true } };
  const sync = await at.addSync("people", "scim", { records: "user", scope });
  assert.equal((await at.run(sync)).counts.create, 40);
  for (let day = 0; day < 5; day += 1) {
    clock.advance(DAY);
    if (day % 2 === 1) at.simulator.expireDeltaTokens();
    const run = await at.run(sync);
    assert.deepEqual([run.result, await plannedIn(at.store, run.run)], ["succeeded", []]);
  }
  const leaver = deep[0] ?? person("Nobody");
  await at.graph("DELETE", `/groups/${squad.id}/members/${leaver.id}/$ref`);
  const run = await at.run(sync);
  const [change, ...others] = await plannedIn(at.store, run.run);
  assert.deepEqual([change?.action, change?.name, others], ["disable", leaver.displayName, []]);
  assert.match(change?.reason ?? "", /left scope: .*All/i);
  const [trace] = await tracePerson(at.engine, { person: leaver.id, sync: null, signal: by.signal });
  const [told] = trace?.syncs ?? [];
  assert.equal(told !== undefined && "scope" in told && told.scope?.in, false);
});

test("4: a change of the scope that suspended everybody is undone by one plan, and the next run does not do it again", async () => {
  const users = crowd(40);
  const at = await open({ users, groups: [] });
  const sync = await at.addSync("people", "scim", { records: "user" });
  await at.run(sync);
  const filters = [[{ attribute: "department", operator: "EQUALS", value: "Nowhere" }]] as const;
  await at.redefine(sync, { scope: { filters } });
  const { held } = await at.run(sync);
  assert.equal(held?.count, 40, "it waits, and somebody approves it all the same");
  const done = await at.approve(sync, held?.digest ?? "");
  const active = (): number => [...at.scim.store.users.values()].filter((user) => user.active === true).length;
  assert.deepEqual([done.counts.disable, active()], [40, 0]);
  const undo = await undoRun(at.engine, { ...by, sync, onProgress: () => undefined, of: done.run, chosen: {} });
  await at.approve(sync, undo.held?.digest ?? "");
  assert.equal(active(), 40);
  const next = await at.run(sync);
  assert.deepEqual([next.counts.disable, next.held, active()], [0, null, 40]);
});

test("5: an empty answer removes nobody, and a sharply shrunken one waits for approval", async () => {
  const users = crowd(60);
  const at = await open({ users, groups: [] });
  const sync = await at.addSync("people", "scim", { records: "user" });
  await at.run(sync);
  const before = scimContent(at.scim);
  for (const type of ["ends-empty", "no-value"] as const) {
    at.simulator.expireDeltaTokens();
    at.simulator.faults.set([{ action: { type }, path: "/users" }]);
    const run = await at.run(sync);
    assert.deepEqual([run.result, run.held, scimContent(at.scim) === before], ["failed", null, true], type);
  }
  at.simulator.faults.clear();
  for (const { id } of users.slice(0, 30)) await at.graph("DELETE", `/users/${id}`);
  at.simulator.expireDeltaTokens();
  const run = await at.run(sync);
  assert.deepEqual([run.result, run.held?.count, scimContent(at.scim) === before], ["held", 30, true]);
});

test("6: an approval lets one plan go, once, and the guard stands for the next one as it stood before", async () => {
  const users = crowd(60);
  const at = await open({ users, groups: [] });
  const sync = await at.addSync("people", "scim", { records: "user" });
  await at.run(sync);
  for (const { id } of users.slice(0, 10)) await at.graph("DELETE", `/users/${id}`);
  const first = (await at.run(sync)).held?.digest ?? "";
  assert.equal((await at.approve(sync, first)).counts.disable, 10);
  for (const { id } of users.slice(10, 20)) await at.graph("DELETE", `/users/${id}`);
  const second = await at.run(sync);
  assert.deepEqual([second.result, second.counts.disable, second.held?.count], ["held", 0, 10]);
  await assert.rejects(at.approve(sync, first), { code: "plan_applied" });
  assert.equal((await at.run(sync)).counts.disable, 0);
});

test("7: what is beyond the guard is not applied in part: all of it waits, named, to be approved or rejected", async () => {
  const users = crowd(60);
  const at = await open({ users, groups: [] });
  const sync = await at.addSync("people", "scim", { records: "user" });
  await at.run(sync);
  for (const { id } of users.slice(0, 10)) await at.graph("DELETE", `/users/${id}`);
  const before = at.scim.requests.length;
  for (let runs = 0; runs < 3; runs += 1) {
    clock.advance(DAY / 24);
    await at.run(sync);
  }
  assert.deepEqual(scimWrites(at.scim, before), [], "not even as many as the guard would have let go");
  const { held } = await at.run(sync);
  const digest = held?.digest ?? "";
  assert.deepEqual(inShort(await heldChanges(at.store, digest)), said(users.slice(0, 10)));
  const told = await at.store.db.selectFrom("alerts").select("type").where("type", "=", "plan.held").execute();
  assert.ok(told.length <= 1, "a plan that waits is told once, and not with every run");
  await at.reject(sync, digest);
  assert.deepEqual(scimWrites(at.scim, before), []);
});

test("8: the guards are configuration: exported, compared and imported with everything else", async (context) => {
  const { mkdtempSync, rmSync } = await import("node:fs");
  const { tmpdir } = await import("node:os");
  const { join } = await import("node:path");
  const folder = mkdtempSync(join(tmpdir(), "entrain-accidents-"));
  const location = { kind: "sqlite", folder: join(folder, "data") } as const;
  const store = await openStore({ location, clock: testClock(), stamp: "real", create: true });
  context.after(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const { apply, exported } = await install(store);
  await apply(DOCUMENT);
  const text = await exported();
  for (const counter of ["removals", "members", "creations", "updates", "matching"]) {
    assert.match(text, new RegExp(`${counter}: \\{ percent: \\d+, count: \\d+, window: \\w+ \\}`));
  }
  const changed = text
    .replace(/creations: \{ percent: 50, /, "creations: { percent: 20, ")
    .replace(/( +)guard:/, "$1protect: { people: [boss@contoso.com] }\n$1guard:");
  const current = await loadConfiguration(store);
  const document = readDocument(changed, { name: "entrain.yaml", types: TYPES, current });
  const [difference, ...others] = differencesOf(current, document);
  assert.deepEqual(others, []);
  assert.deepEqual(
    difference?.fields.map(({ place, before, after }) => [place, before, after]),
    [
      ["guard.creations.percent", 50, 20],
      ["protect", undefined, { people: ["boss@contoso.com"] }],
    ],
  );
  await apply(changed);
  assert.deepEqual(await apply(await exported(), { prune: true }), []);
  assert.ok((await exported()).includes("boss@contoso.com"));
});

test("9: another mail address is an update of the same record, and everything can be read again at any time", async () => {
  const users = crowd(40);
  const at = await open({ users, groups: [] });
  const sync = await at.addSync("people", "scim", { records: "user" });
  await at.run(sync);
  const [one = person("Nobody")] = users;
  const id = scimUser(at.scim, one.id)?.id;
  const renamed = { userPrincipalName: "married@contoso.com", mail: "married@contoso.com", displayName: "Married" };
  await at.graph("PATCH", `/users/${one.id}`, renamed);
  const run = await at.run(sync);
  assert.deepEqual(inShort(await plannedIn(at.store, run.run)), ["update Married"]);
  const record = scimUser(at.scim, one.id);
  assert.deepEqual([record?.id, record?.userName, record?.active], [id, "married@contoso.com", true]);
  await readAnew(at.store, { id: "c_test", name: "contoso" }, by);
  const full = await at.run(sync);
  assert.deepEqual([full.result, await plannedIn(at.store, full.run)], ["succeeded", []]);
  assert.equal(at.scim.store.users.size, 40);
});

test("10: a sync that is removed and added again finds the same records by their object ids, and makes no second ones", async () => {
  const users = crowd(40);
  const at = await open({ users, groups: [] });
  const first = await at.addSync("people", "scim", { records: "user" });
  await at.run(first);
  const records = new Map(users.map(({ id }) => [id, scimUser(at.scim, id)?.id]));
  const before = at.scim.requests.length;
  const gone = { actor: by.actor, force: false };
  await at.store.transaction((tx) => removeEntry(tx, at.store, "syncs", first, gone));
  // Neither name nor address is what it was: what remains is the object id.
  const [one = person("Nobody")] = users;
  await at.graph("PATCH", `/users/${one.id}`, { userPrincipalName: "other@contoso.com", displayName: "Other" });
  const again = await at.addSync("people", "scim", { records: "user" });
  const run = await at.run(again);
  assert.deepEqual(inShort(await plannedIn(at.store, run.run)), ["update Other"]);
  assert.deepEqual(new Map(users.map(({ id }) => [id, scimUser(at.scim, id)?.id])), records);
  assert.deepEqual(scimWrites(at.scim, before), [`PATCH /Users/${records.get(one.id)}`]);
  assert.equal(at.scim.store.users.size, 40);
});
