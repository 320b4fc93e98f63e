#!/usr/bin/env node
// Starts Entrain under any Node >= 20: the program itself needs the Node 24 that was installed with it, which runs TypeScript.
import { spawn } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { boundEnvironment, boundOptions, isBound } from "./bounds.mjs";

const MAIN = join(dirname(dirname(fileURLToPath(import.meta.url))), "src", "main.ts");
const ENDS_WITH_PARENT = new URL("ends-with-parent.mjs", import.meta.url).href;
const NODE_WANTED = 24;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];
const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15, SIGKILL: 9 };

/** Commands that read whole tenants, or run for long. */
const LARGE = new Set(["serve", "sync"]);

if (Number(process.versions.node.split(".")[0]) < NODE_WANTED) runUnder(findNode());
else if (isWorthBounds() && mayBecomeItself()) become(process.execPath, process.execArgv);
else await import(pathToFileURL(MAIN).href);

/** A process's memory is bounded by how it was started, so that Node has to become itself once more. */
function isWorthBounds() {
  return !isBound(process.execArgv, process.env) && process.argv.slice(2).some((argument) => LARGE.has(argument));
}

/** Not where the path is a loader's, where Node may start nothing, or where a parent's channel would be cut. */
function mayBecomeItself() {
  const isPlain = basename(process.execPath) === "node" && process.permission === undefined;
  return isPlain && process.channel === undefined && canBecome(process.execPath);
}

/** The node that npm installed, in the nearest node_modules upwards. */
function findNode() {
  const name = process.platform === "win32" ? "node.exe" : "node";
  for (let folder = dirname(MAIN); ; folder = dirname(folder)) {
    const inPackage = join(folder, "node_modules", "node", "bin", name);
    const linked = join(folder, "node_modules", ".bin", name);
    if (existsSync(inPackage)) return inPackage;
    if (existsSync(linked)) return linked;
    if (dirname(folder) === folder) return null;
  }
}

function runUnder(node) {
  if (node === null) {
    console.error(
      `error: Entrain needs Node ${NODE_WANTED}, which npm installs beside it, but it is not there. Run npm install in the clone's folder.`,
    );
    process.exitCode = 1;
    return;
  }
  if (canBecome(node)) become(node, []);
  else startBeside(node);
}

/** Node 22.15, 23.11 and later can turn into another program, except on Windows; a file that cannot be run would crash them. */
function canBecome(node) {
  if (typeof process.execve !== "function" || process.platform === "win32") return false;
  try {
    accessSync(node, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function become(node, options) {
  const started = [node, ...boundOptions(options, process.env), MAIN, ...process.argv.slice(2)];
  process.execve(node, started, boundEnvironment(process.env));
}

function startBeside(node) {
  // The channel carries nothing: its end tells the program that this process was killed.
  const stdio = ["inherit", "inherit", "inherit", "ipc"];
  const options = boundOptions(["--import", ENDS_WITH_PARENT], process.env);
  const child = spawn(node, [...options, MAIN, ...process.argv.slice(2)], {
    stdio,
    env: boundEnvironment(process.env),
  });
  // A terminal sends Ctrl-C to both; a signal that was sent to this process alone has to be passed on.
  for (const signal of SIGNALS) process.on(signal, () => void (process.stdin.isTTY || child.kill(signal)));
  child.on("error", (error) => {
    console.error(`error: Node ${NODE_WANTED} at ${node} could not be started: ${error.message}`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (SIGNAL_NUMBERS[signal] ?? 0);
  });
}
