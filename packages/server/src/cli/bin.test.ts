import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "./testing.ts";

const BIN = fileURLToPath(new URL("../../bin/entrain.mjs", import.meta.url));
/** Lets this Node say that it is an older one. */
const OLD = `data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.1.0"}})`;

test("the program ends with the command's own exit code", () => {
  const ran = spawnSync(process.execPath, [BIN, "frobnicate"], { encoding: "utf8" });
  assert.equal(ran.status, 2);
  assert.match(ran.stderr, /^error: Unknown command/);
});

test("an older Node starts ours, and passes output and exit codes on", () => {
  const ran = spawnSync(process.execPath, ["--import", OLD, BIN, "frobnicate"], { encoding: "utf8" });
  assert.equal(ran.status, 2);
  assert.match(ran.stderr, /^error: Unknown command/);
  const version = spawnSync(process.execPath, ["--import", OLD, BIN, "--version"], { encoding: "utf8" });
  assert.equal(version.stdout, "0.1.0\n");
});

test("an older Node passes signals on, and ends when ours has", async (context) => {
  const cwd = await temporaryFolder(context);
  const child = spawn(process.execPath, ["--import", OLD, BIN, "serve", "--port", "0"], { cwd });
  let output = "";
  child.stdout.setEncoding("utf8");
  for await (const text of child.stdout) {
    output += String(text);
    if (output.includes("Entrain is at")) break;
  }
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [0, null]);
});
