import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { skipUnless, startPostgres } from "../../../../test/servers.ts";
import { assertClean, run, runJson, temporaryFolder } from "./testing.ts";

test("everything works on PostgreSQL, with the key in the data folder", {
  skip: skipUnless("postgres"),
}, async (context) => {
  const server = await startPostgres();
  context.after(() => server.stop());
  const cwd = await temporaryFolder(context);
  const of = { cwd, env: { ENTRAIN_DATABASE_URL: server.url } };
  const added = await run(["target", "add", "portal", "--type", "portal"], of);
  assert.equal(added.code, 0, added.stderr);
  assert.deepEqual(await readdir(join(cwd, ".entrain", "data")), ["entrain.key"]);
  const [target] = await runJson<{ name: string }[]>(["target", "list"], of);
  assert.equal(target?.name, "portal");
  const otherwise = await run(["target", "list"], { ...of, env: { ...of.env, ENTRAIN_DATA: join(cwd, "other") } });
  assert.equal(otherwise.code, 1);
  assert.match(otherwise.stderr, /ENTRAIN_KEY is not set, and there is no key file/);
});

test("a PostgreSQL that does not answer is told in one sentence, without its password", async (context) => {
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  const cwd = await temporaryFolder(context);
  for (const [url, said] of [
    [`postgres://olga:CANARY-word@127.0.0.1:${port}/entrain`, /could not be reached/],
    ["mysql://olga:CANARY-word@127.0.0.1/entrain", /ENTRAIN_DATABASE_URL must begin with postgres:/],
  ] as const) {
    const ran = await run(["target", "list"], { cwd, env: { ENTRAIN_DATABASE_URL: url } });
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, said);
    assert.equal(ran.stderr.trim().split("\n").length, 1, ran.stderr);
    assertClean(ran, ["CANARY"]);
  }
});
