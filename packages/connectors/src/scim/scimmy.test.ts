import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, test } from "node:test";
import type { Attributes, Target, TargetChange } from "@entrain/core";
import fc from "fast-check";
import { createScimTarget } from "./index.ts";
import { equalsFilter } from "./reading.ts";
import { matching, type ScimServer, type ScimServerOptions, startScimServer } from "./testing/index.ts";

const TOKEN = "test-token";
const signal = new AbortController().signal;
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

function targetOf(baseUrl: string): Target {
  const clock = { now: () => 0, random: () => 0.5, sleep: async () => {} };
  const target = createScimTarget({ baseUrl, token: () => TOKEN, clock, userAgent: "Entrain-test" });
  closing.push(target.close);
  return target;
}

async function start(options: Partial<ScimServerOptions> = {}): Promise<{ server: ScimServer; target: Target }> {
  const server = await startScimServer({ token: TOKEN, now: () => 7, ...options });
  const target = targetOf(server.baseUrl);
  closing.push(server.close);
  return { server, target };
}

const creation = (kind: string, set: Attributes): TargetChange => ({
  ordinal: 0,
  kind,
  action: "create",
  recordId: null,
  set,
});
const ada = creation("user", { userName: "ada@example.org", externalId: "A" });

test("creates one record when a creation takes effect after its sender is gone and is sent again", async () => {
  const received = Promise.withResolvers<void>();
  const mayCommit = Promise.withResolvers<void>();
  const committed = Promise.withResolvers<void>();
  const { server, target } = await start({
    beforeCommit: async ({ ordinal }) => {
      if (ordinal > 0) return;
      received.resolve();
      await mayCommit.promise;
    },
    onEvent: (event) => event === "committed" && committed.resolve(),
  });
  const stop = new AbortController();
  const first = target.apply([ada], stop.signal);
  await received.promise;
  stop.abort();
  assert.equal((await first)[0]?.status, "unknown");
  mayCommit.resolve();
  await committed.promise;
  const [second] = await target.apply([ada], signal);
  assert.deepEqual(second && "code" in second && [second.status, second.code, second.retry], [
    "refused",
    "exists",
    "now",
  ]);
  assert.match(String(second?.detail), /user-00000001 has the same externalId/);
  assert.deepEqual([...server.store.users.keys()], ["user-00000001"]);
});

test("creates one record when a second creation overtakes the first", async () => {
  const received = Promise.withResolvers<void>();
  const mayCommit = Promise.withResolvers<void>();
  const { server, target } = await start({
    beforeCommit: async ({ ordinal }) => {
      if (ordinal > 0) return;
      received.resolve();
      await mayCommit.promise;
    },
  });
  const first = target.apply([ada], signal);
  await received.promise;
  assert.equal((await target.apply([ada], signal))[0]?.status, "applied");
  mayCommit.resolve();
  assert.equal((await first)[0]?.status, "refused");
  assert.equal(server.store.users.size, 1);
});

test("creates a group once, and two groups of one name that are not the same group", async () => {
  const { server, target } = await start();
  const sales = (externalId?: string) =>
    creation("group", { displayName: "Sales", ...(externalId !== undefined && { externalId }) });
  const outcomes = [];
  for (const change of [sales("1"), sales("1"), sales("2"), sales()]) {
    outcomes.push(...(await target.apply([change], signal)));
  }
  assert.deepEqual(
    outcomes.map((outcome) => ("code" in outcome ? outcome.code : outcome.status)),
    ["applied", "exists", "applied", "exists"],
  );
  assert.equal(server.store.groups.size, 2);
});

test("declares a settling time for groups alone", async () => {
  const { target } = await start();
  assert.deepEqual(
    target.kinds.map(({ name, settleMs }) => [name, settleMs]),
    [
      ["user", 0],
      ["group", 10_000],
    ],
  );
});

test("keeps a log of what was received, took effect and was answered", async () => {
  const { server, target } = await start({
    beforeAnswer: async (request) => void assert.equal(request.committedAt, 7),
  });
  await target.apply([ada], signal);
  await target.find("user", "userName", ["ada@example.org"], signal);
  const [write, read] = server.requests;
  assert.deepEqual(
    { ...write, bytes: Number(write?.bytes) > 0 },
    {
      ordinal: 0,
      method: "POST",
      path: "/Users",
      userAgent: "Entrain-test",
      bytes: true,
      receivedAt: 7,
      committedAt: 7,
      status: 201,
    },
  );
  assert.deepEqual([read?.method, read?.committedAt, read?.status], ["GET", null, 200]);
});

test("comes through a server that throttles, and one that cuts connections", async () => {
  let requests = 0;
  const faults = [{ status: 429, headers: { "retry-after": "1" } }, null, "cut", { status: 502 }] as const;
  const { server, target } = await start({ fault: () => faults[requests++] ?? null });
  assert.equal((await target.apply([ada], signal))[0]?.status, "applied");
  const [record] = await target.find("user", "userName", ["ada@example.org"], signal);
  assert.equal(record?.id, "user-00000001");
  assert.equal(server.requests.length, 5);
});

test("makes a filter that selects exactly the value, whatever it holds", () => {
  const store = ["a", 'a"', "a\\", '" or userName pr or userName eq "', "ä", "", "%", "*"].map((userName, n) => ({
    id: `${n}`,
    userName,
  }));
  const hostile = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: fc.constantFrom('"', "\\", "'", "(", ")", "[", "]", " ", "or", "eq", "\n", "\u0000", "*", "%") }),
    fc.constantFrom(...store.map(({ userName }) => userName)),
  );
  fc.assert(
    fc.property(hostile, (value) => {
      const query = new URLSearchParams(`filter=${encodeURIComponent(equalsFilter("userName", value))}&count=1`);
      assert.deepEqual([...query.keys()], ["filter", "count"]);
      const filter = query.get("filter") ?? "";
      assert.deepEqual(
        matching(store, filter).map(({ userName }) => userName),
        store.map(({ userName }) => userName).filter((name) => name.toLowerCase() === value.toLowerCase()),
      );
    }),
    { numRuns: 1_000 },
  );
});

test("runs the server as a process of its own that logs each event", async () => {
  const folder = await mkdtemp(join(tmpdir(), "entrain-scim-"));
  const log = join(folder, "requests.jsonl");
  const script = join(import.meta.dirname, "testing/run.ts");
  const child = spawn(process.execPath, [script, "--log", log, "--delay-before-commit", "1"], {
    env: { ...process.env, SCIM_TOKEN: TOKEN },
    stdio: ["ignore", "pipe", "inherit"],
  });
  closing.push(async () => {
    child.kill();
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    await rm(folder, { recursive: true });
  });
  const [line] = await once(createInterface(child.stdout), "line");
  const outcome = await targetOf(JSON.parse(line).baseUrl).apply([ada], signal);
  assert.equal(outcome[0]?.status, "applied");
  // Whether the third event, `answered`, stands there before the answer is read here is nobody's promise.
  const events = (await readFile(log, "utf8")).trim().split("\n").slice(0, 2);
  assert.deepEqual(
    events.map((each) => JSON.parse(each).event),
    ["received", "committed"],
  );
});
