import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { MappingRule, SyncDefinition, Target, TargetChange } from "@entrain/core";
import type { RunSummary } from "../run.ts";
import { targetContent } from "../testing/content.ts";
import { heldChanges, inShort, plannedIn } from "../testing/observe.ts";
import { openScene, type Scene, type SceneTarget } from "../testing/scene.ts";
import { crowd, group, type Known, person } from "../testing/tenant.ts";
import { testClock } from "../testing/time.ts";
import { type Reconciled, type ReconcileReport, reconcileSync } from "./reconcile.ts";

let scene: Scene;
afterEach(async () => await scene.close());

const actor = { kind: "command", id: "olga" } as const;
const { signal } = new AbortController();

async function reconcile(sync: string, repair = false): Promise<Reconciled> {
  return await reconcileSync(scene.engine, { sync, actor, signal, onProgress: () => undefined, repair, samples: 50 });
}

async function reportOf(sync: string): Promise<ReconcileReport> {
  const { report, run } = await reconcile(sync);
  assert.equal(run.result, "succeeded", JSON.stringify(run));
  assert.ok(report !== null);
  return report;
}

async function repaired(sync: string, result: RunSummary["result"] = "succeeded"): Promise<RunSummary> {
  const { run } = await reconcile(sync, true);
  assert.equal(run.result, result, JSON.stringify(run));
  return run;
}

type Named = Exclude<SceneTarget, "freshchat">;

async function withTarget<T>(name: Named, work: (target: Target) => Promise<T>): Promise<T> {
  const row = await scene.store.db.selectFrom("targets").selectAll().where("name", "=", name).executeTakeFirstOrThrow();
  const target = await scene.engine.openTarget(row);
  try {
    return await work(target);
  } finally {
    await target.close();
  }
}

/** What somebody does in the target itself. */
async function byHand(name: Named, changes: readonly Omit<TargetChange, "ordinal">[]): Promise<void> {
  await withTarget(name, async (target) => {
    for (const [ordinal, change] of changes.entries()) {
      const [outcome] = await target.apply([{ ...change, ordinal }], signal);
      assert.ok(outcome?.status === "applied", JSON.stringify(outcome));
    }
  });
}

async function recordOf(objectId: string): Promise<string> {
  const link = await scene.store.db
    .selectFrom("links")
    .select("record_id")
    .where("object_id", "=", objectId)
    .executeTakeFirstOrThrow();
  return link.record_id;
}

const people = ["Ana", "Bo", "Cy", "Di", "Ed", "Flo"].map((name) => person(name, { jobTitle: `${name}'s title` }));
const [ana, bo, cy, di, ed, flo] = people as [
  Known<object>,
  Known<object>,
  Known<object>,
  Known<object>,
  Known<object>,
  Known<object>,
];
const KINDS: { readonly [target in Named]: string } = { portal: "requester", scim: "user", csv: "user" };

/** The target attribute that is mapped from a source attribute. */
async function attributeOf(target: Named, source: string): Promise<string> {
  const preset = await withTarget(
    target,
    async ({ kinds }) => kinds.find(({ name }) => name === KINDS[target])?.preset,
  );
  const rules: readonly (readonly [string, MappingRule])[] = Object.entries(preset?.mapping ?? {});
  const [found] = rules.find(([, rule]) => "direct" in rule && rule.direct === source) ?? [];
  assert.ok(found !== undefined);
  return found;
}

async function inStep(target: Named, definition: Partial<SyncDefinition> = {}): Promise<string> {
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users: people, groups: [] } } });
  const sync = await scene.addSync("people", target, { records: KINDS[target], ...definition });
  await scene.run(sync);
  return sync;
}

const GUARD: SyncDefinition["guard"] = {
  removals: { percent: 50, count: 500, windowMs: 86_400_000 },
  members: { percent: 50, count: 500, windowMs: 86_400_000 },
};

