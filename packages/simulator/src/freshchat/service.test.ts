import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { openAccount } from "./testing/account.ts";

// What is claimed here is the vendor's overview (Freshchat API v2: "Authentication", "Status codes"), and what public
// clients of the live API were written against (PostHog and Airbyte sources, python-freshchat).

test("refuses a missing, a wrong and a replaced token with 401 in JSON", async (t) => {
  const { freshchat, call } = await openAccount(t);
  const old = `Bearer ${freshchat.token}`;
  freshchat.setToken("next");
  for (const authorization of ["", "Bearer nope", "Basic abc", old]) {
    const { status, body } = await call("GET", "/agents", undefined, { authorization });
    assert.deepEqual([status, body.code, body.status, typeof body.message], [401, 401, "UNAUTHORIZED", "string"]);
  }
  assert.equal((await call("GET", "/agents")).status, 200);
});

test("answers under whatever name its host is called by", async (t) => {
  const { freshchat } = await openAccount(t);
  for (const host of ["acme-57123-0a1b2c.freshchat.com", "acme.myfreshworks.com", "api.eu.freshchat.com"]) {
    const status = await new Promise((resolve, reject) => {
      const headers = { host, authorization: `Bearer ${freshchat.token}` };
      request(`${freshchat.base}/accounts/configuration`, { headers }, (response) => {
        response.resume().on("end", () => resolve(response.statusCode));
      })
        .on("error", reject)
        .end();
    });
    assert.equal(status, 200);
  }
});

test("as the host of a portal answers every path with 200 and a page, whoever asks", async (t) => {
  const { freshchat, call } = await openAccount(t);
  freshchat.setPortal(true);
  for (const path of ["/accounts/configuration", "/agents", "/nowhere"]) {
    const { status, headers, text } = await call("GET", path, undefined, { authorization: "" });
    assert.deepEqual([status, headers.get("content-type")], [200, "text/html;charset=UTF-8"]);
    assert.match(text, /^<!DOCTYPE html>/);
  }
  freshchat.setPortal(false);
  assert.equal((await call("GET", "/agents")).status, 200);
});

test("tells the account's configuration, wrapped or bare", async (t) => {
  const { freshchat, call } = await openAccount(t);
  const wrapped = (await call("GET", "/accounts/configuration")).body.configuration as Record<string, unknown>;
  assert.equal(typeof wrapped.account_id, "number");
  freshchat.setSwitches({ configuration: "bare" });
  assert.deepEqual((await call("GET", "/accounts/configuration")).body, wrapped);
});

test("knows no PATCH, no bulk writes and no calls to write groups or roles", async (t) => {
  const { call, freshchat } = await openAccount(t, { agents: 1, contacts: 1 });
  const [agent, user] = [freshchat.agents.list()[0], freshchat.users.list()[0]];
  const wrong: readonly (readonly [string, string])[] = [
    ["PATCH", `/agents/${agent?.id}`],
    ["PATCH", `/users/${user?.id}`],
    ["PUT", "/users"],
    ["DELETE", "/agents"],
    ["POST", "/groups"],
    ["POST", "/roles"],
  ];
  for (const [method, path] of wrong) {
    const { status, body } = await call(method, path, { first_name: "X" });
    assert.deepEqual([status, body.code, body.status], [405, 405, "METHOD_NOT_ALLOWED"], `${method} ${path}`);
  }
  assert.equal((await call("POST", "/users", [{ email: "a@x.org" }, { email: "b@x.org" }])).status, 400);
  assert.equal((await call("POST", "/users/fetch", { ids: [] })).status, 405);
  assert.deepEqual([freshchat.agents.list(), freshchat.users.list()], [[agent], [user]]);
});

test("heeds no idempotency key and no ETag, and sends none", async (t) => {
  const { call, freshchat } = await openAccount(t);
  const keyed = { "idempotency-key": "1", "if-none-match": "*", "if-match": '"x"' };
  const first = await call("POST", "/users", { email: "a@x.org" }, keyed);
  const second = await call("POST", "/users", { email: "a@x.org" }, keyed);
  assert.deepEqual([first.status, second.status, freshchat.users.list().length], [201, 201, 2]);
  const read = await call("GET", `/users/${String(first.body.id)}`, undefined, keyed);
  assert.deepEqual([read.status, read.headers.get("etag"), first.headers.get("etag")], [200, null, null]);
  assert.equal((await call("PUT", `/users/${String(first.body.id)}`, {}, { "if-match": '"stale"' })).status, 200);
});

test("answers what it does not know with 404, and a body that is no object with 400", async (t) => {
  const { call } = await openAccount(t);
  for (const path of ["/contacts", "/agents/a/b", "/agents/status", "/users/%"]) {
    const { status, body } = await call("GET", path);
    assert.deepEqual([status, body.code], [404, 404], path);
  }
  for (const body of ["", "{", "[]", "null", '"a"']) assert.equal((await call("POST", "/users", body)).status, 400);
});

test("gives the same ids, token and people for the same seed, and others for another", async (t) => {
  const shown = async (seed: number): Promise<unknown> => {
    const { freshchat, call } = await openAccount(t, { seed, agents: 3, contacts: 3, roles: ["Night shift"] });
    const made = (await call("POST", "/agents", { email: "a@x.org" })).body;
    const { token, agents, users, groups, roles } = freshchat;
    return [token, made, agents.list(), users.list(), groups.list(), roles.list()];
  };
  assert.deepEqual(await shown(7), await shown(7));
  assert.notDeepEqual(await shown(7), await shown(8));
});
