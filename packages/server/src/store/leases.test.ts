import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { ConnectorError } from "@entrain/core";
import { systemClock } from "../clock.ts";
import { acquireLease, askToStop, extend, hearStop, isLease, processOwner, readLease, release } from "./leases.ts";
import type { Lease, Location, Owner, StopRequest, Store } from "./store.ts";
import { eachEngine } from "./testing.ts";

const HERE = JSON.stringify(import.meta.dirname);
const HOUR_MS = 3_600_000;
const elsewhere: Owner = { host: "elsewhere", system: "another", pid: 1, started: "1", nonce: "00" };

function isLost(error: unknown): boolean {
  return error instanceof ConnectorError && error.code === "lease_lost";
}

async function take(store: Store, owner: Owner, ttlMs: number = HOUR_MS): Promise<Lease> {
  const answer = await acquireLease(store, "sync:a", owner, ttlMs);
  assert.ok(isLease(answer), JSON.stringify(answer));
  return answer;
}

const mark = (store: Store, lease: Lease, key: string): Promise<unknown> =>
  store.fenced(lease, (tx) => tx.insertInto("meta").values({ key, value: "" }).execute());

const marked = (store: Store, key: string): Promise<unknown> =>
  store.db.selectFrom("meta").select("key").where("key", "=", key).executeTakeFirst();

/** A process that takes the lease and holds it until its standard input says something. */
async function holder(location: Location): Promise<{ readonly die: () => Promise<void> }> {
  const script = `
    const { openStore } = await import(${HERE} + "/open.ts");
    const { acquireLease, processOwner } = await import(${HERE} + "/leases.ts");
    const { systemClock } = await import(${HERE} + "/../clock.ts");
    const store = await openStore({ location: ${JSON.stringify(location)}, clock: systemClock, stamp: "real", create: true });
    await acquireLease(store, "sync:a", processOwner(systemClock), ${HOUR_MS});
    console.log("held");
    process.stdin.resume();`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const die = async (): Promise<void> => {
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
  return { die };
}

eachEngine((engine) => {
  describe("a lease", () => {
    it("is held by one owner, who is named to everyone else", async () => {
      const store = await engine.open();
      const owner = processOwner(systemClock);
      const lease = await take(store, owner);
      const second = await acquireLease(store, "sync:a", processOwner(systemClock), HOUR_MS);
      assert.ok(!isLease(second));
      assert.deepEqual(second.heldBy, owner);
      assert.deepEqual(await readLease(store, "sync:a"), second);
      assert.ok(isLease(await acquireLease(store, "sync:b", owner, HOUR_MS)));
      await release(store, lease);
      assert.equal(await readLease(store, "sync:a"), null);
    });

    it("tells its owner once somebody asks for a stop, and nobody after that", async () => {
      const store = await engine.open();
      const request: StopRequest = { actor: { kind: "operator", id: "olga" }, cause: "asked" };
      const ask = (by: StopRequest = request) => store.transaction((tx) => askToStop(tx, store, "sync:a", by));
      assert.equal(await ask(), null);
      const heard: StopRequest[] = [];
      const taken = await take(store, processOwner(systemClock));
      const lease: Lease = { ...taken, onStop: (asked) => heard.push(asked) };
      await mark(store, lease, "before");
      assert.deepEqual(heard, []);
      const asked = await ask();
      assert.deepEqual([asked?.news, asked?.holder.heldBy], [true, taken.owner]);
      assert.equal((await ask({ ...request, cause: "blackout" }))?.news, false);
      await mark(store, lease, "after");
      await hearStop(store, lease);
      assert.deepEqual(heard, [request, request]);
      await release(store, lease);
      assert.equal(await ask(), null);
      const next: Lease = { ...(await take(store, processOwner(systemClock))), onStop: () => assert.fail("not asked") };
      await mark(store, next, "another");
      await hearStop(store, next);
    });

    it("goes to one of many who want it at once", async () => {
      const store = await engine.open();
      const want = (): Promise<unknown> => acquireLease(store, "sync:a", processOwner(systemClock), HOUR_MS);
      const answers = (await Promise.all(Array.from({ length: 8 }, want))) as Lease[];
      assert.equal(answers.filter(isLease).length, 1);
    });

    it("may be taken from another machine only after it expired, and then fences the old owner off", async () => {
      const store = await engine.open();
      const old = await take(store, elsewhere, 0);
      await mark(store, old, "expired but not taken");
      const taken = await take(store, processOwner(systemClock));
      assert.ok(taken.fence > old.fence);
      await assert.rejects(mark(store, old, "late"), isLost);
      assert.equal(await marked(store, "late"), undefined);
      await assert.rejects(extend(store, old), isLost);
      await release(store, old);
      await mark(store, taken, "in time");
      assert.deepEqual(await marked(store, "in time"), { key: "in time" });
      assert.ok(!isLease(await acquireLease(store, "sync:a", elsewhere, HOUR_MS)));
    });

    it("cannot be written under once it was released", async () => {
      const store = await engine.open();
      const lease = await take(store, elsewhere);
      await release(store, lease);
      await assert.rejects(mark(store, lease, "late"), isLost);
      assert.ok((await take(store, elsewhere)).fence > lease.fence);
    });

    it("is extended by every transaction under it", async () => {
      const store = await engine.open();
      const lease = await take(store, elsewhere, 0);
      assert.equal(await readLease(store, "sync:a"), null);
      await mark(store, { ...lease, ttlMs: HOUR_MS }, "extends");
      assert.deepEqual((await readLease(store, "sync:a"))?.heldBy, elsewhere);
      assert.ok(!isLease(await acquireLease(store, "sync:a", processOwner(systemClock), HOUR_MS)));
    });

    it("passes at once from a process of this machine that was killed, and not before", async () => {
      const location = await engine.place();
      const store = await engine.open({ location });
      const other = await holder(location);
      const refused = await acquireLease(store, "sync:a", processOwner(systemClock), HOUR_MS);
      assert.ok(!isLease(refused));
      await other.die();
      assert.equal(await readLease(store, "sync:a"), null);
      await take(store, processOwner(systemClock));
    });

    it("passes at once when its process id was given to another process since", async (t) => {
      const own = processOwner(systemClock);
      if (own.started === null) return t.skip("this system does not tell when a process started");
      const store = await engine.open();
      await take(store, { ...own, started: "1", nonce: "before" });
      await take(store, own);
    });
  });
});