for (const target of ["portal", "scim", "csv"] as const) {
  test(`what others did to records in the ${target} is told, put back by a plan, and then all is in step`, async () => {
    const sync = await inStep(target, { guard: GUARD });
    const title = await attributeOf(target, "jobTitle");
    const before = await targetContent(scene, target);
    assert.equal((await reportOf(sync)).inStep, true);
    const kind = KINDS[target];
    const [a, b, c, d] = await Promise.all([ana, bo, cy, di].map(({ id }) => recordOf(id)));
    await byHand(target, [
      { kind, action: "update", recordId: a ?? "", set: { [title]: "By hand" } },
      { kind, action: "update", recordId: b ?? "", set: { [title]: null } },
      { kind, action: "delete", recordId: c ?? "", set: {} },
      { kind, action: "disable", recordId: d ?? "", set: {}, active: false },
      {
        kind,
        action: "create",
        recordId: null,
        set: { userName: "guest@x", externalId: "guest", displayName: "Guest" },
      },
    ]);
    const disturbed = await targetContent(scene, target);
    const report = await reportOf(sync);
    const { missing, changed, unknown } = report;
    assert.deepEqual(
      [missing, changed, unknown].map(({ count }) => count),
      [1, 3, 1],
    );
    assert.deepEqual(
      missing.samples.map(({ name, record }) => [name, record]),
      [["Cy", c]],
    );
    const fields = new Map(changed.samples.map(({ name, fields }) => [name, fields]));
    assert.deepEqual(fields.get("Ana"), [
      {
        ...{ attribute: title, known: "Ana's title", present: "By hand" },
        ...{ knownInWords: "Ana's title", presentInWords: "By hand" },
      },
    ]);
    assert.deepEqual([fields.get("Bo")?.[0]?.known, fields.get("Bo")?.[0]?.present ?? null], ["Bo's title", null]);
    assert.deepEqual(fields.get("Di"), [
      { attribute: "active", known: true, present: false, knownInWords: "true", presentInWords: "false" },
    ]);
    assert.deepEqual(await targetContent(scene, target), disturbed, "telling writes nothing");
    assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), [], "nor does an ordinary run");
    const run = await repaired(sync);
    assert.deepEqual(inShort(await plannedIn(scene.store, run.run)), [
      "create Cy",
      "enable Di",
      "update Ana",
      "update Bo",
    ]);
    const [update] = (await plannedIn(scene.store, run.run)).filter(({ name }) => name === "Ana");
    assert.equal(update?.cause, "drift");
    assert.match(update?.reason ?? "", /^Changed in the target by others; .*By hand.* → /);
    const after = await reportOf(sync);
    assert.deepEqual([after.inStep, after.unknown.count], [true, 1]);
    const content = await targetContent(scene, target);
    assert.deepEqual(
      content.filter((one) => !one.includes("guest")),
      before,
    );
    assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
  });

  test(`memberships that others moved in the ${target} are told and put back; foreign members stay`, async () => {
    const team = group("Team");
    scene = await openScene({
      clock: testClock(),
      simulator: { tenant: { users: people, groups: [team], memberships: { [team.id]: [ana.id, bo.id, cy.id] } } },
    });
    await scene.run(await scene.addSync("people", target, { records: KINDS[target] }));
    const sync = await scene.addSync("groups", target, { records: "group", guard: GUARD });
    await scene.run(sync);
    const before = await targetContent(scene, target);
    assert.equal((await reportOf(sync)).inStep, true);
    const kind = KINDS[target];
    await byHand(target, [
      {
        kind,
        action: "create",
        recordId: null,
        set: { userName: "guest@x", externalId: "guest", displayName: "Guest" },
      },
    ]);
    const guest = await withTarget(target, async (open) => {
      const found: string[] = [];
      for await (const page of open.list(kind, { members: false }, signal)) {
        found.push(...page.filter(({ attributes }) => attributes.externalId === "guest").map(({ id }) => id));
      }
      return found[0];
    });
    const [a, e] = await Promise.all([ana, ed].map(({ id }) => recordOf(id)));
    const members = { kind: "group", action: "members" as const, recordId: await recordOf(team.id), set: {} };
    await byHand(target, [
      { ...members, add: [e ?? "", guest ?? ""], remove: [] },
      { ...members, add: [], remove: [a ?? ""] },
    ]);
    const { members: moved } = await reportOf(sync);
    const names = (sort: keyof typeof moved): readonly string[] => moved[sort].samples.map(({ name }) => name);
    assert.deepEqual([names("added"), names("removed"), names("foreign")], [["Ed"], ["Ana"], ["Guest"]]);
    assert.deepEqual(await plannedIn(scene.store, (await scene.run(sync)).run), []);
    const run = await repaired(sync);
    assert.equal(run.counts.members, 2);
    const after = await reportOf(sync);
    assert.deepEqual([after.inStep, after.members.foreign.count], [true, 1]);
    await byHand(target, [
      { ...members, add: [], remove: [guest ?? ""] },
      { kind, action: "delete", recordId: guest ?? "", set: {} },
    ]);
    assert.deepEqual(await targetContent(scene, target), before);
  });
}

