import assert from "node:assert/strict";
import { type ExecFileException, execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, it } from "node:test";

const RUNNER = join(import.meta.dirname, "test.ts");
const TEST = `import { describe, it, test, before } from "node:test";`;

interface Ended {
  readonly code: number;
  readonly output: string;
  readonly lastLine: string | undefined;
}

const folders: string[] = [];

function runOn(
  files: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  // A space in the path, because users have them.
  const root = mkdtempSync(join(tmpdir(), "entrain runner "));
  folders.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const inherited = { ...process.env, ENTRAIN_REQUIRE_SERVERS: "", ...env };
  return new Promise((done) => {
    const finished = (error: ExecFileException | null, stdout: string, stderr: string): void => {
      const code = typeof error?.code === "number" ? error.code : 0;
      done({ code, output: stdout + stderr, lastLine: stdout.trimEnd().split("\n").at(-1) });
    };
    execFile(process.execPath, [RUNNER, ...args], { cwd: root, env: inherited }, finished);
  });
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe("npm test", () => {
  it("counts leaf tests, not suites, holders or files", async () => {
    const ended = await runOn({
      "packages/a/src/x.test.ts": `${TEST} describe("s", () => { it("one", () => {}); it("two", () => {}); });`,
      "test/y.test.ts": `${TEST} test("holder", async (t) => { await t.test("three", () => {}); await t.test("four", () => {}); });`,
      "packages/a/src/helper.ts": `throw new Error("not a test file");`,
    });
    assert.equal(ended.lastLine, "4 passed, 0 failed");
    assert.equal(ended.code, 0);
  });

  it("prints each failure in full, names it again at the end and exits 1", async () => {
    const text = `${TEST} import assert from "node:assert/strict";
      describe("plan", () => { it("adds up", () => { assert.deepEqual({ removed: 17 }, { removed: 18 }); }); it("else", () => {}); });`;
    const ended = await runOn({ "test/a.test.ts": text });
    assert.equal(ended.lastLine, "1 passed, 1 failed");
    assert.equal(ended.code, 1);
    assert.match(ended.output, /\+ {3}removed: 17/);
    assert.match(ended.output, /^FAILED {3}test\/a\.test\.ts: plan > adds up$/m);
  });

  it("counts a skipped test apart, with its name and reason", async () => {
    const ended = await runOn({
      "test/a.test.ts": `${TEST} test("a", () => {}); test("b", { skip: "no slapd here" }, () => {});`,
    });
    assert.equal(ended.lastLine, "1 passed, 0 failed, 1 skipped");
    assert.match(ended.output, /^skipped {2}test\/a\.test\.ts: b \(no slapd here\)$/m);
    assert.equal(ended.code, 0);
  });

  it("turns a skip for a missing server into a failure when servers are required", async () => {
    const files = {
      "test/a.test.ts": `${TEST} test("a", () => {}); test("b", { skip: "missing server: PostgreSQL" }, () => {});`,
    };
    const lenient = await runOn(files);
    const strict = await runOn(files, [], { ENTRAIN_REQUIRE_SERVERS: "1" });
    assert.deepEqual([lenient.code, lenient.lastLine], [0, "1 passed, 0 failed, 1 skipped"]);
    assert.deepEqual([strict.code, strict.lastLine], [1, "1 passed, 1 failed"]);
  });

  it("fails when nothing ran: no file, a filter that matches none, a file without tests", async () => {
    assert.deepEqual(await outcome(runOn({})), [1, "0 passed, 0 failed"]);
    assert.deepEqual(await outcome(runOn({ "test/a.test.ts": `${TEST} test("a", () => {});` }, ["zzz"])), [
      1,
      "0 passed, 0 failed",
    ]);
    assert.deepEqual(await outcome(runOn({ "test/a.test.ts": "export {};" })), [1, "0 passed, 1 failed"]);
  });

  it("runs only the files whose path has one of the given parts", async () => {
    const files = {
      "test/a.test.ts": `${TEST} test("a", () => {});`,
      "test/b.test.ts": `throw new Error("not asked for");`,
    };
    assert.deepEqual(await outcome(runOn(files, ["a.test"])), [0, "1 passed, 0 failed"]);
  });

  it("ends a hanging file by name, and tells the test in which it hangs", async () => {
    const text = `${TEST} test("fine", () => {}); test("waits for ever", () => new Promise(() => setInterval(() => {}, 1000)));`;
    const ended = await runOn({ "test/hang.test.ts": text }, ["--limit", "1"]);
    assert.equal(ended.code, 1);
    assert.equal(ended.lastLine, "1 passed, 1 failed");
    assert.match(ended.output, /Still running after 1 s, in: waits for ever/);
  });

  it("fails a file that throws before, between or after its tests, or exits under way", async () => {
    const ended = await runOn({
      "test/before.test.ts": `${TEST} throw new Error("before");`,
      "test/after.test.ts": `${TEST} test("a", () => {}); setTimeout(() => { throw new Error("too late"); }, 50);`,
      "test/exits.test.ts": `${TEST} test("a", async () => { setTimeout(() => process.exit(0), 50); await new Promise(() => {}); });`,
      "test/hook.test.ts": `${TEST} describe("s", () => { before(() => { throw new Error("hook"); }); it("never ran", () => {}); });`,
    });
    assert.equal(ended.lastLine, "1 passed, 5 failed");
    assert.match(ended.output, /too late/);
    assert.match(ended.output, /test\/hook\.test\.ts: s > never ran/);
  });

  it("refuses an unknown option with exit code 2", async () => {
    assert.equal((await runOn({}, ["--frobnicate"])).code, 2);
  });
});

async function outcome(running: Promise<Ended>): Promise<readonly [number, string | undefined]> {
  const ended = await running;
  return [ended.code, ended.lastLine];
}
