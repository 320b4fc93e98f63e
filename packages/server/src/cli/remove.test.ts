import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { startScimServer } from "@entrain/connectors/scim/testing";
import { startSimulator } from "@entrain/simulator";
import { assertClean, errorOf, run, runJson, temporaryFolder } from "./testing.ts";

const TOKEN = "scim-test-token";

test("a sync whose target is gone for good while writes were under way is removed with --force, which says what is given up", async (context) => {
  const simulator = await startSimulator({ people: 5, groups: 0, seed: 3, throttle: "off" });
  context.after(() => simulator.close());
  let goes = false;
  const scim = await startScimServer({
    token: TOKEN,
    now: () => Date.now(),
    // The first creation is the end of the target: nobody hears of it, and nothing is let in any more.
    fault: ({ method }) => {
      if (method === "POST") goes = true;
      return method === "POST" ? "cut" : goes ? { status: 401 } : null;
    },
  });
  context.after(() => scim.close());
  const cwd = await temporaryFolder(context);
  const env = { ENTRAIN_DATA: join(cwd, "data") };
  const { tenant, client, login, graph, secret } = simulator;
  const custom = ["--cloud", "custom", "--login", login, "--graph", graph];
  const add = ["connection", "add", "contoso", "--tenant", tenant, "--client", client, ...custom, "--secret-stdin"];
  assert.equal((await run(add, { cwd, env, input: secret })).code, 0);
  const desk = ["target", "add", "desk", "--type", "scim", "--set", `baseUrl=${scim.baseUrl}`, "--secret-stdin"];
  assert.equal((await run(desk, { cwd, env, input: TOKEN })).code, 0);
  const sync = ["sync", "add", "people", "--connection", "contoso", "--target", "desk", "--records", "user"];
  assert.equal((await run(sync, { cwd, env })).code, 0);
  const failed = await run(["sync", "run", "people", "--json"], { cwd, env });
  assert.equal(failed.code, 1, failed.stdout);

  const refused = await run(["sync", "remove", "people", "--json"], { cwd, env });
  assert.equal(refused.code, 1, refused.stdout);
  const { code, message, fix } = errorOf(refused);
  assert.equal(code, "intents_open");
  const [, count = ""] = /of (\d+) changes? nobody knows/.exec(message) ?? [];
  assert.match(message, /The sync people was interrupted while it wrote/);
  assert.match(fix, /sync remove NAME --force/);
  const file = join(cwd, "none.yaml");
  await writeFile(file, "syncs: {}\n");
  const pruned = await run(["config", "apply", file, "--prune"], { cwd, env });
  assert.equal(pruned.code, 1);
  assert.match(pruned.stderr, /sync remove NAME --force/);

  type Removed = { readonly removed: string; readonly givenUp: readonly { readonly action: string }[] };
  const removed = await runJson<Removed>(["sync", "remove", "people", "--force"], { cwd, env });
  assert.equal(removed.givenUp.length, Number(count));
  assert.ok(removed.givenUp.every(({ action }) => action === "create"));
  const journal = new DatabaseSync(join(cwd, "data", "entrain.sqlite"), { readOnly: true });
  const rows = (text: string) => journal.prepare(text).all();
  assert.equal(rows("select * from open_intents").length, 0);
  const open =
    "select ordinal from journal where type = 'intent' except select ordinal from journal where type = 'outcome'";
  assert.equal(rows(open).length, 0, "every intent has an outcome");
  const given = rows(
    "select actor_kind, actor_id, status from journal where code = 'outcome_unknown' and status = 'unknown'",
  );
  assert.equal(given.length, Number(count));
  assert.ok(
    given.every((row) => row.actor_id !== "" && row.actor_kind !== "system"),
    JSON.stringify(given),
  );
  journal.close();
  const target = await run(["target", "remove", "desk"], { cwd, env });
  assert.equal(target.code, 0, target.stderr);
  assertClean(target, [secret, TOKEN]);
});