test("an attribute is the target's where its rule says so: filled when empty, or ours until somebody changed it", async () => {
  const sync = await inStep("scim");
  const title = await attributeOf("scim", "jobTitle");
  const owned = async (owner: "onlyWhenEmpty" | "untilChanged"): Promise<void> => {
    const row = await scene.store.db.selectFrom("syncs").select("definition").executeTakeFirstOrThrow();
    const { mapping } = JSON.parse(row.definition) as SyncDefinition;
    await scene.redefine(sync, { mapping: { ...mapping, [title]: { direct: "jobTitle", owner } } });
    await scene.run(sync);
  };
  const [a, b] = await Promise.all([ana, bo].map(({ id }) => recordOf(id)));
  const set = (recordId: string | undefined, value: string | null): Omit<TargetChange, "ordinal"> => {
    return { kind: "user", action: "update", recordId: recordId ?? "", set: { [title]: value } };
  };
  await owned("untilChanged");
  await byHand("scim", [set(a, "Theirs")]);
  const found = await reportOf(sync);
  assert.deepEqual(
    [found.inStep, found.theirs.count, found.theirs.samples[0]?.fields[0]?.present],
    [true, 1, "Theirs"],
  );
  await repaired(sync);
  await scene.graph("PATCH", `/users/${ana.id}`, { jobTitle: "Promoted" });
  await scene.graph("PATCH", `/users/${bo.id}`, { jobTitle: "Promoted" });
  assert.deepEqual(inShort(await plannedIn(scene.store, (await scene.run(sync)).run)), ["update Bo"]);
  assert.equal((await reportOf(sync)).theirs.count, 1);
  await owned("onlyWhenEmpty");
  assert.equal((await reportOf(sync)).inStep, true, "what it has is the target's");
  await byHand("scim", [set(a, "Theirs too"), set(b, null)]);
  const emptied = await reportOf(sync);
  assert.deepEqual(
    emptied.changed.samples.map(({ name }) => name),
    ["Bo"],
  );
  await repaired(sync);
  const titles = (await targetContent(scene, "scim")).filter((one) => /Theirs too|Promoted/.test(one));
  assert.equal(titles.length, 2);
  assert.equal((await reportOf(sync)).inStep, true);
});

test("a target that lost its records is not filled again by a repair, and a guard holds what many removals are", async () => {
  const many = crowd(40);
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users: many, groups: [] } } });
  const sync = await scene.addSync("people", "scim", { records: "user" });
  await scene.run(sync);
  const ids = [...scene.scim.store.users.keys()];
  const users = new Map(scene.scim.store.users);
  for (const id of ids.slice(0, 10)) scene.scim.store.users.delete(id);
  const emptied = await reconcile(sync, true);
  assert.deepEqual([emptied.run.result, emptied.run.error?.code], ["failed", "target_emptied"]);
  assert.equal(emptied.report?.missing.count, 10);
  assert.equal((await reportOf(sync)).missing.count, 10, "nothing was forgotten");
  for (const [id, user] of users) scene.scim.store.users.set(id, user);
  // Twelve leavers are disabled by approval, and somebody enables them again: disabling that many is held anew.
  for (const { id } of many.slice(0, 12)) await scene.graph("PATCH", `/users/${id}`, { accountEnabled: false });
  const held = await scene.run(sync);
  await scene.approve(sync, held.held?.digest ?? "");
  for (const { id } of many.slice(0, 12)) {
    const recordId = await recordOf(id);
    await byHand("scim", [{ kind: "user", action: "enable", recordId, set: {}, active: true }]);
  }
  const run = await repaired(sync, "held");
  const changes = await heldChanges(scene.store, run.held?.digest ?? "");
  assert.deepEqual([changes.length, changes[0]?.action], [12, "disable"]);
  assert.match(changes[0]?.reason ?? "", /^Enabled in the target by others; /);
  assert.match((await reportOf(sync)).changed.samples[0]?.kept ?? "", /waits in a plan for approval/);
  const approved = await scene.approve(sync, run.held?.digest ?? "");
  assert.equal(approved.counts.disable, 12);
  assert.equal((await reportOf(sync)).inStep, true);
});

