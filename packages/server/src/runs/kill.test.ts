import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type ScimRequestLog, type ScimServer, startScimServer } from "@entrain/connectors/scim/testing";
import { type Simulator, startSimulator } from "@entrain/simulator";
import { type Installation, openInstallation, type Running } from "./testing/installation.ts";

/**
 * The moments come from a seed that is printed; `ENTRAIN_SEED` replays them. Each moment gets an installation of its
 * own, is killed with SIGKILL, started again to its end, and compared with an undisturbed one. The target's own request
 * log is the witness.
 */
const SEED = Number(process.env.ENTRAIN_SEED ?? Math.floor(Math.random() * 1e9));
const MOMENTS_EACH = 5;
const PORTAL = ["portal-people", "portal-groups"] as const;
const DESK = ["desk-people", "desk-groups"] as const;

/** A small generator of the test's own (mulberry32), so that a seed means the same on every machine. */
function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = chance(SEED);
const upTo = (limit: number): number => Math.floor(random() * limit);

/** What a portal holds, by anchors instead of the record ids that differ between installations. */
function portalContent(installation: Installation): unknown {
  const people = installation.query(
    `select p.external_id, p.attributes, p.active, m.external_id as manager from portal_requesters p
     left join portal_requesters m on m.id = p.manager order by p.external_id`,
  );
  const groups = installation.query("select external_id, attributes from portal_groups order by external_id");
  const members = installation.query(
    `select g.external_id as grp, coalesce(p.external_id, n.external_id) as member from portal_members m
     join portal_groups g on g.id = m.group_id
     left join portal_requesters p on p.id = m.member_id left join portal_groups n on n.id = m.member_id
     order by 1, 2`,
  );
  const withoutManager = people.map(({ attributes, ...row }) => {
    const { manager: _recordId, ...rest } = JSON.parse(String(attributes)) as Record<string, unknown>;
    return { ...row, attributes: rest };
  });
  return { people: withoutManager, groups, members };
}

/** What a SCIM server holds, by external ids. */
function deskContent(scim: ScimServer): unknown {
  const anchors = new Map<string, unknown>();
  for (const resource of [...scim.store.users.values(), ...scim.store.groups.values()]) {
    anchors.set(resource.id, resource.externalId);
  }
  const anchored = (value: unknown): unknown => {
    if (typeof value === "string") return anchors.get(value) ?? value;
    if (Array.isArray(value)) return value.map(anchored);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, inner]) => (key === "meta" ? [] : [[key, anchored(inner)]])),
    );
  };
  const sorted = (resources: Iterable<object>): unknown =>
    [...resources]
      .map((resource) => {
        const plain = anchored(resource) as { members?: { value: string }[] };
        if (plain.members) plain.members = plain.members.toSorted((a, b) => (a.value < b.value ? -1 : 1));
        return plain;
      })
      .map((resource) => JSON.stringify(resource))
      .sort((a, b) => (a < b ? -1 : 1));
  return { users: sorted(scim.store.users.values()), groups: sorted(scim.store.groups.values()) };
}

/** Waits for a state of the store, read from outside; answers false when the command ended before it came. */
async function reached(running: Running, state: () => boolean): Promise<boolean> {
  let over = false;
  const end = running.ended.then(() => {
    over = true;
  });
  while (!over) {
    if (state()) return true;
    await Promise.race([end, new Promise((resolve) => setImmediate(resolve))]);
  }
  return false;
}

function count(installation: Installation, sql: string): number {
  return Number(Object.values(installation.query(sql)[0] ?? { count: 0 })[0] ?? 0);
}

/** Every intent has an outcome, and none is left open. */
function assertIntentsSettled(installation: Installation): void {
  assert.equal(count(installation, "select count(*) from open_intents"), 0, "open intents");
  const unsettled = installation.query(
    `select i.stream, i.run, i.ordinal from journal i where i.type = 'intent' and not exists (
       select 1 from journal o where o.stream = i.stream and o.type = 'outcome' and o.run = i.run
         and o.ordinal = i.ordinal and o.sequence > i.sequence)`,
  );
  assert.deepEqual(unsettled, []);
}

/** What the target saw: nothing was created twice, and every write that took effect has an intent. */
function assertWitness(scim: ScimServer, installation: Installation): void {
  const committed = scim.requests.filter((request) => request.committedAt !== null);
  const creates = committed.filter((request) => request.method === "POST" && request.path.startsWith("/Users"));
  assert.equal(creates.length, scim.store.users.size, "creations of users that took effect");
  const groups = committed.filter((request) => request.method === "POST" && request.path.startsWith("/Groups"));
  assert.equal(groups.length, scim.store.groups.size, "creations of groups that took effect");
  const intents = count(
    installation,
    "select count(*) from journal where type = 'intent' and stream in (select 'sync:' || id from syncs where name like 'desk-%')",
  );
  assert.ok(intents >= committed.length, `${intents} intents for ${committed.length} writes`);
}

async function runAll(installation: Installation, syncs: readonly string[]): Promise<void> {
  for (const sync of syncs) {
    const summary = await installation.json("sync", "run", sync);
    assert.equal(summary.result, "succeeded", JSON.stringify(summary));
  }
}

