import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ConnectorError, type Source, type SourceKind } from "@entrain/core";
import type { Engine } from "./context.ts";
import { applySync, approveSync, runSync } from "./run.ts";
import { inShort, plannedIn } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { crowd, group, reference } from "./testing/tenant.ts";
import { testClock } from "./testing/time.ts";

let scene: Scene;
afterEach(() => scene.close());

const users = crowd(8);
const ids = users.map(({ id }) => id);
const [staff, field] = [group("Staff"), group("Field")];

async function open(scope: object): Promise<{ readonly first: string; readonly other: string }> {
  const memberships = { [staff.id]: ids.slice(0, 4), [field.id]: ids.slice(4) };
  scene = await openScene({
    clock: testClock(),
    simulator: { tenant: { users, groups: [staff, field], memberships } },
  });
  const first = await scene.addSync("first", "scim", { records: "user", scope });
  const other = await scene.addSync("other", "portal", { records: "requester", scope });
  for (const sync of [first, other]) assert.equal((await scene.run(sync)).result, "succeeded");
  return { first, other };
}

const of = (sync: string) => ({
  sync,
  actor: { kind: "system", id: "test" } as const,
  signal: new AbortController().signal,
  onProgress: () => undefined,
});

/** An engine whose read breaks off within the first page of a kind: its first record is merged, the others are not. */
function breakingOff(engine: Engine, kind: SourceKind): Engine {
  const broken = (source: Source): Source => ({
    async *read(of, from, signal) {
      for await (const page of source.read(of, from, signal)) {
        if (of !== kind || from === null) yield page;
        else {
          yield { ...page, records: page.records.slice(0, 1), complete: false, watermark: from };
          throw new ConnectorError("unreachable", "the connection broke off", { stops: "run", retry: "later" });
        }
      }
    },
    presence: (of, asked, signal) => source.presence(of, asked, signal),
    managers: (...asked) => source.managers(...asked),
    verify: (signal) => source.verify(signal),
    close: () => source.close(),
  });
  return { ...engine, openSource: async (row) => broken(await engine.openSource(row)) };
}

/** An engine whose run is overtaken once: `between` happens when it has read and does not plan yet. */
function overtaken(engine: Engine, between: () => Promise<unknown>): Engine {
  let [read, done] = [false, false];
  const { store } = engine;
  return {
    ...engine,
    openSource: async (row) => {
      const source = await engine.openSource(row);
      return {
        read: (kind, from, signal) => source.read(kind, from, signal),
        presence: (kind, asked, signal) => source.presence(kind, asked, signal),
        managers: (...asked) => source.managers(...asked),
        verify: (signal) => source.verify(signal),
        close: async () => {
          read = true;
          await source.close();
        },
      };
    },
    store: {
      ...store,
      fenced: async (lease, work, options) => {
        if (read && !done && lease.name.startsWith("sync:")) {
          done = true;
          await between();
        }
        return await store.fenced(lease, work, options);
      },
    },
  };
}

test("what another sync has merged of a round that is not at its end is planned by nobody", async () => {
  const { first, other } = await open({});
  const halfARead = async (): Promise<void> => {
    for (const id of ids.slice(0, 3)) await scene.graph("PATCH", `/users/${id}`, { jobTitle: "Chief" });
    const broken = await runSync(breakingOff(scene.engine, "user"), of(other));
    assert.equal(broken.error?.code, "unreachable");
  };
  const run = await runSync(overtaken(scene.engine, halfARead), of(first));
  assert.deepEqual([run.result, await plannedIn(scene.store, run.run)], ["succeeded", []]);
  const next = await scene.run(first);
  assert.deepEqual(inShort(await plannedIn(scene.store, next.run)), [
    "update Person 0001",
    "update Person 0002",
    "update Person 0003",
  ]);
});

