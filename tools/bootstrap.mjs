// Makes a fresh clone ready before an npm script runs: dependencies, the console's build and, with --tests, the servers that
// tests need. Runs on any Node >= 20 without dependencies, in a shell of its own (prestart, pretest, …): the shell of the
// script itself would remember the old `node` that it found before the dependencies brought Node 24.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MODULES = join(ROOT, "node_modules");
const OUR_NODE = join(MODULES, ".bin", "node");
const NODE_MINIMUM = 20;
const NODE_WANTED = 24;

try {
  requireOldestNode();
  await installDependencies();
  requireOurNode();
  buildConsole();
  if (process.argv.includes("--tests")) installServers();
} catch (problem) {
  console.error(`entrain: ${problem instanceof Error ? problem.message : problem}`);
  process.exitCode = 1;
}

function requireOldestNode() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major >= NODE_MINIMUM) return;
  throw new Error(
    `Node ${process.versions.node} is too old to install Entrain; install Node ${NODE_MINIMUM} or later from https://nodejs.org and try again.`,
  );
}

async function installDependencies() {
  const lock = readFileSync(join(ROOT, "package-lock.json"));
  // A folder shared between two systems (a container, another processor) holds binaries for one of them only.
  const stamp = `${process.platform}-${process.arch} ${hash([lock])}\n`;
  const stampFile = join(MODULES, ".entrain-lock");
  const unfinished = join(MODULES, ".entrain-installing");
  if (readText(stampFile) === stamp && existsSync(OUR_NODE) && !existsSync(unfinished)) return;
  if (
    !existsSync(unfinished) &&
    readText(stampFile) === "" &&
    existsSync(OUR_NODE) &&
    isInstalled(JSON.parse(lock.toString()))
  ) {
    writeFileSync(stampFile, stamp);
    return;
  }
  requireWritable(ROOT);
  console.log("entrain: installing the dependencies with npm (once; a minute or so) …");
  const [command, ...first] = npmCommand();
  // Not `npm ci`: it refuses a lockfile that lists the binaries of one platform only, and a registry that mirrors only one.
  // Without --save the lockfile still decides every version and stays as it is.
  const options = ["install", "--no-save", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
  // npm takes a package that it was stopped at for a whole one, so what an interrupted installation left is thrown away.
  if (existsSync(unfinished)) rmSync(MODULES, { recursive: true, force: true, maxRetries: 5 });
  mkdirSync(MODULES, { recursive: true });
  writeFileSync(unfinished, "");
  const result = await runToEnd(command, [...first, ...options]);
  if (result.status !== 0) throw new Error(explainInstall(result.output));
  rmSync(unfinished, { force: true });
  writeFileSync(stampFile, stamp);
}

/**
 * Runs a command in a process group of its own and collects what it prints. Ctrl-C ends the whole group: npm by itself
 * would work on in the background, in the way of the next start.
 */
function runToEnd(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      detached: process.platform !== "win32",
    });
    const stop = () => {
      if (child.pid !== undefined) process.kill(process.platform === "win32" ? child.pid : -child.pid, "SIGKILL");
      console.error("entrain: stopped while installing; the next start begins the installation anew.");
      process.exit(1);
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, stop);
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => (output += text));
    child.once("error", reject);
    child.once("close", (status) => {
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeListener(signal, stop);
      resolve({ status, output });
    });
  });
}

/** True when what npm recorded in node_modules is what the lockfile asks for, whoever installed it. */
function isInstalled(lock) {
  const text = readText(join(MODULES, ".package-lock.json"));
  if (text === "") return false;
  const installed = JSON.parse(text).packages;
  const wanted = Object.entries(lock.packages).filter(([path]) => path !== "");
  return wanted.every(([path, entry]) => {
    const found = installed[path];
    if (found === undefined) return entry.optional === true || entry.devOptional === true;
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

/** npm as it runs this very script; by name when the script was started by hand. */
function npmCommand() {
  const running = process.env.npm_execpath;
  if (running?.endsWith(".js")) return [process.execPath, running];
  return [process.platform === "win32" ? "npm.cmd" : "npm"];
}

function explainInstall(output) {
  const lines = output.trim().split("\n").slice(-15).join("\n");
  const because = (reason) => `the dependencies could not be installed: ${reason}\n${lines}`;
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|ECONNRESET/.test(output)) {
    return because(
      "npm does not reach its registry. Check the network or proxy (npm config get registry) and try again.",
    );
  }
  if (/EACCES|EPERM|EROFS/.test(output))
    return because(`npm may not write to ${ROOT}. Give this user the folder and try again.`);
  if (/ENOSPC/.test(output)) return because("the disk is full. About 800 MB are needed.");
  return because("npm says:");
}

function requireWritable(folder) {
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    throw new Error(
      `the dependencies must be installed, but this user may not write to ${folder}. Clone it to a folder of your own.`,
    );
  }
}

/** npm puts node_modules/.bin first in the PATH of its scripts; a shell profile or an npm wrapper may have changed that. */
function requireOurNode() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const names = process.platform === "win32" ? ["node.exe", "node.cmd"] : ["node"];
  const folders = (process.env.PATH ?? process.env.Path ?? "").split(delimiter);
  const first = folders.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path));
  if (first !== undefined && realpathSync(first) === realpathSync(OUR_NODE)) return;
  const version = first === undefined ? "" : spawnSync(first, ["--version"], { encoding: "utf8" }).stdout;
  if (Number(/^v(\d+)/.exec(version ?? "")?.[1] ?? 0) >= NODE_WANTED) return;
  throw new Error(
    `npm scripts would run ${first ?? "no node at all"} (${(version ?? "").trim() || "unknown version"}), not Node ${NODE_WANTED} from ${OUR_NODE}. ` +
      "Something put another folder before node_modules/.bin in the PATH: see `npm config get script-shell` and your shell's profile.",
  );
}

function buildConsole() {
  const folder = join(ROOT, "packages", "console");
  if (!existsSync(join(folder, "index.html"))) return;
  const stampFile = join(folder, "dist", ".entrain-sources");
  const stamp = `${hash(sourceFiles(folder).flatMap((path) => [path.slice(folder.length), readFileSync(path)]))}\n`;
  if (readText(stampFile) === stamp) return;
  console.log("entrain: building the console (once; a few seconds) …");
  const vite = join(
    dirname(createRequire(join(folder, "package.json")).resolve("vite/package.json")),
    "bin",
    "vite.js",
  );
  const result = spawnSync(OUR_NODE, [vite, "build", "--logLevel", "error"], { cwd: folder, encoding: "utf8" });
  if (result.status !== 0) {
    throw new Error(`the console could not be built:\n${result.stdout ?? ""}${result.stderr ?? result.error ?? ""}`);
  }
  writeFileSync(stampFile, stamp);
}

function sourceFiles(folder) {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    if (entry.name === "dist" || entry.name === "node_modules") return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? sourceFiles(path) : [path];
  });
}

function installServers() {
  const result = spawnSync(OUR_NODE, [join(ROOT, "tools", "install-servers.ts")], { stdio: "inherit" });
  if (result.status !== 0) process.exitCode = 1;
}

function hash(parts) {
  const digest = createHash("sha256");
  for (const part of parts) digest.update(part).update("\0");
  return digest.digest("hex");
}

function readText(path) {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}
