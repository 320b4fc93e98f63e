import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createEntraSource } from "@entrain/connectors/entra";
import { credentialsOf } from "../config/connector-credentials.ts";
import type { ConnectionRow } from "../runs/context.ts";
import { FormBrowser } from "../setup/testing.ts";
import { findGrant } from "../store/grants.ts";
import { ask, type Client, NAMES, startTestServer, type TestServer } from "./testing.ts";

const API = `/api/v1/connections/${NAMES.connection}/authorization`;

interface Scene {
  readonly server: TestServer;
  readonly client: Client;
  readonly row: ConnectionRow;
}

/** A connection that reads on an administrator's behalf, as a public client that may come back to this server. */
async function scene(context: TestContext): Promise<Scene> {
  const server = await startTestServer({ simulator: { people: 20, groups: 2 } });
  context.after(() => server.close());
  const { store } = server.installation;
  const origin = server.url.replace("127.0.0.1", "localhost");
  const { client } = server.simulator.identity.addApp({
    publicFlows: true,
    scopes: ["User.Read", "User.Read.All", "GroupMember.Read.All", "Group.Read.All"],
    publicClient: [`${origin}/connect/authorized`],
  });
  const credential = JSON.stringify([{ id: "one", kind: "delegated" }]);
  await store.transaction((tx) => tx.updateTable("connections").set({ client, credential }).execute());
  const row = await store.db.selectFrom("connections").selectAll().executeTakeFirstOrThrow();
  return { server, client: await server.signIn(), row };
}

/** Opens the link in a browser of its own and signs in at Microsoft: where Microsoft leads back to, and the browser's cookie. */
async function signIn({ server }: Scene, link: string): Promise<{ readonly back: string; readonly cookie: string }> {
  const begun = await ask(link);
  assert.equal(begun.status, 303);
  const set = begun.headers.get("set-cookie") ?? "";
  assert.match(set, /; Path=\/connect\/authorized; HttpOnly; SameSite=Lax$/);
  const account = server.simulator.identity.administrator("Global Administrator");
  const browser = new FormBrowser();
  const login = await browser.open(begun.headers.get("location") ?? "");
  let page = await browser.send(login, { login: account.userPrincipalName, passwd: account.password ?? "" });
  if (page.action !== "") page = await browser.send(page, { consent: "accept" });
  assert.ok(page.location !== null, page.text);
  return { back: page.location, cookie: set.split(";")[0] ?? "" };
}

test("an administrator signs in by the browser, and the connection reads on their behalf", async (context) => {
  const at = await scene(context);
  const { server, client, row } = at;
  const { status, body } = await client.send("POST", API);
  assert.equal(status, 200);
  assert.match(body.redirectUri, /^http:\/\/localhost:\d+\/connect\/authorized$/);
  const { back, cookie } = await signIn(at, body.url);
  const done = await ask(back, { headers: { cookie } });
  assert.equal(done.status, 200, done.text);
  assert.match(done.text, /The connection may read now/);
  const { store, keyring } = server.installation;
  const grant = await findGrant(store, row.id);
  assert.equal(grant?.state, "works");
  const told = await store.db.selectFrom("journal").selectAll().where("action", "=", "authorized").execute();
  assert.deepEqual([told.length, told[0]?.object_id], [1, row.id]);
  const source = createEntraSource({
    cloud: server.simulator,
    tenant: row.tenant,
    client: row.client,
    credentials: credentialsOf(store, keyring, row),
    clock: store.clock,
    random: () => store.clock.random(),
    sleep: (ms, signal) => store.clock.sleep(ms, signal),
  });
  const people: string[] = [];
  for await (const { records } of source.read("user", null, new AbortController().signal)) {
    people.push(...records.map(({ id }) => id));
  }
  await source.close();
  assert.ok(new Set(people).size >= 20);
  assert.ok(!server.log().includes(new URL(back).searchParams.get("code") ?? "-"), "the code stands in the log");
});

