import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "./testing.ts";

const BIN = fileURLToPath(new URL("../../bin/entrain.mjs", import.meta.url));
const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
/** Lets this Node say that it is an older one: of 20, which can only start ours beside itself, and of 22, which can become ours. */
const OLD = `data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.1.0"}});delete(process.execve)`;
const OLD_WITH_EXECVE = `data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"22.15.0"}})`;
const OLDER = { "starts ours beside itself": OLD, "becomes ours": OLD_WITH_EXECVE };

test("the program ends with the command's own exit code", () => {
  const ran = spawnSync(process.execPath, [BIN, "frobnicate"], { encoding: "utf8" });
  assert.equal(ran.status, 2);
  assert.match(ran.stderr, /^error: Unknown command/);
});

for (const [how, old] of Object.entries(OLDER)) {
  test(`an older Node that ${how} passes input, output, surroundings and exit codes on, and says nothing of its own`, () => {
    const ran = spawnSync(process.execPath, ["--import", old, BIN, "frobnicate"], { encoding: "utf8" });
    assert.equal(ran.status, 2);
    assert.match(ran.stderr, /^error: Unknown command.*\n$/);
    const version = spawnSync(process.execPath, ["--import", old, BIN, "--version"], { encoding: "utf8" });
    assert.deepEqual([version.stdout, version.stderr], ["0.1.0\n", ""]);
  });

  test(`under an older Node that ${how}, a signal ends ours in order, and with it the older one`, async (context) => {
    const child = await serving(context, ["--import", old, BIN]);
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    assert.deepEqual(await ended, [0, null]);
  });

  test(`ours does not outlive the older Node that ${how} when that is killed`, async (context) => {
    const child = await serving(context, ["--import", old, BIN]);
    // Whoever still runs holds the output open.
    const closed = once(child, "close");
    child.kill("SIGKILL");
    assert.deepEqual(await closed, [null, "SIGKILL"]);
  });
}

const BECOMING = { ours: [], "an older Node that becomes ours": ["--import", OLD_WITH_EXECVE] };
const onLinux = process.platform === "linux" ? {} : { skip: "only Linux tells how another process was started" };
for (const [node, options] of Object.entries(BECOMING)) {
  test(`under ${node} the program's memory is bounded, unless told otherwise`, onLinux, async (context) => {
    const { MALLOC_ARENA_MAX: _arenas, NODE_OPTIONS: _options, ...free } = process.env;
    const told = { ...free, MALLOC_ARENA_MAX: "7", NODE_OPTIONS: "--max-semi-space-size=9" };
    for (const [env, arenas, young] of [
      [free, "2", ["--max-semi-space-size=16"]],
      [told, "7", []],
    ] as const) {
      const child = await serving(context, [...options, BIN], env);
      const surroundings = (await readFile(`/proc/${child.pid}/environ`, "utf8")).split("\0");
      assert.ok(surroundings.includes(`MALLOC_ARENA_MAX=${arenas}`));
      const line = (await readFile(`/proc/${child.pid}/cmdline`, "utf8")).split("\0");
      assert.deepEqual(
        line.filter((each) => each.startsWith("--max-semi-space-size")),
        young,
      );
    }
  });
}

for (const command of ["serve", "--version"]) {
  test(`\`entrain ${command}\` finds the program in a folder whose name is no part of an address`, async (context) => {
    const folder = join(await temporaryFolder(context), "a #1 50%41 b");
    await cp(dirname(BIN), join(folder, "bin"), { recursive: true });
    await mkdir(join(folder, "src"));
    await writeFile(join(folder, "src", "main.ts"), "console.log(process.argv.slice(2).join());");
    for (const options of [[], ["--permission", "--allow-fs-read=*"]]) {
      const ran = spawnSync(process.execPath, [...options, join(folder, "bin", "entrain.mjs"), command], {
        encoding: "utf8",
      });
      assert.deepEqual([ran.stdout, ran.stderr, ran.status], [`${command}\n`, "", 0]);
    }
  });
}

test("what `npm start` began does not outlive npm when that is killed", async (context) => {
  const asNpm = `require("node:child_process").spawn(process.execPath, process.argv.slice(1), { stdio: "inherit" })`;
  const env = { ...process.env, npm_lifecycle_event: "start", npm_package_name: "entrain-workspace" };
  const child = await serving(context, ["-e", asNpm, MAIN], env);
  const closed = once(child, "close");
  child.kill("SIGKILL");
  assert.deepEqual(await closed, [null, "SIGKILL"]);
});

async function serving(
  context: TestContext,
  program: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<ChildProcessWithoutNullStreams> {
  const cwd = await temporaryFolder(context);
  const child = spawn(process.execPath, [...program, "serve", "--port", "0"], { cwd, env });
  context.after(() => child.kill("SIGKILL"));
  child.stderr.resume();
  child.stdout.setEncoding("utf8");
  await new Promise<void>((resolve, reject) => {
    let output = "";
    child.stdout.on("data", (text: string) => {
      output += text;
      if (output.includes("Entrain is at")) resolve();
    });
    child.on("close", () => reject(new Error(`ended early: ${output}`)));
  });
  return child;
}
