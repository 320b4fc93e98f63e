import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startSimulator } from "@entrain/simulator";
import { errorOf, run, runJson, withPeople } from "./testing.ts";

interface Record {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly sentence: string;
}

/** A sync whose every record lacks a value. */
async function installed(context: TestContext): Promise<string> {
  const simulator = await startSimulator({ people: 6, groups: 0, seed: 5, throttle: "off" });
  context.after(() => simulator.close());
  const cwd = await withPeople(context, simulator, [
    "mapping: { userName: { direct: faxNumber }, displayName: { direct: displayName } }",
    "matching: [userName]",
    "retries: { first: 30s, attempts: 5 }",
  ]);
  assert.equal((await run(["sync", "run", "people"], { cwd })).code, 1);
  return cwd;
}

test("unsynced records are listed by what is asked for, and say when there are none like that", async (context) => {
  const cwd = await installed(context);
  const unsynced = (...options: readonly string[]) =>
    runJson<readonly Record[]>(["sync", "unsynced", "people", ...options], { cwd });
  const all = await unsynced();
  assert.ok(all.length > 1);
  const [first] = all;
  assert.match(
    first?.sentence ?? "",
    /is not in step: it could not be planned\. .* The next run looks at it again\. \S/,
  );
  assert.deepEqual(await unsynced("--text", first?.name.toUpperCase() ?? ""), [first]);
  assert.equal((await unsynced("--code", "value_missing", "--reason", "issue")).length, all.length);
  assert.deepEqual(await unsynced("--state", "dead"), []);
  assert.deepEqual(await unsynced("--older-than", "1h"), []);
  const none = await run(["sync", "unsynced", "people", "--older-than", "7d"], { cwd });
  assert.equal(none.stdout, "No unsynced record is like that.\n");
  const table = await run(["sync", "unsynced", "people"], { cwd });
  assert.match(table.stdout, /^WHO +OBJECT ID +CODE +TRIED AGAIN +WHY +WHAT TO DO$/m);
  for (const wrong of [["--state", "old"], ["--reason", "x"], ["--older-than", "5"], ["--bom"]]) {
    assert.equal((await run(["sync", "unsynced", "people", ...wrong], { cwd })).code, 2, wrong.join(" "));
  }
});

test("unsynced records are written as CSV and as lines of JSON, to a file that nobody else reads or to standard output", async (context) => {
  const cwd = await installed(context);
  const file = join(cwd, "unsynced.csv");
  const written = await run(["sync", "unsynced", "people", "--csv", file, "--bom"], { cwd });
  assert.equal(written.stdout, `Written to ${file}.\n`);
  assert.match(await readFile(file, "utf8"), /^\uFEFFName,User principal name,Object id,.*\r\n/);
  assert.equal((await stat(file)).mode & 0o077, 0);
  const csv = await run(["sync", "unsynced", "people", "--csv", "-", "--code", "value_missing"], { cwd });
  assert.match(csv.stdout, /^Name,.*\r\n/);
  const lines = (await run(["sync", "unsynced", "people", "--jsonl", "-"], { cwd })).stdout.trimEnd().split("\n");
  const all = await runJson<readonly Record[]>(["sync", "unsynced", "people"], { cwd });
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    all,
  );
  const nowhere = await run(["sync", "unsynced", "people", "--csv", join(cwd, "no", "such"), "--json"], { cwd });
  assert.equal(errorOf(nowhere).code, "file_failed");
});

test("an ignored record is told apart with its note, and taken up again by who says so", async (context) => {
  const cwd = await installed(context);
  const all = await runJson<readonly Record[]>(["sync", "unsynced", "people"], { cwd });
  const [id = ""] = all.map((record) => record.id);
  const ignored = await run(["sync", "ignore", "people", "--record", id, "--note", "A test account."], { cwd });
  assert.equal(ignored.code, 0, ignored.stderr);
  const status = await run(["sync", "status", "people"], { cwd });
  assert.match(
    status.stdout,
    new RegExp(`^unsynced +${all.length - 1} \\(1 more ignored; entrain sync unsynced people\\)$`, "m"),
  );
  const listed = await run(["sync", "unsynced", "people", "--state", "ignored"], { cwd });
  assert.match(listed.stdout, /ignored by \S+: A test account\./);
  const others = all.slice(1).map((record) => record.id);
  await run(["sync", "ignore", "people", "--record", ...others, "--note", "So are these."], { cwd });
  const calm = await run(["sync", "run", "people"], { cwd });
  assert.equal(calm.code, 0, calm.stdout);
  const undone = await run(["sync", "ignore", "people", "--record", id, "--undo"], { cwd });
  assert.equal(undone.stdout, "They are tried by the next run.\n");
  assert.equal((await run(["sync", "run", "people"], { cwd })).code, 1);
  const retried = await runJson<{ readonly records: number }>(["sync", "retry", "people", "--record", ...others], {
    cwd,
  });
  assert.equal(retried.records, others.length);
  const strange = await run(["sync", "ignore", "people", "--record", "nobody", "--note", "x", "--json"], { cwd });
  assert.equal(errorOf(strange).code, "not_found");
  assert.equal((await run(["sync", "ignore", "people", "--record", id], { cwd })).code, 2);
});
