import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { it } from "node:test";
import { SMTPServer } from "smtp-server";
import { Webhook } from "standardwebhooks";
import { DAY, MINUTE, testClock } from "../runs/testing/time.ts";
import { deliveriesOf, deliveryCounts, keepTest, newAlert } from "../store/alerts.ts";
import { openKeyring } from "../store/secrets.ts";
import type { Store } from "../store/store.ts";
import { eachEngine } from "../store/testing.ts";
import { deliverAlerts, deliverTo } from "./deliver.ts";
import { DATA, open, openAt, receive, SECRET, SIGNAL } from "./testing.ts";

async function failures(store: Store): Promise<readonly (string | null)[]> {
  const rows = await store.db.selectFrom("alert_deliveries").select("failure").execute();
  return rows.map(({ failure }) => failure);
}

eachEngine((engine) => {
  it("delivers an alert that the specification's own verifier takes, once", async (context) => {
    const receiver = await receive(context);
    const scene = await open(await engine.open(), { desk: receiver.url });
    await scene.raise();
    await scene.deliver();
    const [got, ...others] = receiver.received;
    assert.ok(got !== undefined && others.length === 0);
    const headers = Object.fromEntries(Object.entries(got.headers).map(([name, value]) => [name, String(value)]));
    const said = new Webhook(SECRET).verify(got.body, headers) as { readonly timestamp: string };
    assert.deepEqual(said, { type: "credential.expiring", timestamp: said.timestamp, data: { ...DATA, days: 6 } });
    assert.match(said.timestamp, /^\d{4}-\d\d-\d\dT[\d:]+\.\d{3}Z$/);
    assert.match(got.id, /^alert_[0-9a-z]{16}$/);
    assert.equal(got.headers["content-type"], "application/json");
    await scene.deliver();
    assert.equal(receiver.received.length, 1);
    assert.deepEqual(scene.lines, []);
  });

  it("tries a receiver that fails with growing pauses, the same id and a new timestamp, for three days", async (context) => {
    const clock = testClock();
    const receiver = await receive(context);
    receiver.answer = (response) => response.writeHead(500).end();
    const scene = await openAt(engine, clock, { desk: receiver.url });
    await scene.raise();
    const begun = clock.now();
    for (let minute = 0; minute < 4 * 24 * 60; minute += 1) {
      clock.advance(MINUTE);
      if (minute % 5 === 0) await scene.deliver();
    }
    const times = receiver.received.map(({ timestamp }) => timestamp);
    const pauses = times.slice(1).map((time, at) => time - (times[at] ?? 0));
    assert.equal(times.length, 10);
    for (const [at, pause] of pauses.entries()) assert.ok(pause >= (pauses[at - 1] ?? 0), pauses.join());
    assert.ok((times.at(-1) ?? 0) - begun / 1000 > 3 * 86_400);
    assert.equal(new Set(receiver.received.map(({ id, body }) => id + body)).size, 1);
    assert.match(
      scene.lines.at(-1) ?? "",
      /did not reach the channel desk and was given up: 127\.0\.0\.1:\d+ answered 500/,
    );
    const row = await scene.store.db.selectFrom("alert_deliveries").selectAll().executeTakeFirstOrThrow();
    assert.deepEqual([row.attempts, row.next_at, row.accepted_at], [10, null, null]);
    assert.ok(!scene.lines.join().includes(SECRET.slice(6, 20)));
  });

  it("waits as long as the receiver asks", async (context) => {
    const clock = testClock();
    const receiver = await receive(context);
    receiver.answer = (response) => response.writeHead(429, { "retry-after": "3600" }).end();
    const scene = await openAt(engine, clock, { desk: receiver.url });
    await scene.raise();
    await scene.deliver();
    receiver.answer = (response) => response.writeHead(200).end();
    clock.advance(50 * MINUTE);
    await scene.deliver();
    assert.equal(receiver.received.length, 1);
    clock.advance(11 * MINUTE);
    await scene.deliver();
    assert.equal(receiver.received.length, 2);
    assert.deepEqual(await failures(scene.store), [null]);
  });

  it("reaches a receiver that was away when the alert was raised", async (context) => {
    const clock = testClock();
    const first = await receive(context);
    const port = Number(new URL(first.url).port);
    const scene = await openAt(engine, clock, { desk: first.url });
    await first.close();
    await scene.raise();
    await scene.deliver();
    assert.match((await failures(scene.store))[0] ?? "", /could not be reached: nothing listens there/);
    const back = await receive(context, port);
    clock.advance(MINUTE);
    await scene.deliver();
    assert.equal(back.received.length, 1);
  });

  it("sends nothing more where 410 was the answer, until the channel is configured anew", async (context) => {
    const receiver = await receive(context);
    receiver.answer = (response) => response.writeHead(410).end();
    const clock = testClock();
    const scene = await openAt(engine, clock, { desk: receiver.url });
    await scene.raise(30);
    clock.advance(MINUTE);
    await scene.raise(14);
    await scene.deliver();
    await scene.raise(7);
    clock.advance(DAY);
    await scene.deliver();
    assert.equal(receiver.received.length, 1);
    assert.match(scene.lines.join("\n"), /The channel desk is disabled: .* answered 410/);
    const { disabled_of } = await scene.store.db.selectFrom("channels").selectAll().executeTakeFirstOrThrow();
    assert.match(disabled_of ?? "", /wants no more alerts/);
    receiver.answer = (response) => response.writeHead(204).end();
    const url = `${receiver.url}?again`;
    await scene.apply(JSON.stringify({ channels: { desk: { type: "webhook", url, secret: { env: "HOOK" } } } }));
    await scene.raise(1);
    await scene.deliver();
    const bodies = receiver.received.map(({ body }) => JSON.parse(body) as { readonly data: typeof DATA });
    assert.deepEqual(
      bodies.map(({ data }) => data.days),
      [30, 1],
    );
  });

  it("sends again under the same id what was broken off, and never again what was accepted, over restarts", async (context) => {
    const location = await engine.place();
    const clock = testClock();
    const receiver = await receive(context);
    const first = await open(await engine.open({ location, clock }), { desk: receiver.url });
    await first.raise();
    receiver.answer = () => undefined;
    const stopping = new AbortController();
    const heard = receiver.next();
    const loop = deliverAlerts(first.sender, first.log, stopping.signal);
    await heard;
    stopping.abort();
    await loop;
    await first.store.close();
    receiver.answer = (response) => response.writeHead(200).end();
    const second = await open(await engine.open({ location, clock }), { desk: receiver.url });
    await second.deliver();
    clock.advance(2 * MINUTE);
    await second.deliver();
    assert.equal(receiver.received.length, 2);
    assert.equal(receiver.received[0]?.id, receiver.received[1]?.id);
    await second.store.close();
    const third = await open(await engine.open({ location, clock }), { desk: receiver.url });
    clock.advance(30 * DAY);
    await third.deliver();
    assert.equal(receiver.received.length, 2);
  });

  it("lets one of several processes send", async (context) => {
    const location = await engine.place();
    const receiver = await receive(context);
    const one = await open(await engine.open({ location }), { desk: receiver.url });
    const other = await open(await engine.open({ location }), { desk: receiver.url });
    for (const days of [60, 30, 14]) await one.raise(days);
    await Promise.all([one.deliver(), other.deliver()]);
    await one.deliver();
    assert.equal(new Set(receiver.received.map(({ id }) => id)).size, 3);
    assert.equal(receiver.received.length, 3);
  });

  for (const [end, status, other] of [
    ["takes it", 204, 500],
    ["fails", 500, 204],
  ] as const) {
    it(`sends no second time what another process sends to a receiver that is slow and then ${end}`, async (context) => {
      const location = await engine.place();
      const clock = testClock();
      const receiver = await receive(context);
      const first = await open(await engine.open({ location, clock }), { desk: receiver.url });
      const second = await open(await engine.open({ location, clock }), { desk: receiver.url });
      await first.raise();
      const held: ServerResponse[] = [];
      receiver.answer = (response) => void held.push(response);
      const heard = receiver.next();
      const sending = first.deliver();
      await heard;
      receiver.answer = (response) => response.writeHead(other).end();
      clock.advance(19_000);
      await second.deliver();
      assert.equal(receiver.received.length, 1);
      held[0]?.writeHead(status).end();
      await sending;
      receiver.answer = (response) => response.writeHead(204).end();
      clock.advance(DAY);
      await second.deliver();
      assert.equal(receiver.received.length, status === 204 ? 1 : 2);
    });
  }

  it("sends nothing more to a channel that was found gone while another attempt was under way there", async (context) => {
    const location = await engine.place();
    const clock = testClock();
    const receiver = await receive(context);
    const first = await open(await engine.open({ location, clock }), { desk: receiver.url });
    const second = await open(await engine.open({ location, clock }), { desk: receiver.url });
    await first.raise(30);
    const held: ServerResponse[] = [];
    receiver.answer = (response) => void held.push(response);
    const heard = receiver.next();
    const sending = first.deliver();
    await heard;
    await second.raise(14);
    receiver.answer = (response) => response.writeHead(410).end();
    await second.deliver();
    held[0]?.writeHead(500).end();
    await sending;
    clock.advance(DAY);
    await first.deliver();
    assert.equal(receiver.received.length, 2);
    const rows = await first.store.db.selectFrom("alert_deliveries").select("next_at").execute();
    assert.deepEqual(
      rows.map(({ next_at }) => next_at),
      [null, null],
    );
  });

  it("keeps no channel waiting for a receiver that does not answer", async (context) => {
    const [slow, quick] = [await receive(context), await receive(context)];
    slow.answer = () => undefined;
    const scene = await open(await engine.open({ clock: testClock() }), { a: slow.url, b: quick.url });
    const stopping = new AbortController();
    await scene.raise(30);
    const [slowHeard, quickHeard] = [slow.next(), quick.next()];
    const loop = deliverAlerts(scene.sender, scene.log, stopping.signal);
    await Promise.all([slowHeard, quickHeard]);
    const again = quick.next();
    await scene.raise(14);
    await again;
    stopping.abort();
    await loop;
    assert.equal(slow.received.length, 1);
    assert.equal(quick.received.length, 2);
  });

  it("counts a secret that cannot be read as an attempt that failed, and says which one", async (context) => {
    const receiver = await receive(context);
    const clock = testClock();
    const scene = await openAt(engine, clock, { desk: receiver.url });
    await scene.raise();
    const { store } = scene;
    const keyring = await openKeyring(store, { key: "00".repeat(32), folder: "", environment: {} });
    const { id } = await store.db.selectFrom("channels").select("id").executeTakeFirstOrThrow();
    await deliverTo({ store, keyring }, id, scene.log, SIGNAL);
    assert.match((await failures(store))[0] ?? "", /environment variable HOOK/);
    assert.equal(receiver.received.length, 0);
    clock.advance(MINUTE);
    await scene.deliver();
    assert.equal(receiver.received.length, 1);
  });

  it("keeps whom a mail server refused of a mail that it took, and does not send it again", async (context) => {
    const clock = testClock();
    let taken = 0;
    const server = new SMTPServer({
      disabledCommands: ["STARTTLS", "AUTH"],
      onRcptTo: ({ address }, _session, callback) => {
        if (!address.startsWith("gone")) callback();
        else callback(Object.assign(new Error("No such user"), { responseCode: 550 }));
      },
      onData: (stream, _session, callback) => {
        taken += 1;
        stream.on("end", () => callback()).resume();
      },
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    context.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
    const scene = await openAt(engine, clock, {});
    const { port } = server.server.address() as AddressInfo;
    const to = ["it@example.com", "gone@example.com"];
    const desk = { type: "email", host: "127.0.0.1", port, tls: "none", from: "entrain@example.com", to };
    await scene.apply(JSON.stringify({ channels: { desk } }));
    await scene.raise();
    await scene.deliver();
    clock.advance(DAY);
    await scene.deliver();
    assert.equal(taken, 1);
    assert.match(
      scene.lines.join("\n"),
      /reached the channel desk in part: .* refused gone@example\.com \(550 No such/,
    );
    const row = await scene.store.db.selectFrom("alert_deliveries").selectAll().executeTakeFirstOrThrow();
    assert.deepEqual([row.next_at, row.accepted_at === null], [null, false]);
    assert.match(row.failure ?? "", /refused gone@example\.com/);
    const { failure, acceptedAt } = await deliveryCounts(scene.store, row.channel);
    assert.deepEqual([failure, acceptedAt], [null, row.accepted_at]);
  });

  it("takes a channel that accepted a test for one that works, and what waits there is due at once", async (context) => {
    const clock = testClock();
    const receiver = await receive(context);
    const scene = await openAt(engine, clock, { desk: receiver.url });
    receiver.answer = (response) => response.writeHead(500).end();
    await scene.raise();
    await scene.deliver();
    const { id: channel } = await scene.store.db.selectFrom("channels").select("id").executeTakeFirstOrThrow();
    assert.match((await deliveryCounts(scene.store, channel)).failure ?? "", /answered 500/);
    clock.advance(MINUTE);
    const alert = newAlert(scene.store, { type: "test", data: { channel: "desk", detail: "It does." } });
    await keepTest(scene.store, { alert, channel, note: null });
    assert.deepEqual(await deliveryCounts(scene.store, channel), { waiting: 1, acceptedAt: null, failure: null });
    receiver.answer = (response) => response.writeHead(204).end();
    await scene.deliver();
    assert.equal((await deliveryCounts(scene.store, channel)).waiting, 0);
  });

  it("reaches a mail server that was away when the alert was raised, and sends it nothing twice", async (context) => {
    const clock = testClock();
    const scene = await openAt(engine, clock, {});
    const desk = { type: "email", host: "127.0.0.1", port: 9, tls: "none", from: "a@b.example", to: ["c@d.example"] };
    await scene.apply(JSON.stringify({ channels: { desk } }));
    await scene.raise();
    await scene.deliver();
    assert.match((await failures(scene.store))[0] ?? "", /127\.0\.0\.1:9 could not be reached: nothing listens there/);
    const server = new SMTPServer({
      disabledCommands: ["STARTTLS", "AUTH"],
      onData: (stream, _session, callback) => {
        stream.on("end", () => callback()).resume();
      },
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    context.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
    const { port } = server.server.address() as AddressInfo;
    await scene.apply(JSON.stringify({ channels: { desk: { ...desk, port } } }));
    clock.advance(MINUTE);
    await scene.deliver();
    const row = await scene.store.db.selectFrom("alert_deliveries").selectAll().executeTakeFirstOrThrow();
    assert.deepEqual([row.attempts, row.next_at, row.failure], [2, null, null]);
  });

  it("forgets with a channel what was on its way there, and after 90 days what was told", async (context) => {
    const receiver = await receive(context);
    const clock = testClock();
    const scene = await openAt(engine, clock, { desk: receiver.url, other: receiver.url });
    const { store } = scene;
    const { id } = await store.db
      .selectFrom("channels")
      .select("id")
      .where("name", "=", "desk")
      .executeTakeFirstOrThrow();
    await scene.raise(30);
    await scene.deliver("other");
    clock.advance(91 * DAY);
    await scene.raise(14);
    assert.equal((await deliveriesOf(store, id, 10)).length, 2);
    const other = JSON.stringify({ type: "webhook", url: receiver.url, secret: { env: "HOOK" } });
    await scene.apply(`channels: { other: ${other} }`, { prune: true });
    assert.equal((await deliveriesOf(store, id, 10)).length, 0);
    await scene.raise(7);
    const told = await store.db.selectFrom("alerts").select("data").execute();
    assert.deepEqual(told.map(({ data }) => JSON.parse(data).days).sort(), [14, 7]);
  });
});
