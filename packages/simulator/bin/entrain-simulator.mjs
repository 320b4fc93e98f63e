#!/usr/bin/env node
// The simulator is TypeScript that Node 24 runs as it is. Under an older Node this starts itself again with the Node
// that the package's own dependencies bring.
import { spawn } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

if (Number(process.versions.node.split(".")[0]) >= 24) {
  const { main } = await import("../src/cli.ts");
  await main(process.argv);
} else {
  const node = bundledNode(here);
  if (node === null) {
    console.error("The simulator needs Node 24 or newer; install it, or run npm install so that its own is found.");
    process.exit(1);
  }
  const program = [join(here, "entrain-simulator.mjs"), ...process.argv.slice(2)];
  if (canBecome(node)) process.execve(node, [node, ...program], process.env);
  else startBeside(node, program);
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

function startBeside(node, program) {
  // The channel carries nothing: its end tells the simulator that this process was killed.
  const stdio = ["inherit", "inherit", "inherit", "ipc"];
  const child = spawn(node, ["--import", new URL("ends-with-parent.mjs", import.meta.url).href, ...program], { stdio });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code) => process.exit(code ?? 1));
}

function bundledNode(from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
    if (existsSync(candidate)) return candidate;
    if (dirname(folder) === folder) return null;
  }
}
