import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectorError } from "@entrain/core";
import { type HttpAnswer, type Transport, TransportFault } from "../shared/http.ts";
import { Limiter } from "./limiter.ts";
import { HASTY, PATIENT, Sender, type SenderRequest } from "./sender.ts";
import { type FakeTime, fakeTime } from "./testing.ts";

const { signal } = new AbortController();
const REQUEST: SenderRequest = { method: "GET", url: new URL("https://graph.example/v1.0/users"), headers: {} };
const OK: HttpAnswer = { status: 200, headers: {}, text: "{}" };

function wait(seconds: number): HttpAnswer {
  return { status: 429, headers: { "retry-after": `${seconds}` }, text: "" };
}

interface Rig {
  readonly time: FakeTime;
  readonly limiter: Limiter;
  /** How often something was sent. */
  sent(): number;
  send(patience?: typeof PATIENT, more?: Partial<SenderRequest>): Promise<HttpAnswer>;
}

/** A sender whose service gives these answers in turn, and then only good ones. */
function rig(...answers: readonly (HttpAnswer | TransportFault)[]): Rig {
  const time = fakeTime();
  const limiter = new Limiter(time, 4);
  let sent = 0;
  const transport: Transport = {
    send: async () => {
      const answer = answers[sent++] ?? OK;
      if (answer instanceof TransportFault) throw answer;
      return answer;
    },
    close: async () => {},
  };
  const sender = new Sender("Microsoft Graph", transport, time, limiter);
  return {
    time,
    limiter,
    sent: () => sent,
    send: (patience, more) => sender.send({ ...REQUEST, ...more }, signal, patience),
  };
}

async function refused(sending: Promise<unknown>): Promise<ConnectorError> {
  const error = await sending.then(
    () => assert.fail("it was sent"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ConnectorError);
  return error;
}

test("sends nothing while a longer wait than anybody's patience lasts, and says how long that is", async () => {
  const { time, sent, send } = rig(wait(600));
  assert.equal((await send(PATIENT)).status, 429);
  time.now += 60_000;
  const error = await refused(send(PATIENT));
  assert.deepEqual([error.code, error.retry, error.retryAfterMs, sent()], ["throttled", "later", 540_000, 1]);
  assert.match(error.message, /^Microsoft Graph asked to be left alone; 540 s of that remain, so nothing was sent\.$/);
  time.now += 300_000;
  assert.equal((await send(PATIENT)).status, 200);
  assert.deepEqual([sent(), time.waits.at(-1)], [2, 240_000]);
});

test("what a hurried request is told holds for patient ones too, and the reverse", async () => {
  const { time, sent, send } = rig(wait(30));
  assert.equal((await send(HASTY)).status, 429);
  assert.equal((await refused(send(HASTY))).code, "throttled");
  assert.deepEqual([sent(), time.waits], [1, []]);
  assert.equal((await send(PATIENT)).status, 200);
  assert.deepEqual(time.waits, [30_000]);
});

test("a clock that is set back makes no wait longer", async () => {
  const { time, limiter, send } = rig();
  limiter.gate.close(10_000, time.now);
  time.now -= 3_600_000;
  await send();
  assert.deepEqual(time.waits, [10_000]);
});

test("what must not happen twice is sent again only when the service refused to look at it", async () => {
  const once = { repeatable: false };
  const busy = rig({ status: 503, headers: {}, text: "" });
  assert.equal((await busy.send(PATIENT, once)).status, 503);
  const cut = rig(new TransportFault("broken", "the connection was cut"));
  assert.equal((await refused(cut.send(PATIENT, once))).code, "answer_invalid");
  const throttled = rig(wait(2));
  assert.equal((await throttled.send(PATIENT, once)).status, 200);
  assert.deepEqual([busy.sent(), cut.sent(), throttled.sent()], [1, 1, 2]);
  assert.equal((await rig({ status: 503, headers: {}, text: "" }).send(PATIENT)).status, 200);
});
