import assert from "node:assert/strict";
import { readdir, readFile, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { assertClean, run, runJson, start, temporaryFolder } from "../cli/testing.ts";

test("npm start: a whole tenant in step, a link to see it, and everything kept for the next start", async (context) => {
  const cwd = await temporaryFolder(context);
  // Everything that would lead to a real installation is set, and ignored.
  const real = join(cwd, "real");
  const env = {
    ENTRAIN_DATA: real,
    ENTRAIN_DATABASE_URL: "postgres://nobody@127.0.0.1:1/none",
    ENTRAIN_KEY: "not a key",
  };
  const of = { cwd, env };
  const serve = ["serve", "--demo", "--port", "0"];

  await context.test("the first start verifies, syncs, and prints counts and a link that works once", async () => {
    const serving = start(serve, of);
    const text = await serving.until(/Sign in +\S+/);
    assert.match(text, /Connection +(\d+) of \1 checks passed/);
    assert.match(text, /demo-people +\d{3} created, in [\d.]+ m?s/);
    assert.match(text, /demo-groups +50 created, [\d,]+ memberships, in [\d.]+ m?s/);
    const status = await runJson<{ synced: number; unsynced: number }>(["sync", "status", "demo-people", "--demo"], of);
    assert.ok(status.synced > 900 && status.unsynced === 0, JSON.stringify(status));
    const link = /Sign in +(\S+)/.exec(text)?.[1] ?? "";
    const opened = await fetch(link, { redirect: "manual" });
    assert.ok(opened.status === 302 || opened.status === 303, String(opened.status));
    assert.match(opened.headers.get("set-cookie") ?? "", /HttpOnly/i);
    const again = await fetch(link, { redirect: "manual" });
    assert.ok(again.status >= 400 && again.headers.get("set-cookie") === null, String(again.status));
    serving.child.kill("SIGINT");
    const ended = await serving.ended;
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stdout, /everything is saved/);
    assertClean(ended, []);
  });

  await context.test("the folder is the demo's own, and nobody else can read it", async () => {
    assert.deepEqual((await readdir(cwd)).sort(), [".entrain"]);
    assert.deepEqual(await readdir(join(cwd, ".entrain")), ["demo"]);
    const folder = join(cwd, ".entrain", "demo");
    assert.equal((await stat(folder)).mode & 0o777, 0o700);
    const log = await readFile(join(folder, "entrain.sqlite"), "latin1");
    assert.doesNotMatch(log, /simulator-only-/);
  });

  await context.test("the second start goes on where the first one stopped", async () => {
    const serving = start(serve, of);
    const text = await serving.until(/Sign in +\S+/);
    assert.match(text, /demo-people +(no changes|\d{1,2} )/);
    serving.child.kill("SIGTERM");
    assert.equal((await serving.ended).code, 0);
    const history = await runJson<{ result: string }[]>(["sync", "history", "demo-people", "--demo"], of);
    assert.ok(history.length >= 2);
    assert.ok(history.every(({ result }) => result === "succeeded"));
  });

  await context.test("what somebody changed in the demo stays changed", async () => {
    const exported = await run(["config", "export", "--demo"], of);
    const manual = exported.stdout.replaceAll("every: 60s", "every: 1h").replaceAll("every: 1m", "every: 1h");
    const applied = await run(["config", "apply", "-", "--demo"], { ...of, input: manual });
    assert.equal(applied.code, 0, applied.stderr);
    const serving = start(serve, of);
    await serving.until(/Sign in +\S+/);
    serving.child.kill("SIGINT");
    await serving.ended;
    const [people] = await runJson<{ every: string }[]>(["sync", "list", "--demo"], of);
    assert.equal(people?.every, "1h");
  });
});

test("the simulated tenant moves to another port when its own is taken", async (context) => {
  const cwd = await temporaryFolder(context);
  const other = createServer();
  await new Promise<void>((resolve) => {
    other.once("error", () => resolve()); // Taken by somebody else already: as good.
    other.listen(7421, "127.0.0.1", resolve);
  });
  context.after(() => new Promise((resolve) => other.close(resolve)));
  const serving = start(["serve", "--demo", "--port", "0"], { cwd });
  const text = await serving.until(/Sign in +\S+/);
  assert.match(text, /Port 7421 is in use, so the simulated tenant listens at http:\/\/127\.0\.0\.1:\d+/);
  assert.match(text, /demo-people +\d{3} created/);
  serving.child.kill("SIGINT");
  assert.equal((await serving.ended).code, 0);
});

test("Ctrl-C in the middle of the first sync stops at once and loses nothing", async (context) => {
  const cwd = await temporaryFolder(context);
  const of = { cwd };
  const serving = start(["serve", "--demo", "--port", "0"], of);
  await serving.until(/checks passed/);
  serving.child.kill("SIGINT");
  const ended = await serving.ended;
  assert.equal(ended.code, 0, ended.stderr);
  assertClean(ended, []);
  const again = start(["serve", "--demo", "--port", "0"], of);
  await again.until(/Sign in +\S+/);
  again.child.kill("SIGINT");
  await again.ended;
  const status = await runJson<{ synced: number; unsynced: number }>(["sync", "status", "demo-people", "--demo"], of);
  assert.ok(status.synced > 900 && status.unsynced === 0, JSON.stringify(status));
});

test("the demo touches nothing of a real installation beside it", async (context) => {
  const cwd = await temporaryFolder(context);
  const added = await run(["target", "add", "mine", "--type", "portal"], { cwd });
  assert.equal(added.code, 0, added.stderr);
  const data = join(cwd, ".entrain", "data");
  const files = async (): Promise<readonly string[]> => {
    const names = (await readdir(data)).sort();
    return Promise.all(names.map(async (name) => `${name} ${(await readFile(join(data, name))).toString("base64")}`));
  };
  const before = await files();
  const serving = start(["serve", "--demo", "--port", "0"], { cwd });
  await serving.until(/Sign in +\S+/);
  serving.child.kill("SIGINT");
  await serving.ended;
  assert.deepEqual(await files(), before);
  const [target, ...others] = await runJson<{ name: string }[]>(["target", "list"], { cwd });
  assert.deepEqual([target?.name, others], ["mine", []]);
});
