import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The command itself. */
export const BIN: string = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "bin", "entrain-simulator.mjs");

/** How a command ended, and all that it said. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real command line; `whenReady` gets the line that it prints when it serves, and then the command is interrupted. */
export async function runCommand(args: readonly string[], whenReady?: (line: string) => Promise<void>): Promise<Ended> {
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const lines = createInterface(child.stdout);
  const ready = new Promise<string | null>((resolve) => {
    lines.on("line", (line) => {
      stdout += `${line}\n`;
      resolve(line);
    });
    lines.on("close", () => resolve(null));
  });
  const ended = once(child, "close") as Promise<[number | null]>;
  try {
    const line = await ready;
    if (line !== null) await whenReady?.(line);
  } finally {
    if (whenReady !== undefined) child.kill("SIGINT");
  }
  const [code] = await ended;
  return { code, stdout, stderr };
}
