import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ConnectorError, type Target } from "@entrain/core";
import { createPortalTarget } from "../portal/target.ts";
import type { Location } from "../store/store.ts";
import { eachEngine } from "../store/testing.ts";
import type { Engine } from "./context.ts";
import { runSync } from "./run.ts";
import { inShort, plannedIn, unsynced } from "./testing/observe.ts";
import { openScene, type Scene } from "./testing/scene.ts";
import { person } from "./testing/tenant.ts";
import { testClock } from "./testing/time.ts";

let scene: Scene;
afterEach(() => scene.close());

const ADDRESS = 'Join(".", [givenName], [surname])';
const MAIL = `SelectUniqueValue(Append(${ADDRESS}, "@desk.example"), Append(${ADDRESS}, "1@desk.example"), Append(${ADDRESS}, "2@desk.example"))`;
const named = { givenName: "Ana", surname: "Ruiz" };
const [sales, legal] = [
  person("Ana of Sales", { ...named, department: "Sales" }),
  person("Ana of Legal", { ...named, department: "Legal" }),
];
const users = [sales, legal];

/** Two syncs of one target, each with one of two people of one name. A portal lets many records share a mail address. */
async function open(location?: Location): Promise<readonly [string, string]> {
  const tenant = { users, groups: [] };
  scene = await openScene({
    clock: testClock(),
    simulator: { tenant },
    ...(location === undefined ? {} : { location }),
  });
  const add = (department: string): Promise<string> =>
    scene.addSync(department, "portal", {
      records: "requester",
      scope: { filters: [[{ attribute: "department", operator: "EQUALS", value: department }]] },
      mapping: {
        userName: { direct: "userPrincipalName" },
        externalId: { direct: "objectId" },
        displayName: { direct: "displayName" },
        mail: { expression: MAIL, apply: "create" },
      },
    });
  return [await add("Sales"), await add("Legal")];
}

async function mails(): Promise<{ readonly [name: string]: string }> {
  const rows = await scene.store.db
    .selectFrom("portal_requesters")
    .select(["display_name", "attributes"])
    .orderBy("display_name")
    .execute();
  return Object.fromEntries(
    rows.map((row) => [row.display_name, (JSON.parse(row.attributes) as { mail?: string }).mail ?? ""]),
  );
}

const DIFFERENT = { "Ana of Legal": "Ana.Ruiz1@desk.example", "Ana of Sales": "Ana.Ruiz@desk.example" };

/** The scene's engine, with a portal that something happens to. */
function meddled(change: (target: Target) => Partial<Target>): Engine {
  const openTarget = async (): Promise<Target> => {
    const { applyIn: _applyIn, ...target } = createPortalTarget(scene.store, "t_portal");
    return { ...target, ...change(target) };
  };
  return { ...scene.engine, openTarget };
}

const options = (sync: string) => ({
  sync,
  actor: { kind: "system", id: "test" } as const,
  signal: new AbortController().signal,
  onProgress: () => undefined,
});

eachEngine((engine) => {
  test("of two syncs that planned the same value for two people, the second skips its change and chooses the next one", async () => {
    const [one, two] = await open(await engine.place());
    const plans = [await scene.plan(one), await scene.plan(two)];
    const digests = plans.map(({ plan }) => plan.digest ?? "");
    assert.equal((await scene.apply(one, digests[0] ?? "")).counts.create, 1);
    const second = await scene.apply(two, digests[1] ?? "");
    assert.deepEqual([second.counts.create, second.failed], [0, 0]);
    assert.deepEqual(await mails(), { "Ana of Sales": "Ana.Ruiz@desk.example" });
    assert.equal((await unsynced(scene.store, two)).get(legal.id), "value_taken");
    assert.equal((await scene.run(two)).counts.create, 1);
    assert.deepEqual(await mails(), DIFFERENT);
    assert.equal((await unsynced(scene.store, two)).size, 0);
  });
});

test("a value that another sync took while a run planned is replaced by the next one in the same run", async () => {
  const [one, two] = await open();
  let asked = 0;
  const engine = meddled((target) => ({
    find: async (kind, attribute, ...rest) => {
      const found = await target.find(kind, attribute, ...rest);
      if (attribute === "mail" && asked++ === 0) await scene.run(one);
      return found;
    },
  }));
  const run = await runSync(engine, options(two));
  assert.deepEqual([run.result, run.counts.create], ["succeeded", 1]);
  assert.deepEqual(await mails(), DIFFERENT);
  assert.deepEqual(inShort(await plannedIn(scene.store, run.run)), ["create Ana of Legal", "create Ana of Legal"]);
});

eachEngine((engine) => {
  test("a value that another sync is about to write is taken, however the two of them overlap", async () => {
    const [one, two] = await open(await engine.place());
    let sent = 0;
    const first = meddled((target) => ({
      apply: async (...asked) => {
        if (sent++ === 0) assert.equal((await scene.run(two)).counts.create, 1);
        return await target.apply(...asked);
      },
    }));
    const run = await runSync(first, options(one));
    assert.deepEqual([run.result, run.counts.create], ["succeeded", 1]);
    assert.deepEqual(await mails(), DIFFERENT);
  });
});