test("an emptied target is told of, also after a run that was refused because of it; only a repair ends with that", async () => {
  const many = crowd(12);
  scene = await openScene({ simulator: { tenant: { users: many, groups: [] } } });
  const sync = await scene.addSync("people", "scim", { records: "user" });
  await scene.run(sync);
  const { size } = scene.scim.store.users;
  scene.scim.store.users.clear();
  await scene.graph("PATCH", `/users/${many[0]?.id}`, { jobTitle: "Chief" });
  assert.equal((await scene.run(sync)).error?.code, "target_emptied");
  const told = await reportOf(sync);
  assert.deepEqual([told.missing.count, told.owned, told.held, told.inStep], [size, size, 0, false]);
  const repair = await reconcile(sync, true);
  assert.deepEqual([repair.run.result, repair.run.error?.code], ["failed", "target_emptied"]);
  assert.equal((await reportOf(sync)).missing.count, size, "nothing was forgotten");
});

test("what was undone is told and never repaired", async () => {
  const { undoRun } = await import("../undo/undo.ts");
  const sync = await inStep("scim");
  const title = await attributeOf("scim", "jobTitle");
  await scene.graph("PATCH", `/users/${flo.id}`, { jobTitle: "Wrong" });
  const run = await scene.run(sync);
  const undo = await undoRun(scene.engine, {
    sync,
    actor,
    signal,
    onProgress: () => undefined,
    of: run.run,
    chosen: {},
  });
  await scene.approve(sync, undo.held?.digest ?? "");
  const recordId = await recordOf(flo.id);
  await byHand("scim", [{ kind: "user", action: "update", recordId, set: { [title]: "By hand" } }]);
  await repaired(sync);
  const { changed } = await reportOf(sync);
  assert.match(changed.samples[0]?.kept ?? "", /is pinned, by an undo or an exemption/);
  assert.equal((await reportOf(sync)).repairable, false);
});

test("a manager whom others changed is told by name", async () => {
  const managers = { [ana.id]: bo.id };
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users: people, groups: [], managers } } });
  const sync = await scene.addSync("people", "scim", { records: "user", guard: GUARD });
  await scene.run(sync);
  const manager = await attributeOf("scim", "manager");
  const set = { [manager]: await recordOf(cy.id) };
  await byHand("scim", [{ kind: "user", action: "update", recordId: await recordOf(ana.id), set }]);
  const { changed, repairable } = await reportOf(sync);
  const [field] = changed.samples[0]?.fields ?? [];
  assert.deepEqual([field?.attribute, field?.knownInWords, field?.presentInWords], [manager, "Bo", "Cy"]);
  assert.equal(repairable, true);
});

test("a manager who was deleted in the target is made anew, and whoever reports to them points there again", async () => {
  scene = await openScene({
    clock: testClock(),
    simulator: { tenant: { users: people, groups: [], managers: { [ana.id]: bo.id, [cy.id]: bo.id } } },
  });
  const sync = await scene.addSync("people", "scim", { records: "user", guard: GUARD });
  await scene.run(sync);
  const before = await targetContent(scene, "scim");
  await byHand("scim", [{ kind: "user", action: "delete", recordId: await recordOf(bo.id), set: {} }]);
  await repaired(sync);
  assert.equal((await reportOf(sync)).inStep, true);
  assert.deepEqual(await targetContent(scene, "scim"), before);
});
