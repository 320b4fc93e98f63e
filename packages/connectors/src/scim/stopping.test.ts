import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { Target, TargetChange } from "@entrain/core";
import { createScimTarget, type ScimTargetOptions } from "./index.ts";
import { startScimServer } from "./testing/index.ts";
import { type ScriptedAnswer, type ScriptedRequest, startScriptedServer } from "./testing/scripted-server.ts";

const TOKEN = "test-token";
const signal = new AbortController().signal;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A clock on which whoever sleeps sleeps until the work is stopped, but for the sleepers who are let go. */
class Bed {
  sleeping = 0;
  slept = 0;
  readonly #wakes: (sleeper: number) => boolean;

  constructor(wakes: (sleeper: number) => boolean = () => false) {
    this.#wakes = wakes;
  }

  now(): number {
    return 0;
  }

  random(): number {
    return 0.5;
  }

  async sleep(_ms: number, until: AbortSignal): Promise<void> {
    this.slept += 1;
    if (this.#wakes(this.slept)) return;
    this.sleeping += 1;
    try {
      await new Promise((_resolve, reject) => {
        until.addEventListener("abort", () => reject(until.reason), { once: true });
      });
    } finally {
      this.sleeping -= 1;
    }
  }
}

function targetOf(baseUrl: string, options: Partial<ScimTargetOptions> & Pick<ScimTargetOptions, "clock">): Target {
  const target = createScimTarget({ baseUrl, token: () => TOKEN, ...options });
  closing.push(target.close);
  return target;
}

async function script(answer: (request: ScriptedRequest, ordinal: number) => ScriptedAnswer) {
  const server = await startScriptedServer(answer);
  closing.push(server.close);
  return server;
}

const many = Array.from({ length: 60 }, (_, at) => `name-${at}`);
const busy: ScriptedAnswer = { status: 500 };
const stranger: ScriptedAnswer = {
  status: 200,
  body: { totalResults: 1, Resources: [{ id: "u0", userName: "somebody.else" }] },
};

test("a look-up that fails ends those beside it and begins no other: all is over when the fault is told", async () => {
  for (const look of ["find", "get"] as const) {
    // Three of four wait before they ask again; the fourth asks at once, and hears something that cannot be.
    const clock = new Bed((sleeper) => sleeper === 4);
    const waits: number[] = [];
    const server = await script((_, ordinal) => (ordinal < 4 ? busy : stranger));
    const onWait: ScimTargetOptions["onWait"] = (wait) => waits.push(wait === null ? -1 : 1);
    const target = targetOf(server.baseUrl, { clock, onWait, concurrency: 4 });
    const asked =
      look === "find"
        ? target.find("user", "userName", many, signal)
        : target.get("user", many, { members: false }, signal);
    await assert.rejects(asked, { code: "answer_invalid" });
    assert.deepEqual([clock.sleeping, server.requests.length], [0, 5]);
    assert.equal(
      waits.reduce((open, one) => open + one, 0),
      0,
    );
  }
});

test("a stop ends all look-ups with its reason", async () => {
  const stop = new AbortController();
  const reason = new Error("enough");
  const clock = new Bed();
  const server = await script((_, ordinal) => {
    if (ordinal === 3) setImmediate(() => stop.abort(reason));
    return busy;
  });
  const target = targetOf(server.baseUrl, { clock, concurrency: 4 });
  await assert.rejects(target.find("user", "userName", many, stop.signal), reason);
  assert.deepEqual([clock.sleeping, server.requests.length], [0, 4]);
});

test("a target that was closed on this side sends nothing, and waits for nothing", async () => {
  const clock = new Bed();
  const waits: unknown[] = [];
  const server = await script(() => busy);
  const target = targetOf(server.baseUrl, { clock, onWait: (wait) => waits.push(wait) });
  await target.close();
  const creation: TargetChange = { ordinal: 0, kind: "user", action: "create", recordId: null, set: { userName: "a" } };
  for (const attempt of [
    () => target.find("user", "userName", ["a"], signal),
    () => target.get("user", ["u1"], { members: false }, signal),
    () => target.apply([creation], signal),
  ]) {
    await assert.rejects(attempt(), { code: "cancelled", message: /closed on this side/ });
  }
  assert.deepEqual([server.requests.length, waits, clock.slept], [0, [], 0]);
});

test("closing a target ends what waits to be sent again", async () => {
  const asleep = Promise.withResolvers<void>();
  const clock = new Bed((sleeper) => {
    if (sleeper === 1) asleep.resolve();
    return false;
  });
  const server = await script(() => busy);
  const target = targetOf(server.baseUrl, { clock });
  const found = assert.rejects(target.find("user", "userName", ["a"], signal), { code: "server_failed" });
  await asleep.promise;
  await target.close();
  await found;
  assert.deepEqual([clock.sleeping, server.requests.length], [0, 1]);
});

test("a write that breaks lets those that were sent end, and begins no other, before its fault is told", async () => {
  const order: string[] = [];
  const maySettle = Promise.withResolvers<void>();
  const server = await startScimServer({
    token: TOKEN,
    now: () => 0,
    fault: ({ ordinal }) => (ordinal === 0 ? { status: 429, headers: { "retry-after": "1" } } : null),
    beforeAnswer: async () => await maySettle.promise,
    onEvent: (event) => order.push(event),
  });
  closing.push(server.close);
  const broken = new Error("the clock is broken");
  const sleep = async (): Promise<void> => {
    setImmediate(maySettle.resolve);
    throw broken;
  };
  const clock = { now: () => 0, random: () => 0.5, sleep };
  const target = targetOf(server.baseUrl, { clock, concurrency: 2 });
  const creations = ["a", "b", "c", "d"].map(
    (userName, ordinal): TargetChange => ({
      ordinal,
      kind: "user",
      action: "create",
      recordId: null,
      set: { userName },
    }),
  );
  await assert.rejects(target.apply(creations, signal), broken);
  assert.equal(server.requests.length, server.requests.filter(({ status }) => status !== null).length);
  assert.equal(server.requests.length, 2);
});
