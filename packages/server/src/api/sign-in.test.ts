import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Clock, systemClock } from "../clock.ts";
import { ask, startTestServer, type TestServer } from "./testing.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe("signing in", () => {
  let ahead = 0;
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + ahead };
  let server: TestServer;

  before(async () => {
    server = await startTestServer({ clock });
  });
  after(async () => await server.close());

  it("turns a link into a session whose cookie scripts and other sites cannot use", async () => {
    const { status, headers } = await ask(await server.link());
    assert.equal(status, 303);
    assert.equal(headers.get("location"), "/");
    assert.equal(headers.get("referrer-policy"), "no-referrer");
    assert.equal(headers.get("cache-control"), "no-store");
    assert.match(
      headers.get("set-cookie") ?? "",
      /^entrain-\w{8}=[\w-]{43}; Max-Age=28800; Path=\/; HttpOnly; SameSite=Strict$/,
    );
  });

  it("signs in once however many open the link at the same time", async () => {
    const link = await server.link();
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(link)));
    assert.equal(answers.filter(({ status }) => status === 303).length, 1);
    for (const { status, headers, text } of answers.filter(({ status: one }) => one !== 303)) {
      assert.equal(status, 410);
      assert.equal(headers.get("set-cookie"), null);
      assert.match(text, /npx entrain operator link/);
      assert.match(headers.get("content-security-policy") ?? "", /^default-src 'none'; style-src 'sha256-/);
    }
  });

  it("says how to get a new link where one is old, incomplete or made up", async () => {
    const link = await server.link();
    ahead += 10 * MINUTE + 1;
    for (const old of [
      link,
      `${server.url}/sign-in`,
      `${server.url}/sign-in?token=`,
      `${server.url}/sign-in?token=abc`,
    ]) {
      const { status, text } = await ask(old);
      assert.equal(status, 410, old);
      assert.match(text, /This link does not sign you in/);
    }
  });

  it("is not used up by programs that only look at it", async () => {
    const link = await server.link();
    assert.equal((await ask(link, { method: "HEAD" })).status, 404);
    assert.equal((await ask(link, { headers: { "sec-purpose": "prefetch;prerender" } })).status, 503);
    assert.equal((await ask(link)).status, 303);
  });

  it("ends after eight hours, as the store, the cookie and the answer say alike", async () => {
    const { headers } = await ask(await server.link());
    const [, kept] = /Max-Age=(\d+);/.exec(headers.get("set-cookie") ?? "") ?? [];
    const client = await server.signIn();
    const rows = await server.installation.store.db.selectFrom("sessions").selectAll().execute();
    for (const row of rows) assert.equal(row.expires_at - row.created_at, Number(kept) * 1000);
    assert.equal(Number(kept) * 1000, 8 * HOUR);
    const { body } = await client.get("/api/v1/session");
    assert.ok(rows.some((row) => row.expires_at === body.expiresAt));
    ahead += 8 * HOUR - MINUTE;
    assert.equal((await client.get("/api/v1/session")).status, 200);
    ahead += 2 * MINUTE;
    assert.equal((await client.get("/api/v1/session")).status, 401);
  });

  it("ends at once when the operator signs out, for every answer that is still under way too", async () => {
    const client = await server.signIn();
    const stream = await fetch(`${server.url}/api/v1/events`, { headers: { cookie: client.cookie } });
    assert.equal(stream.status, 200);
    const out = await client.send("DELETE", "/api/v1/session");
    assert.equal(out.status, 204);
    assert.match(out.headers.get("set-cookie") ?? "", /^entrain-\w{8}=; .*Expires=Thu, 01 Jan 1970/);
    assert.equal((await client.get("/api/v1/session")).status, 401);
    await stream.text(); // Ends by itself.
  });

  it("slows down whoever tries many links", async () => {
    const one = await startTestServer();
    try {
      const answers: number[] = [];
      for (let i = 0; i < 25; i += 1) answers.push((await ask(`${one.url}/sign-in?token=guess${i}`)).status);
      assert.equal(answers.filter((status) => status === 410).length, 20);
      const { status, headers, body } = await ask(`${one.url}/sign-in?token=guess`);
      assert.equal(status, 429);
      assert.equal(body.code, "too_many_requests");
      assert.ok(Number(headers.get("retry-after")) > 0);
    } finally {
      await one.close();
    }
  });

  it("binds the cookie to the host and to encryption where the console is reached over TLS", async () => {
    const one = await startTestServer({ api: { publicOrigin: "https://entrain.contoso.example" } });
    try {
      const { headers } = await ask(await one.link());
      assert.match(
        headers.get("set-cookie") ?? "",
        /^__Host-entrain-\w{8}=[\w-]{43}; Max-Age=28800; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
      );
      assert.match(headers.get("strict-transport-security") ?? "", /^max-age=31536000/);
    } finally {
      await one.close();
    }
  });
});