eachEngine((engine) => {
  test("two syncs that send at the same time what both planned never write one value twice", async () => {
    const syncs = await open(await engine.place());
    const plans = [await scene.plan(syncs[0]), await scene.plan(syncs[1])];
    const runs = await Promise.all(syncs.map((sync, at) => scene.apply(sync, plans[at]?.plan.digest ?? "")));
    assert.deepEqual(runs.map(({ counts }) => counts.create).sort(), [0, 1]);
    for (const sync of syncs) assert.equal((await scene.run(sync)).result, "succeeded");
    assert.deepEqual(Object.values(await mails()).sort(), Object.values(DIFFERENT).sort());
  });
});

test("a value that another sync planned and claims later than this one stays with this one", async () => {
  const [one, two] = await open();
  const other = await scene.plan(two);
  let sent = 0;
  const first = meddled((target) => ({
    apply: async (...asked) => {
      if (sent++ === 0) assert.equal((await scene.apply(two, other.plan.digest ?? "")).counts.create, 0);
      return await target.apply(...asked);
    },
  }));
  const run = await runSync(first, options(one));
  assert.deepEqual([run.result, run.counts.create], ["succeeded", 1]);
  assert.equal((await scene.run(two)).counts.create, 1);
  assert.deepEqual(await mails(), DIFFERENT);
});

test("nothing is left open when the target cannot be asked whether a value is still free", async () => {
  const [one] = await open();
  let asked = 0;
  const engine = meddled((target) => ({
    find: async (kind, attribute, ...rest) => {
      if (attribute === "mail" && asked++ === 1)
        throw new ConnectorError("unreachable", "nobody there", { stops: "run", retry: "later" });
      return await target.find(kind, attribute, ...rest);
    },
  }));
  const failed = await runSync(engine, options(one));
  assert.deepEqual([failed.result, failed.error?.code], ["failed", "unreachable"]);
  assert.deepEqual(await scene.store.db.selectFrom("open_intents").selectAll().execute(), []);
  assert.equal((await scene.run(one)).counts.create, 1);
});

test("a record whose creation was not heard of is found again, with the value that was chosen for it", async () => {
  const [one, two] = await open();
  const engine = meddled((target) => ({
    apply: async (...asked) => {
      await target.apply(...asked);
      throw new Error("the power went out");
    },
  }));
  assert.equal((await runSync(engine, options(one))).error?.message, "the power went out");
  assert.equal((await scene.run(two)).counts.create, 1);
  const run = await scene.run(one);
  assert.deepEqual([run.result, run.counts.create], ["succeeded", 1]);
  assert.deepEqual(await mails(), DIFFERENT);
  assert.deepEqual(await plannedIn(scene.store, (await scene.run(one)).run), []);
});

test("a sync that chooses no values asks its target nothing before it sends, and one that does asks once for a batch", async () => {
  const crowd = Array.from({ length: 60 }, (_, at) =>
    person(`Crowd ${at}`, { ...named, surname: `Ruiz ${at}`, department: "Sales" }),
  );
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users: crowd, groups: [] } } });
  const asked: string[] = [];
  const engine = meddled((target) => ({
    find: async (kind, attribute, values, signal) => {
      asked.push(`${attribute} ${values.length}`);
      return await target.find(kind, attribute, values, signal);
    },
    apply: async (...changes) => {
      asked.push("apply");
      return await target.apply(...changes);
    },
  }));
  const byId = { userName: { direct: "userPrincipalName" }, externalId: { direct: "objectId" } };
  const [records, matching] = ["requester", ["externalId"]];
  const plain = await scene.addSync("plain", "portal", { records, matching, mapping: byId });
  await runSync(engine, options(plain));
  assert.deepEqual(asked.splice(0), ["externalId 60", "apply"]);
  await scene.store.transaction(async (tx) => {
    await tx.deleteFrom("links").execute();
    await tx.deleteFrom("portal_requesters").execute();
  });
  const mail = { expression: MAIL, apply: "create" } as const;
  const choosing = await scene.addSync("choosing", "portal", { records, matching, mapping: { ...byId, mail } });
  const run = await runSync(engine, options(choosing));
  assert.equal(run.counts.create, 60);
  assert.deepEqual(asked, ["externalId 60", "mail 60", "mail 60", "apply"]);
});

test("a default that nobody chose is shared by whoever has nothing to choose from", async () => {
  const nameless = users.map((user) => ({ ...user, givenName: null, surname: null }));
  const first = person("Somebody Else", { givenName: null, surname: null, department: "Sales" });
  scene = await openScene({ clock: testClock(), simulator: { tenant: { users: [...nameless, first], groups: [] } } });
  const rule = {
    expression: "SelectUniqueValue([givenName], [surname])",
    apply: "create",
    default: "desk@desk.example",
  } as const;
  const mapping = { userName: { direct: "userPrincipalName" }, externalId: { direct: "objectId" }, mail: rule };
  const filters = (department: string) => [
    [{ attribute: "department", operator: "EQUALS", value: department } as const],
  ];
  for (const department of ["Sales", "Legal"]) {
    const scope = { filters: filters(department) };
    const sync = await scene.addSync(department, "portal", { records: "requester", mapping, scope });
    assert.equal((await scene.run(sync)).result, "succeeded");
  }
  assert.equal((await scene.store.db.selectFrom("portal_requesters").selectAll().execute()).length, 3);
});
