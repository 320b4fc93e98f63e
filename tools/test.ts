import { spawn } from "node:child_process";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { FOLDER_VARIABLE } from "../test/fidelity/recording.ts";
import type { TestLine } from "./test-reporter.ts";
import { type FileEnd, type Tally, tally } from "./test-tally.ts";

const PATTERNS = ["packages/*/src/**/*.test.{ts,tsx}", "test/**/*.test.ts", "tools/**/*.test.ts", "bench/**/*.test.ts"];
/** Looks at what all the others sent to Graph, so it runs when they are done, and what it prints is shown. */
const LAST = "test/fidelity/recorded.test.ts";
const CONCURRENCY = 2;
const FILE_LIMIT_SECONDS = 600;
const OUTPUT_LIMIT = 30_000;
const HELP = `npm test [-- [--limit SECONDS] PART …]   runs every test file, or those with a PART in their path
  --limit SECONDS   how long one file may take (${FILE_LIMIT_SECONDS})`;

/** Runs the tests under `root`; 0 when all passed, 1 when one failed or none ran, 2 on wrong usage. */
async function runTests(root: string, args: readonly string[]): Promise<number> {
  const options = readArguments(args);
  if (options === null) {
    console.error(HELP);
    return 2;
  }
  const files = globSync(PATTERNS, { cwd: root, exclude: ["**/node_modules/**"] })
    .filter((file) => options.parts.length === 0 || options.parts.some((part) => file.includes(part)))
    .sort();
  const scratch = mkdtempSync(join(tmpdir(), "entrain-test-"));
  const requireServers = process.env.ENTRAIN_REQUIRE_SERVERS === "1";
  const results: { readonly file: string; readonly tally: Tally }[] = [];
  const env = recordingEnvironment(join(scratch, "graph"));
  const one = async (file: string): Promise<FileEnd> => {
    const started = performance.now();
    const report = join(scratch, `${files.indexOf(file)}.jsonl`);
    const end = await runFile({ root, file, report, limitSeconds: options.limitSeconds, env });
    const counts = tally(end, requireServers);
    results.push({ file, tally: counts });
    printFile(file, counts, performance.now() - started);
    return end;
  };
  const queue = files.filter((file) => file !== LAST).values();
  const work = async (): Promise<void> => {
    for (const file of queue) await one(file);
  };
  try {
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
    if (files.includes(LAST)) process.stdout.write((await one(LAST)).output);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return printSummary(results, options.parts);
}

function readArguments(
  args: readonly string[],
): { readonly parts: readonly string[]; readonly limitSeconds: number } | null {
  const parts: string[] = [];
  let limitSeconds = FILE_LIMIT_SECONDS;
  for (let index = 0; index < args.length; index += 1) {
    const argument = args[index] ?? "";
    if (argument === "--limit") {
      index += 1;
      limitSeconds = Number(args[index]);
      if (!(limitSeconds > 0)) return null;
    } else if (argument.startsWith("-")) return null;
    else parts.push(argument);
  }
  return { parts, limitSeconds };
}

/** Lets the tests, and every Node process that they start, write down what is sent to Graph. */
function recordingEnvironment(folder: string): NodeJS.ProcessEnv {
  mkdirSync(folder);
  const recorder = `--import=${pathToFileURL(join(import.meta.dirname, "record-graph.mjs")).href}`;
  const { NODE_OPTIONS } = process.env;
  return {
    ...process.env,
    [FOLDER_VARIABLE]: folder,
    NODE_OPTIONS: NODE_OPTIONS === undefined ? recorder : `${NODE_OPTIONS} ${recorder}`,
  };
}

interface FileRun {
  readonly root: string;
  readonly file: string;
  /** Where the reporter writes. */
  readonly report: string;
  readonly limitSeconds: number;
  readonly env: NodeJS.ProcessEnv;
}

/** Runs one file in a process group of its own, so that a hanging file goes with everything that it started. */
function runFile({ root, file, report, limitSeconds, env }: FileRun): Promise<FileEnd> {
  const reporter = join(import.meta.dirname, "test-reporter.ts");
  const args = [`--test-reporter=${reporter}`, `--test-reporter-destination=${report}`, resolve(root, file)];
  const child = spawn(process.execPath, args, { cwd: root, detached: true, stdio: ["ignore", "pipe", "pipe"], env });
  let output = "";
  const keep = (text: Buffer): void => {
    output = (output + text.toString()).slice(-OUTPUT_LIMIT);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  let timedOutAfter: number | null = null;
  const endGroup = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // Nobody is left in the group, which is what we want.
    }
  };
  const limit = setTimeout(() => {
    timedOutAfter = limitSeconds;
    endGroup();
  }, limitSeconds * 1000);
  const interrupted = (): void => {
    endGroup();
    process.exit(130);
  };
  for (const signal of INTERRUPTIONS) process.once(signal, interrupted);
  child.once("exit", endGroup);
  return new Promise((done, fail) => {
    child.once("error", fail);
    child.once("close", (exitCode) => {
      clearTimeout(limit);
      for (const signal of INTERRUPTIONS) process.off(signal, interrupted);
      done({ file, lines: readReport(report), exitCode, timedOutAfter, output });
    });
  });
}

const INTERRUPTIONS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A killed process may leave its last line unfinished. */
function readReport(path: string): readonly TestLine[] {
  if (!existsSync(path)) return [];
  const text = readFileSync(path, "utf8");
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return lines.filter((line) => line !== "").map((line): TestLine => JSON.parse(line));
}

function printFile(file: string, counts: Tally, ms: number): void {
  const skipped = counts.skips.length === 0 ? "" : `, ${counts.skips.length} skipped`;
  const failed = counts.failures.length === 0 ? "" : `, ${counts.failures.length} FAILED`;
  console.log(`${(ms / 1000).toFixed(1).padStart(6)} s  ${file}: ${counts.passed} passed${failed}${skipped}`);
  for (const { names, detail } of counts.failures) {
    console.log(`\n  FAILED ${names.join(" > ")}\n${detail.trimEnd().replace(/^/gm, "    ")}\n`);
  }
}

function printSummary(
  results: readonly { readonly file: string; readonly tally: Tally }[],
  parts: readonly string[],
): number {
  const sorted = results.toSorted((a, b) => (a.file < b.file ? -1 : 1));
  const skips = sorted.flatMap(({ file, tally: { skips } }) => skips.map((skip) => ({ file, ...skip })));
  const failures = sorted.flatMap(({ file, tally: { failures } }) => failures.map((failure) => ({ file, ...failure })));
  const passed = sorted.reduce((sum, result) => sum + result.tally.passed, 0);
  console.log("");
  for (const { file, names, reason } of skips) console.log(`skipped  ${file}: ${names.join(" > ")} (${reason})`);
  for (const { file, names } of failures) console.log(`FAILED   ${file}: ${names.join(" > ")}`);
  const none = results.length === 0;
  if (none)
    console.log(parts.length === 0 ? "There is no test file." : `No test file has ${parts.join(" or ")} in its path.`);
  else if (passed + failures.length === 0) console.log("No test ran.");
  console.log(`${passed} passed, ${failures.length} failed${skips.length === 0 ? "" : `, ${skips.length} skipped`}`);
  return failures.length > 0 || passed === 0 ? 1 : 0;
}

if (import.meta.main) process.exitCode = await runTests(process.cwd(), process.argv.slice(2));
