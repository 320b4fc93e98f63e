import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
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