describe(`killed at any moment and started again, the outcome is that of an undisturbed run (seed ${SEED})`, () => {
  let big: Simulator;
  let small: Simulator;
  let expectedPortal: unknown;
  let expectedDesk: unknown;

  before(async () => {
    console.log(`seed ${SEED}; replay with ENTRAIN_SEED=${SEED}`);
    big = await startSimulator({ people: 2200, groups: 30, seed: 11, throttle: "off" });
    small = await startSimulator({ people: 150, groups: 16, seed: 12, throttle: "off" });
    const scim = await startScimServer({ token: "scim-test-token", now: () => Date.now() });
    const portal = await openInstallation({ simulator: big, scim });
    const desk = await openInstallation({ simulator: small, scim });
    await runAll(portal, PORTAL);
    await runAll(desk, DESK);
    expectedPortal = portalContent(portal);
    expectedDesk = deskContent(scim);
    await portal.close();
    await desk.close();
    await scim.close();
  });

  after(async () => {
    await big.close();
    await small.close();
  });

  /** A portal's syncs, killed at a state of the store. */
  async function portalCase(
    sync: (typeof PORTAL)[number],
    state: (installation: Installation) => boolean,
  ): Promise<void> {
    const scim = await startScimServer({ token: "scim-test-token", now: () => Date.now() });
    const installation = await openInstallation({ simulator: big, scim });
    try {
      if (sync === "portal-groups") await runAll(installation, ["portal-people"]);
      const running = installation.start("sync", "run", sync);
      assert.ok(await reached(running, () => state(installation)), "the moment came before the command ended");
      running.kill();
      assert.equal((await running.ended).signal, "SIGKILL");
      await runAll(installation, PORTAL);
      assert.deepEqual(portalContent(installation), expectedPortal);
      assertIntentsSettled(installation);
    } finally {
      await installation.close();
      await scim.close();
    }
  }

  for (let nth = 0; nth < MOMENTS_EACH; nth += 1) {
    const kind = nth % 2 === 0 ? "user" : "group";
    const seen = kind === "user" ? 1 + upTo(1900) : 1 + upTo(20);
    it(`mid-page: reading ${kind}s, ${seen} of them stored`, async (t) => {
      // Pages that take a moment, so that the kill falls between two of them or inside one.
      const slow = { action: { type: "slow", ms: 60 }, path: kind === "user" ? "/users" : "/groups/**" } as const;
      big.faults.set([slow]);
      t.after(() => big.faults.set([]));
      await portalCase(kind === "user" ? "portal-people" : "portal-groups", (installation) => {
        const sql = `select count(*) from records where kind = '${kind}'`;
        return (
          count(installation, sql) >= (kind === "user" ? seen : 1) &&
          count(installation, `select coalesce(max(seen), 0) from watermarks where kind = '${kind}'`) > 0
        );
      });
    });
  }

  for (let nth = 0; nth < MOMENTS_EACH; nth += 1) {
    const planned = upTo(1700);
    it(`planning: ${planned} changes planned`, async () => {
      await portalCase("portal-people", (installation) => {
        const plans = "select count(*) from plans where state = 'building'";
        return count(installation, plans) > 0 && count(installation, "select count(*) from plan_changes") >= planned;
      });
    });
  }

  /** SCIM syncs, killed by what the server itself sees. */
  async function deskCase(moment: "beforeCommit" | "beforeAnswer" | "betweenBatches", nth: number): Promise<void> {
    let writes = 0;
    let running: Running | null = null;
    let again: (() => void) | null = null;
    const restarted = new Promise<void>((resolve) => {
      again = resolve;
    });
    let killed = false;
    const strike = async (request: ScimRequestLog): Promise<void> => {
      if (request.method === "GET" || killed) return;
      writes += 1;
      if (writes !== nth || !running) return;
      killed = true;
      running.kill();
      await running.ended;
      // A request that was received may take effect long after its sender died: here after the new process's first look.
      if (moment === "beforeCommit") await restarted;
    };
    const scim = await startScimServer({
      token: "scim-test-token",
      now: () => Date.now(),
      ...(moment === "betweenBatches" ? {} : { [moment]: strike }),
      onEvent: (event, request) => {
        if (killed && event === "received") again?.();
        if (moment === "betweenBatches" && event === "answered") void strike(request);
      },
    });
    const installation = await openInstallation({ simulator: small, scim });
    try {
      for (const sync of DESK) {
        running = installation.start("sync", "run", sync);
        const { signal, code, stderr } = await running.ended;
        if (signal === "SIGKILL") break;
        assert.equal(code, 0, stderr);
      }
      assert.ok(killed, "the moment came");
      const open = count(installation, "select count(*) from open_intents");
      if (moment !== "betweenBatches") assert.ok(open > 0, "it died between intent and outcome");
      await runAll(installation, DESK);
      assert.deepEqual(deskContent(scim), expectedDesk);
      assertIntentsSettled(installation);
      assertWitness(scim, installation);
    } finally {
      await installation.close();
      await scim.close();
    }
  }

  // About 150 users, 16 groups and their memberships: the last fifth of the writes is about groups.
  for (let nth = 0; nth < MOMENTS_EACH; nth += 1) {
    const at = nth === 0 ? 150 + upTo(10) : 1 + upTo(140);
    it(`request ${at} received but not yet committed by the target`, () => deskCase("beforeCommit", at));
  }
  for (let nth = 0; nth < MOMENTS_EACH; nth += 1) {
    const at = nth === 0 ? 152 + upTo(10) : 1 + upTo(140);
    it(`request ${at} committed but unanswered`, () => deskCase("beforeAnswer", at));
  }
  for (let nth = 0; nth < 2; nth += 1) {
    const at = 50 * (1 + nth);
    it(`between batches: request ${at} answered`, () => deskCase("betweenBatches", at));
  }
  for (let nth = 0; nth < MOMENTS_EACH - 2; nth += 1) {
    const outcomes = 1 + upTo(1700);
    it(`between batches: ${outcomes} outcomes committed`, async () => {
      await portalCase("portal-people", (installation) => {
        return count(installation, "select count(*) from journal where type = 'outcome'") >= outcomes;
      });
    });
  }
});
