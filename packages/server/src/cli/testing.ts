import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { Simulator } from "@entrain/simulator";
import { systemClock } from "../clock.ts";
import type { World } from "./world.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

/** How a command ended. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: { readonly [name: string]: string };
  /** What stands on standard input; nothing unless given. */
  readonly input?: string;
}

/** A command that goes on: its output so far, and its end. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
  /** Resolves with the text as soon as the output matches. Rejects when the command ends without. */
  until(pattern: RegExp): Promise<string>;
}

/** A folder of the test's own, removed after it. */
export async function temporaryFolder(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "entrain-cli-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts the real command line in a process of its own, with nothing of this one's ENTRAIN_ variables. */
export function start(args: readonly string[], options: RunOptions): Running {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("ENTRAIN_"));
  const env = { ...Object.fromEntries(inherited), ...options.env };
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: options.cwd, env, stdio: ["pipe", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  const waiting = new Set<() => void>();
  const heard = (): void => {
    for (const look of waiting) look();
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    heard();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    heard();
  });
  child.stdin.on("error", () => undefined); // A command that does not read its input closes it.
  child.stdin.end(options.input ?? "");
  const ended = new Promise<Ran>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
  const until = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!pattern.test(stdout + stderr)) return;
        waiting.delete(look);
        resolve(stdout + stderr);
      };
      waiting.add(look);
      look();
      ended.then(({ code }) => reject(new Error(`ended with ${code}:\n${stdout}${stderr}`)), reject);
    });
  return { child, ended, until };
}

/** Runs a command to its end. */
export async function run(args: readonly string[], options: RunOptions): Promise<Ran> {
  return start(args, options).ended;
}

/** Runs a command with --json that must succeed (or end with `code`), and answers what it printed. */
export async function runJson<T>(args: readonly string[], options: RunOptions, code = 0): Promise<T> {
  const ran = await run([...args, "--json"], options);
  assert.equal(ran.code, code, `${args.join(" ")}\n${ran.stdout}${ran.stderr}`);
  return JSON.parse(ran.stdout) as T;
}

/** The one error that a command wrote with --json. */
export function errorOf(ran: Ran): { readonly code: string; readonly message: string; readonly fix: string } {
  const lines = ran.stderr.trim().split("\n");
  assert.equal(lines.length, 1, ran.stderr);
  const { error } = JSON.parse(lines[0] ?? "") as { error: { code: string; message: string; fix: string } };
  return error;
}

/** Fails when a text shows a stack trace or one of the secrets. */
export function assertClean(ran: Ran, secrets: readonly string[]): void {
  const all = ran.stdout + ran.stderr;
  assert.doesNotMatch(all, /^\s+at /m);
  assert.doesNotMatch(all, /node:internal|Error:/);
  for (const secret of secrets) assert.ok(!all.includes(secret), "a secret was printed");
}

/** A command's surroundings inside this process, with nothing in them but what a test gives. */
interface Surroundings {
  readonly world: World;
  /** What stands on standard output, or was said on standard error, since it was last asked. */
  out(): string;
  err(): string;
}

export function surroundings(over: Partial<World> = {}, input?: string): Surroundings {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  if (input !== undefined) stdin.end(input);
  const read = (stream: PassThrough) => (): string => String(stream.setEncoding("utf8").read() ?? "");
  return {
    out: read(stdout),
    err: read(stderr),
    world: {
      stdin,
      stdout,
      stderr,
      environment: {},
      clock: systemClock,
      user: "olga",
      version: "1.2.3",
      signal: new AbortController().signal,
      targetTypes: async () => new Map(),
      openInstallation: () => Promise.reject(new Error("not opened")),
      serve: async () => undefined,
      ...over,
    },
  };
}

/** A folder whose `entrain.yaml` provisions the simulated tenant's people into the portal, with these lines more in the sync. */
export async function withPeople(
  context: TestContext,
  simulator: Pick<Simulator, "login" | "graph" | "tenant" | "client" | "secret">,
  lines: readonly string[],
): Promise<string> {
  const cwd = await temporaryFolder(context);
  await writeFile(join(cwd, "secret"), simulator.secret);
  const document = [
    "connections:",
    "  contoso:",
    `    cloud: { kind: custom, login: "${simulator.login}", graph: "${simulator.graph}" }`,
    `    tenant: ${simulator.tenant}`,
    `    client: ${simulator.client}`,
    "    credential: { kind: secret, secret: { file: secret } }",
    "targets: { portal: { type: portal } }",
    "syncs:",
    "  people:",
    "    connection: contoso",
    "    target: portal",
    "    records: requester",
    ...lines.map((line) => `    ${line}`),
  ];
  await writeFile(join(cwd, "entrain.yaml"), document.join("\n"));
  const applied = await run(["config", "apply", "entrain.yaml"], { cwd });
  if (applied.code !== 0) throw new Error(applied.stderr);
  return cwd;
}