test("a person whose move between groups is half merged by another sync is not disabled", async () => {
  const { first, other } = await open({ groups: { include: ["Staff", "Field"], transitive: true } });
  await scene.graph("PATCH", `/users/${ids[0]}`, { jobTitle: "Chief" });
  const halfAMove = async (): Promise<void> => {
    // Of the two groups that tell of the move the one that is left comes first.
    for (const [of, method] of [
      [staff.id, "DELETE"],
      [field.id, "POST"],
    ] as const) {
      if (method === "POST") await scene.graph("POST", `/groups/${of}/members/$ref`, reference(ids[0] ?? ""));
      else await scene.graph("DELETE", `/groups/${of}/members/${ids[0]}/$ref`);
    }
    const broken = await runSync(breakingOff(scene.engine, "group"), of(other));
    assert.equal(broken.error?.code, "unreachable");
    const edges = await scene.store.db
      .selectFrom("edges")
      .selectAll()
      .where("member_id", "=", ids[0] ?? "")
      .where("present", "=", 1)
      .execute();
    assert.deepEqual(edges, [], "the half that is merged says that the person is in no group");
  };
  const run = await runSync(overtaken(scene.engine, halfAMove), of(first));
  assert.equal(run.counts.disable, 0);
  assert.equal([...scene.scim.store.users.values()].filter(({ active }) => active === true).length, 8);
  const next = await scene.run(first);
  assert.deepEqual([next.result, next.counts.disable, next.counts.update], ["succeeded", 0, 1]);
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(first)).run), []);
});

/** Five of eight people leave the scope's groups: too many for the guard. */
async function fiveLeave(): Promise<void> {
  for (const id of ids.slice(0, 4)) await scene.graph("DELETE", `/groups/${staff.id}/members/${id}/$ref`);
  await scene.graph("DELETE", `/groups/${field.id}/members/${ids[4]}/$ref`);
}

/** Another sync reads half of a membership that came, and then breaks off. */
async function halfAnArrival(other: string): Promise<void> {
  await scene.graph("POST", `/groups/${staff.id}/members/$ref`, reference(ids[7] ?? ""));
  await scene.graph("POST", `/groups/${field.id}/members/$ref`, reference(staff.id));
  const broken = await runSync(breakingOff(scene.engine, "group"), of(other));
  assert.equal(broken.error?.code, "unreachable");
}

const active = (): number => [...scene.scim.store.users.values()].filter((user) => user.active === true).length;

test("a held plan goes on waiting while another sync reads the groups: who is in scope cannot be told then", async () => {
  const { first, other } = await open({ groups: { include: ["Staff", "Field"], transitive: true } });
  await fiveLeave();
  const { held } = await scene.run(first);
  assert.equal(held?.count, 5);
  await runSync(
    overtaken(scene.engine, () => halfAnArrival(other)),
    of(first),
  );
  const plans = await scene.store.db
    .selectFrom("plans")
    .select(["state", "digest"])
    .where("sync", "=", first)
    .execute();
  assert.deepEqual(plans.find(({ digest }) => digest === held?.digest)?.state, "held");
});

test("removals that cannot be judged while another sync reads the groups do not pass the guard unseen", async () => {
  const { first, other } = await open({ groups: { include: ["Staff", "Field"], transitive: true } });
  await fiveLeave();
  const { plan } = await scene.plan(first);
  const engine = overtaken(scene.engine, () => halfAnArrival(other));
  let whole = false;
  const fenced: Engine["store"]["fenced"] = async (lease, work, options) => {
    const begun = await scene.store.db.selectFrom("plans").select("id").where("state", "=", "applying").execute();
    if (begun.length > 0 && !whole && lease.name === `sync:${first}`) {
      whole = true;
      assert.equal((await scene.run(other)).error, null);
    }
    return await engine.store.fenced(lease, work, options);
  };
  const run = await applySync(
    { ...engine, store: { ...engine.store, fenced } },
    { ...of(first), digest: plan.digest ?? "" },
  );
  assert.ok(whole);
  assert.deepEqual([run.result, run.held?.count, run.counts.disable, active()], ["held", 5, 0, 8]);
});

test("an approval is not used up while another sync reads the groups: that read is brought to its end first", async () => {
  const { first, other } = await open({ groups: { include: ["Staff", "Field"], transitive: true } });
  await fiveLeave();
  const { held } = await scene.run(first);
  const engine = overtaken(scene.engine, () => halfAnArrival(other));
  const approved = await approveSync(engine, { ...of(first), digest: held?.digest ?? "" });
  assert.deepEqual([approved.result, approved.counts.disable, approved.conflicts, active()], ["succeeded", 5, 0, 3]);
  const next = await scene.run(first);
  assert.deepEqual([next.result, await plannedIn(scene.store, next.run)], ["succeeded", []]);
});
