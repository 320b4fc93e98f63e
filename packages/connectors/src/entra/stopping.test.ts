import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { WaitListener } from "@entrain/core";
import { type Answer, type Call, graphCalls, type Rig, readAll, rigFor, startTenant } from "./testing.ts";

const closing: { close(): Promise<void> }[] = [];
after(() => Promise.all(closing.map((one) => one.close())));

const UNKNOWN: Answer = { status: 400, body: { error: { code: "Request_BadRequest", message: "no" } } };
const FORBIDDEN: Answer = { status: 403, body: { error: { code: "Authorization_RequestDenied", message: "no" } } };
/** With names to divide people by. */
const attributes = ["displayName", "userPrincipalName", "accountEnabled"];
const BUSY: Answer = { status: 503, body: {} };

interface Bench {
  readonly rig: Rig;
  readonly calls: () => readonly string[];
  readonly sleeping: () => number;
  readonly openWaits: () => number;
}

/** Whoever sleeps sleeps until the work is stopped, but for the sleepers who are let go. */
async function bench(
  answer: (call: Call, origin: string) => Answer,
  wakes: (sleeper: number) => boolean,
): Promise<Bench> {
  const tenant = await startTenant(answer);
  tenant.roles = ["User.Read.All", "Group.Read.All", "ProfilePhoto.Read.All"];
  let sleeping = 0;
  let slept = 0;
  let open = 0;
  const sleep = async (_ms: number, until: AbortSignal): Promise<void> => {
    slept += 1;
    if (wakes(slept)) return;
    sleeping += 1;
    try {
      await new Promise((_resolve, reject) => {
        until.addEventListener("abort", () => reject(until.reason), { once: true });
      });
    } finally {
      sleeping -= 1;
    }
  };
  const onWait: WaitListener = (wait) => {
    open += wait === null ? -1 : 1;
  };
  const rig = rigFor(tenant.origin, { sleep, onWait, concurrency: 4, attributes });
  closing.push(rig.source, tenant);
  return { rig, calls: () => graphCalls(tenant), sleeping: () => sleeping, openWaits: () => open };
}

test("a look-up that fails ends those beside it and begins no other: all is over when the fault is told", async () => {
  let answers = 0;
  const bed = await bench(
    () => (++answers <= 4 ? BUSY : UNKNOWN),
    (sleeper) => sleeper === 4,
  );
  const ids = Array.from({ length: 400 }, (_, at) => `u${at}`);
  await assert.rejects(bed.rig.source.presence("user", ids, new AbortController().signal), { code: "request_refused" });
  assert.deepEqual([bed.sleeping(), bed.openWaits(), bed.calls().length], [0, 0, 5]);
});

test("a stop ends photos that wait, and begins no other", async () => {
  const stop = new AbortController();
  const reason = new Error("enough");
  let answers = 0;
  const bed = await bench(
    () => {
      answers += 1;
      if (answers === 4) setImmediate(() => stop.abort(reason));
      return BUSY;
    },
    () => false,
  );
  const ids = Array.from({ length: 40 }, (_, at) => `u${at}`);
  await assert.rejects(async () => await bed.rig.source.photos?.read(ids, stop.signal), reason);
  assert.deepEqual([bed.sleeping(), bed.openWaits(), bed.calls().length], [0, 0, 4]);
});

test("a full round of groups that fails ends all that was on its way", async () => {
  const groups = Array.from({ length: 40 }, (_, at) => ({ id: `g${at}`, displayName: `G ${at}` }));
  let members = 0;
  const bed = await bench(
    ({ path }, origin) => {
      const deltaLink = `${origin}/v1.0/groups/delta?$deltatoken=1`;
      if (path.endsWith("/delta")) return { body: { value: [], "@odata.deltaLink": deltaLink } };
      if (path.endsWith("/members")) return ++members <= 4 ? BUSY : UNKNOWN;
      if (path.endsWith("/$count")) return { body: "40" };
      return { body: { value: groups } };
    },
    (sleeper) => sleeper === 4,
  );
  await assert.rejects(readAll(bed.rig.source, "group"), { code: "request_refused" });
  assert.deepEqual([bed.sleeping(), bed.openWaits(), members], [0, 0, 5]);
});

test("a round of people that fails ends the lanes beside it", async () => {
  let pages = 0;
  const bed = await bench(
    ({ path }, origin) => {
      const deltaLink = `${origin}/v1.0/users/delta?$deltatoken=1`;
      if (path.endsWith("/delta")) return { body: { value: [], "@odata.deltaLink": deltaLink } };
      if (path.endsWith("/$count")) return { body: "5000" };
      return ++pages <= 4 ? BUSY : FORBIDDEN;
    },
    (sleeper) => sleeper === 4,
  );
  await assert.rejects(readAll(bed.rig.source, "user"), { code: "permission_missing" });
  assert.deepEqual([bed.sleeping(), bed.openWaits(), pages], [0, 0, 5]);
});

test("a consumer that stops reading leaves nothing on its way", async () => {
  const bed = await bench(
    ({ path, query }, origin) => {
      const deltaLink = `${origin}/v1.0/users/delta?$deltatoken=1`;
      if (path.endsWith("/delta")) {
        const isLatest = query.get("$deltatoken") === "latest";
        return isLatest ? { body: { value: [], "@odata.deltaLink": deltaLink } } : BUSY;
      }
      if (path.endsWith("/$count")) return { body: "1" };
      return { body: { value: [{ id: "u1", displayName: "Ada" }] } };
    },
    () => false,
  );
  assert.equal((await readAll(bed.rig.source, "user", null, 1)).length, 1);
  assert.deepEqual([bed.sleeping(), bed.openWaits()], [0, 0]);
});