test("a connection that is removed has Microsoft stop telling of its changes, or says why it could not", async (context) => {
  const simulator = await startSimulator({ people: 5, groups: 0, seed: 3, throttle: "off" });
  context.after(() => simulator.close());
  const { tenant, client, login, graph, secret } = simulator;
  const listener = createServer((request, response) => {
    const token = new URL(request.url ?? "/", "http://listener").searchParams.get("validationToken");
    response.writeHead(200, { "content-type": "text/plain" }).end(token ?? "");
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  context.after(() => void listener.close());
  const address = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/notifications/x`;
  const cwd = await temporaryFolder(context);
  const env = { ENTRAIN_DATA: join(cwd, "data") };
  const custom = ["--cloud", "custom", "--login", login, "--graph", graph];
  const add = ["connection", "add", "contoso", "--tenant", tenant, "--client", client, ...custom, "--secret-stdin"];
  const connected = async (): Promise<void> => {
    assert.equal((await run(add, { cwd, env, input: secret })).code, 0);
    const token = await fetch(`${login}/${tenant}/oauth2/v2.0/token`, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: client,
        client_secret: secret,
        scope: `${graph}/.default`,
      }),
    });
    const { access_token } = (await token.json()) as { readonly access_token: string };
    const expirationDateTime = new Date(Date.now() + 86_400_000).toISOString();
    const made = await fetch(`${graph}/v1.0/subscriptions`, {
      method: "POST",
      headers: { authorization: `Bearer ${access_token}`, "content-type": "application/json" },
      body: JSON.stringify({
        changeType: "updated,deleted",
        resource: "users",
        notificationUrl: address,
        lifecycleNotificationUrl: `${address}/lifecycle`,
        clientState: "state",
        expirationDateTime,
      }),
    });
    assert.equal(made.status, 201, await made.clone().text());
    const { id } = (await made.json()) as { readonly id: string };
    const store = new DatabaseSync(join(cwd, "data", "entrain.sqlite"));
    store
      .prepare(
        `insert into subscriptions (connection, watched, graph_id, address, state_hash, expires_at, reauthorize, failure, retry_at)
         select id, 'users', ?, ?, '', ?, 0, null, 0 from connections`,
      )
      .run(id, address, Date.parse(expirationDateTime));
    store.close();
  };
  await connected();
  assert.equal(simulator.notifications.subscriptions().length, 1);
  assert.equal((await run(["target", "add", "portal", "--type", "portal"], { cwd, env })).code, 0);
  const sync = ["sync", "add", "people", "--connection", "contoso", "--target", "portal", "--records", "requester"];
  assert.equal((await run(sync, { cwd, env })).code, 0);
  const needed = await run(["connection", "remove", "contoso"], { cwd, env });
  assert.equal(needed.code, 1);
  assert.match(needed.stderr, /the sync people needs it/);
  assert.equal(simulator.notifications.subscriptions().length, 1, "what stays is still told of");
  assert.equal((await run(["sync", "remove", "people"], { cwd, env })).code, 0);
  const removed = await run(["connection", "remove", "contoso"], { cwd, env });
  assert.equal(removed.code, 0, removed.stderr);
  assert.match(removed.stderr, /contoso: Removed 1 subscription to its changes at Microsoft\./);
  assert.equal(simulator.notifications.subscriptions().length, 0);

  await connected();
  simulator.faults.set([{ path: "/subscriptions/*", action: { type: "status", status: 403 } }]);
  const torn = await run(["connection", "remove", "contoso"], { cwd, env });
  assert.equal(torn.code, 0, torn.stderr);
  assert.match(torn.stderr, /could not be removed at Microsoft: .* ends there by itself on \d{4}-\d\d-\d\d/);
  const left = new DatabaseSync(join(cwd, "data", "entrain.sqlite"), { readOnly: true });
  assert.equal(left.prepare("select * from subscriptions").all().length, 0);
  left.close();
});