test("what comes back counts once, in the browser that began, with the state that was given out", async (context) => {
  const at = await scene(context);
  const { row, server } = at;
  const { store } = server.installation;
  const { body } = await at.client.send("POST", API);
  const { back, cookie } = await signIn(at, body.url);
  const refused = async (url: string, headers: Readonly<Record<string, string>>): Promise<void> => {
    const answer = await ask(url, { headers });
    assert.equal(answer.status, 410);
    assert.match(answer.text, /This link does not work/);
    assert.equal(await findGrant(store, row.id), null);
  };
  await refused(body.url, {});
  await refused(back, {});
  await refused(back, { cookie: `${cookie}x` });
  const forged = new URL(back);
  forged.searchParams.set("state", "forged");
  await refused(forged.href, { cookie });
  const kept = await store.db.selectFrom("connection_authorizations").selectAll().execute();
  assert.ok(
    !JSON.stringify(kept).includes(new URL(back).searchParams.get("state") ?? "-"),
    "the state is kept as it is",
  );
  assert.equal((await ask(back, { headers: { cookie } })).status, 200);
  const again = await ask(back, { headers: { cookie } });
  assert.equal(again.status, 410);
});

test("a refusal of Microsoft's, and a code that is not this sign-in's, are told and keep nothing", async (context) => {
  const at = await scene(context);
  const { row, server } = at;
  for (const change of [
    { error: "access_denied", error_description: "<b>AADSTS65004</b>" },
    { code: "not-a-code" },
  ] as const) {
    const { body } = await at.client.send("POST", API);
    const { back, cookie } = await signIn(at, body.url);
    const url = new URL(back);
    url.searchParams.delete("code");
    for (const [name, value] of Object.entries(change)) url.searchParams.set(name, value);
    const answer = await ask(url.href, { headers: { cookie } });
    assert.equal(answer.status, 403);
    assert.match(answer.text, /The sign-in was refused/);
    assert.ok(!answer.text.includes("<b>"));
    assert.equal(await findGrant(server.installation.store, row.id), null);
  }
});

test("an address that stands under Web is named where Microsoft asks for a secret because of it", async (context) => {
  const at = await scene(context);
  const { identity } = at.server.simulator;
  const origin = at.server.url.replace("127.0.0.1", "localhost");
  identity.changeApp(at.row.client, { web: [`${origin}/connect/authorized`], publicClient: [] });
  const { body } = await at.client.send("POST", API);
  const { back, cookie } = await signIn(at, body.url);
  const answer = await ask(back, { headers: { cookie } });
  assert.equal(answer.status, 403);
  assert.match(answer.text, /AADSTS7000218.*register it under Mobile and desktop applications in its place/s);
  const { body: shown } = await at.client.get(`/api/v1/connections/${NAMES.connection}`);
  assert.equal(shown.signInRedirectUri, `${origin}/connect/authorized`);
});

test("an account of another tenant authorizes nothing, and a link ends with its day", async (context) => {
  const at = await scene(context);
  const { row, server } = at;
  const { store } = server.installation;
  const { body } = await at.client.send("POST", API);
  const past = { expires_at: store.clock.now() - 1 };
  await store.transaction((tx) => tx.updateTable("connection_authorizations").set(past).execute());
  assert.equal((await ask(body.url)).status, 410);
  const second = await at.client.send("POST", API);
  const { back, cookie } = await signIn(at, second.body.url);
  const other = "11111111-2222-4333-8444-555555555555";
  await store.transaction((tx) => tx.updateTable("connections").set({ tenant: other }).execute());
  const answer = await ask(back, { headers: { cookie } });
  assert.equal(answer.status, 403);
  assert.equal(await findGrant(store, row.id), null);
});

test("a connection without a delegated credential gets no link, and one that is loaded ahead uses none up", async (context) => {
  const at = await scene(context);
  const { body } = await at.client.send("POST", API);
  assert.equal((await ask(body.url, { headers: { "sec-purpose": "prefetch" } })).status, 503);
  await signIn(at, body.url);
  const credential = JSON.stringify([{ id: "one", kind: "secret", secret: { env: "NOT_SET" } }]);
  await at.server.installation.store.transaction((tx) => tx.updateTable("connections").set({ credential }).execute());
  const refused = await at.client.send("POST", API);
  assert.deepEqual([refused.status, refused.body.code], [409, "config_invalid"]);
});
