import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import type { ScimServer } from "@entrain/connectors/scim/testing";
import type { Simulator } from "@entrain/simulator";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command under way. */
export interface Running {
  readonly ended: Promise<Ended>;
  /** SIGKILL: nothing in the process gets to know. */
  kill(): void;
}

/** A real installation in a folder of its own, worked on through the command line only. */
export interface Installation {
  readonly folder: string;
  start(...args: readonly string[]): Running;
  /** Runs a command to its end and returns what it printed as JSON; throws when it exits with another code than 0. */
  json(...args: readonly string[]): Promise<Record<string, unknown>>;
  /** Reads the store past the product, from a connection of its own. */
  query(sql: string): readonly Record<string, unknown>[];
  close(): Promise<void>;
}

/** Creates an installation whose syncs provision people and groups of the simulated tenant. */
export async function openInstallation(ends: {
  readonly simulator: Simulator;
  readonly scim: ScimServer;
}): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), "entrain-kill-"));
  const env = {
    ...process.env,
    ENTRAIN_DATA: join(folder, "data"),
    TENANT_SECRET: ends.simulator.secret,
    DESK_TOKEN: "scim-test-token",
  };
  const children = new Set<ChildProcess>();
  const start = (...args: readonly string[]): Running => {
    const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
    children.add(child);
    return { ended: endOf(child), kill: () => child.kill("SIGKILL") };
  };
  const installation: Installation = {
    folder,
    start,
    json: async (...args) => {
      const { code, stdout, stderr } = await start(...args, "--json").ended;
      if (code !== 0) throw new Error(`entrain ${args.join(" ")} exited with ${code}: ${stderr}${stdout}`);
      return JSON.parse(stdout) as Record<string, unknown>;
    },
    query: (sql) => {
      const db = new DatabaseSync(join(folder, "data", "entrain.sqlite"), { readOnly: true, timeout: 5000 });
      try {
        return db.prepare(sql).all() as Record<string, unknown>[];
      } finally {
        db.close();
      }
    },
    close: async () => {
      for (const child of children) child.kill("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
  const file = join(folder, "entrain.yaml");
  await writeFile(file, configuration(ends));
  await installation.json("config", "apply", file);
  return installation;
}

function endOf(child: ChildProcess): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

function configuration({ simulator, scim }: { readonly simulator: Simulator; readonly scim: ScimServer }): string {
  const sync = (name: string, target: string, records: string): string =>
    `  ${name}: { connection: contoso, target: ${target}, records: ${records}, schedule: manual }\n`;
  return [
    "connections:",
    "  contoso:",
    `    cloud: { kind: custom, login: "${simulator.login}", graph: "${simulator.graph}" }`,
    `    tenant: ${simulator.tenant}`,
    `    client: ${simulator.client}`,
    "    credential: { kind: secret, secret: { env: TENANT_SECRET } }",
    "targets:",
    "  portal: { type: portal }",
    `  desk: { type: scim, settings: { baseUrl: "${scim.baseUrl}" }, credential: { token: { env: DESK_TOKEN } } }`,
    "syncs:",
    `${sync("portal-people", "portal", "requester")}${sync("portal-groups", "portal", "group")}` +
      `${sync("desk-people", "desk", "user")}${sync("desk-groups", "desk", "group")}`,
  ].join("\n");
}
