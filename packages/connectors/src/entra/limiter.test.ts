import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startSimulator } from "@entrain/simulator";
import { costOf } from "./costs.ts";
import { Limiter } from "./limiter.ts";

const signal = new AbortController().signal;

/** Time that passes only when everybody waits: the earliest sleeper wakes first. */
class Timeline {
  now = Date.parse("2026-03-01T12:00:00Z");
  readonly #sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();
  readonly runtime: ConstructorParameters<typeof Limiter>[0] = {
    clock: { now: () => this.now },
    sleep: (ms, signal) =>
      new Promise((wake, reject) => {
        this.#sleepers.add({ until: this.now + ms, wake });
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      }),
  };

  get sleeping(): number {
    return this.#sleepers.size;
  }

  /** Lets time pass until the next sleeper's end; false when nobody sleeps. */
  pass(): boolean {
    const next = [...this.#sleepers].sort((a, b) => a.until - b.until)[0];
    if (next === undefined) return false;
    this.#sleepers.delete(next);
    this.now = Math.max(this.now, next.until);
    next.wake();
    return true;
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function priced(path: string, method = "GET"): { readonly method: string; readonly url: URL } {
  return { method, url: new URL(`https://graph.example/v1.0${path}`) };
}

test("prices requests as Microsoft publishes it", () => {
  const prices: readonly (readonly [string, number])[] = [
    ["/users", 2],
    ["/users?$select=id", 1],
    ["/users?$top=999&$select=id&$expand=manager($select=id)", 2],
    ["/users/1?$select=id", 1],
    ["/groups/1/members", 3],
    ["/groups/1/members?$top=999&$select=id", 2],
    ["/groups/1/members?$top=5&$select=id", 1],
    ["/groups/1/transitiveMembers", 5],
    ["/groups?$select=id", 1],
    ["/subscribedSkus", 3],
    ["/users/1/memberOf", 2],
  ];
  for (const [path, units] of prices)
    assert.deepEqual(costOf(priced(path)), { service: "directory", units, writes: 0 }, path);
  const requests = [1, 2].map((id) => ({ id, method: "GET", url: `/groups/${id}/members?$select=id` }));
  const batch = { ...priced("/$batch", "POST"), body: JSON.stringify({ requests }) };
  assert.deepEqual(costOf(batch), { service: "directory", units: 4, writes: 0 });
  assert.deepEqual(costOf(priced("/users/1", "PATCH")), { service: "directory", units: 1, writes: 1 });
});

test("lets in as many at a time as it may, the most urgent first", async () => {
  const limiter = new Limiter(new Timeline().runtime, 2);
  const leaves = [await limiter.enter(priced("/users"), signal), await limiter.enter(priced("/users"), signal)];
  const order: string[] = [];
  const waiting = (["last", "normal", "next"] as const).map(async (urgency) => {
    const leave = await limiter.enter(priced("/users"), signal, urgency);
    order.push(urgency);
    leave(null);
  });
  await settled();
  assert.deepEqual(order, []);
  for (const leave of leaves) leave(null);
  await Promise.all(waiting);
  assert.deepEqual(order, ["next", "normal", "last"]);
});

test("forgets who stops waiting", async () => {
  const limiter = new Limiter(new Timeline().runtime, 1);
  const leave = await limiter.enter(priced("/users"), signal);
  const stop = new AbortController();
  const waits = limiter.enter(priced("/users"), stop.signal);
  const next = limiter.enter(priced("/users"), signal);
  stop.abort(new Error("Ctrl-C"));
  await assert.rejects(waits, /Ctrl-C/);
  leave(null);
  (await next)(null);
});

test("sends to slow services as seldom as they allow", async () => {
  for (const [path, count, ms] of [
    ["/auditLogs/signIns", 5, 10_000],
    ["/identity/conditionalAccess/policies", 1, 1000],
  ] as const) {
    const time = new Timeline();
    const limiter = new Limiter(time.runtime, 16);
    const sent: number[] = [];
    const all = Array.from({ length: 4 * count }, async () => {
      (await limiter.enter(priced(path), signal))(null);
      sent.push(time.now);
    });
    for (await settled(); time.pass(); ) await settled();
    await Promise.all(all);
    for (const [at, when] of sent.entries()) {
      // A bucket of `count` that refills in `ms`: so much may have gone by then, and no more.
      assert.ok(
        at + 1 <= count + ((when - (sent[0] ?? 0)) * count) / ms,
        `${path} ${at} after ${when - (sent[0] ?? 0)} ms`,
      );
    }
  }
});

const closing: (() => Promise<void>)[] = [];
after(() => Promise.all(closing.map((close) => close())));

const SECONDS = 10;

for (const [people, capacity] of [
  [40, 3500],
  [600, 8000],
] as const) {
  for (const others of [0, 4]) {
    const beside = others === 0 ? "alone" : "beside somebody who uses a share of the same limit";
    test(`is hardly ever refused in a tenant of ${people} people, ${beside}, and uses what it may`, async () => {
      const time = new Timeline();
      const clock = (): number => time.now;
      const simulator = await startSimulator({ people, groups: 3, seed: 1, throttle: "published", clock });
      closing.push(() => simulator.close());
      const authorization = `Bearer ${await signIn(simulator)}`;
      const limiter = new Limiter(time.runtime, 16);
      const end = time.now + SECONDS * 1000;
      const seen = { inFlight: 0, sent: 0, refused: 0, units: 0, ended: 0 };
      const ask = async (path: string): Promise<Response> => {
        seen.inFlight += 1;
        const answer = await fetch(`${simulator.graph}/v1.0${path}`, { headers: { authorization } });
        const text = await answer.clone().text();
        seen.inFlight -= 1;
        assert.ok(answer.ok || answer.status === 429, text);
        if (answer.ok) seen.units += Number(answer.headers.get("x-ms-resource-unit"));
        return answer;
      };
      const { value } = (await (await ask("/groups?$select=id")).json()) as Listed;
      const path = `/groups/${value[0]?.id}/transitiveMembers`;
      const lane = async (): Promise<void> => {
        while (time.now < end) {
          const leave = await limiter.enter(priced(path), signal);
          if (seen.sent % 10 < others) await ask(path);
          const answer = await ask(path);
          seen.sent += 1;
          await time.runtime.sleep(20, signal);
          leave({ status: answer.status, headers: Object.fromEntries(answer.headers) });
          if (answer.status !== 429) continue;
          seen.refused += 1;
          await time.runtime.sleep(Number(answer.headers.get("retry-after")) * 1000, signal);
        }
        seen.ended += 1;
      };
      const lanes = Array.from({ length: 16 }, lane);
      while (seen.ended < lanes.length) {
        await settled();
        if (seen.inFlight === 0) time.pass();
      }
      await Promise.all(lanes);
      assert.ok(seen.refused <= seen.sent * 0.01, `${seen.refused} of ${seen.sent} were refused`);
      const possible = capacity + (capacity * SECONDS) / 10;
      assert.ok(seen.units >= possible * 0.8, `${seen.units} units were used of ${possible}`);
    });
  }
}

interface Listed {
  readonly value: readonly { readonly id: string }[];
}

async function signIn(simulator: Awaited<ReturnType<typeof startSimulator>>): Promise<string> {
  const response = await fetch(`${simulator.login}/${simulator.tenant}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: simulator.client,
      client_secret: simulator.secret,
      scope: "https://graph.microsoft.com/.default",
    }),
  });
  return ((await response.json()) as { readonly access_token: string }).access_token;
}
