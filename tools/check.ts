import { spawn } from "node:child_process";
import { delimiter, dirname, join } from "node:path";

const ROOT = dirname(import.meta.dirname);
const BIN = join(ROOT, "node_modules", ".bin");

interface Check {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

const CHECKS: readonly Check[] = [
  { name: "types", command: "tsc", args: ["-p", "."] },
  {
    name: "format and lint",
    command: "biome",
    args: ["ci", "--colors=off", "--error-on-warnings", "--max-diagnostics=100"],
  },
  { name: "dead code and dependencies", command: "knip", args: ["--no-progress"] },
  { name: "architecture", command: "node", args: ["tools/test.ts", "test/architecture.test.ts"] },
];

/** Runs every check even when one fails, so that one run tells everything; 1 when any failed. */
async function check(): Promise<number> {
  const failures: { readonly name: string; readonly output: string }[] = [];
  for (const { name, command, args } of CHECKS) {
    const started = performance.now();
    const { ok, output } = await run(command, args);
    const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6);
    console.log(`${seconds} s  ${name}: ${ok ? "ok" : "FAILED"}`);
    if (!ok) failures.push({ name, output });
  }
  for (const { name, output } of failures) console.log(`\nFAILED ${name}\n${output.trimEnd()}`);
  console.log(`\n${CHECKS.length - failures.length} checks passed, ${failures.length} failed`);
  return failures.length === 0 ? 0 : 1;
}

/** Starts the tools of node_modules on the Node beside them, also when a person calls this file with another one. */
function run(command: string, args: readonly string[]): Promise<{ readonly ok: boolean; readonly output: string }> {
  const env = { ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH ?? ""}` };
  const child = spawn(join(BIN, command), args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  return new Promise((done) => {
    child.once("error", (error) => done({ ok: false, output: error.message }));
    child.once("close", (code) => done({ ok: code === 0, output: Buffer.concat(chunks).toString() }));
  });
}

if (import.meta.main) process.exitCode = await check();
