import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Simulator } from "@entrain/simulator";

const PROGRAM = fileURLToPath(new URL("../../packages/server/bin/entrain.mjs", import.meta.url));

/** The whole product in a process of its own, with its people synced into the portal every so often. */
export interface Served {
  readonly address: string;
  /** Where the notifications of the one connection are posted. */
  readonly inbox: string;
  /** Display names that the portal holds among these. */
  present(names: readonly string[]): ReadonlySet<string>;
  /** Whether Microsoft's side was subscribed to. */
  subscribed(): boolean;
  /** Whether the first run has ended. */
  settled(): boolean;
  /** Runs so far. */
  runs(): number;
  /** Signs an operator in to the console, and answers the cookie of the session. */
  signIn(): Promise<string>;
  close(): Promise<void>;
}

/** How a server is configured and started. */
export interface ServedOptions {
  readonly every: string;
  /** Under an address that the tenant can reach. */
  readonly notified: boolean;
  /** Its records may double without approval: as far as the guard on creations goes. */
  readonly doubling?: boolean;
}

/** Starts `entrain serve` beside a simulated tenant. */
export async function startServed(simulator: Simulator, options: ServedOptions): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), "entrain-lag-"));
  const data = join(folder, "data");
  const env = { ...process.env, ENTRAIN_DATA: data, LAG_SECRET: simulator.secret };
  const file = join(folder, "entrain.yaml");
  await writeFile(file, configuration(simulator, options));
  await ended(
    spawn(process.execPath, [PROGRAM, "config", "apply", file], { env, stdio: ["ignore", "ignore", "inherit"] }),
  );
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const reach = options.notified ? ["--public-url", address] : [];
  const server = spawn(process.execPath, [PROGRAM, "serve", "--port", String(port), ...reach], {
    env,
    stdio: "ignore",
  });
  const read = <T>(sql: string, ...values: readonly string[]): readonly T[] => {
    const db = new DatabaseSync(join(data, "entrain.sqlite"), { readOnly: true, timeout: 5000 });
    try {
      return db.prepare(sql).all(...values) as unknown as readonly T[];
    } finally {
      db.close();
    }
  };
  const [connection] = read<{ id: string }>("select id from connections");
  return {
    address,
    inbox: `${address}/notifications/${connection?.id ?? ""}`,
    present: (names) => {
      const rows = read<{ attributes: string }>(
        "select attributes from portal_requesters where attributes like '%Lag %'",
      );
      const held = new Set(rows.map(({ attributes }) => String(JSON.parse(attributes).displayName)));
      return new Set(names.filter((name) => held.has(name)));
    },
    subscribed: () => read("select graph_id from subscriptions where graph_id is not null").length > 0,
    settled: () => read("select id from runs where result is not null").length > 0,
    runs: () => read("select id from runs").length,
    signIn: async () => {
      const command = ["operator", "link", "--address", address, "--json"];
      const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...command], { env });
      const { link } = JSON.parse(stdout) as { readonly link: string };
      const answer = await fetch(link, { redirect: "manual" });
      return (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
    },
    close: async () => {
      server.kill("SIGTERM");
      await once(server, "exit");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`entrain exited with ${code}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (typeof address !== "object" || address === null) throw new Error("no port was given");
  return address.port;
}

function configuration(
  { login, graph, tenant, client }: Simulator,
  { every, doubling = false }: ServedOptions,
): string {
  const guard = doubling ? ", guard: { creations: { percent: 100 } }" : "";
  return [
    "connections:",
    "  lag:",
    `    cloud: { kind: custom, login: "${login}", graph: "${graph}" }`,
    `    tenant: ${tenant}`,
    `    client: ${client}`,
    "    credential: { kind: secret, secret: { env: LAG_SECRET } }",
    "targets:",
    "  portal: { type: portal }",
    "syncs:",
    `  people: { connection: lag, target: portal, records: requester, schedule: { every: ${every} }${guard} }`,
  ].join("\n");
}
