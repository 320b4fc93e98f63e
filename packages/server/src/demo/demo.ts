import { join } from "node:path";
import { type Check, ConnectorError, grouped } from "@entrain/core";
import type { Simulator } from "@entrain/simulator";
import { progressView } from "../cli/progress.ts";
import { countsInWords, durationInWords } from "../cli/wording.ts";
import type { Installation, World } from "../cli/world.ts";
import { changeConfiguration } from "../config/apply.ts";
import { credentialsOf } from "../config/connector-credentials.ts";
import { loadConfiguration } from "../config/current.ts";
import type { RunOptions, RunSummary } from "../runs/run.ts";
import { Secret } from "../store/secrets.ts";
import { DEMO_CONNECTION, DEMO_SYNCS, demoDocument } from "./configuration.ts";

/** The demo's own part of a running server. */
export interface Demo {
  /** Stops the simulated tenant and saves it. */
  close(): Promise<void>;
}

export interface DemoOptions {
  readonly world: World;
  readonly installation: Installation;
  /** Runs a sync so that the console shows it. */
  readonly run: (options: RunOptions) => Promise<RunSummary>;
  /** Tells the user what is done. */
  readonly say: (text: string) => void;
  /** Show no progress. */
  readonly quiet: boolean;
}

const PORT = 7421;
const PEOPLE = 1000;
const GROUPS = 50;
const SEED = 7;
const CHURN_PER_MINUTE = 3;
const ACTOR = { kind: "system", id: "demo" } as const;

/**
 * Starts the simulated tenant, connects it, and runs the syncs once, telling what it does. The tenant survives in the
 * demo's folder, so that the next start goes on with its changes.
 */
export async function openDemo(options: DemoOptions): Promise<Demo> {
  const { world, installation, say } = options;
  const tenant = `Entrain demo: a simulated tenant of ${grouped(PEOPLE)} people, kept in ${installation.folder}`;
  say(`${tenant}\n\n`);
  const simulator = await startTenant(installation.folder, say);
  try {
    await connect(installation, simulator);
    await verify(options);
    for (const name of DEMO_SYNCS) await runOnce(options, name);
    await tellDisabled(options);
  } catch (error) {
    if (!world.signal.aborted) {
      await simulator.close();
      throw error;
    }
  }
  return { close: () => simulator.close() };
}

/** Why fewer people arrive than the tenant has. */
async function tellDisabled({ installation: { store }, say }: DemoOptions): Promise<void> {
  const rows = await store.db
    .selectFrom("records")
    .select("attributes")
    .where("kind", "=", "user")
    .where("removed", "is", null)
    .execute();
  const disabled = rows.filter(({ attributes }) => JSON.parse(attributes).accountEnabled === false).length;
  if (disabled > 0) say(`${" ".repeat(12)} ${grouped(disabled)} accounts are disabled; nobody is created for those.\n`);
}

async function startTenant(folder: string, say: DemoOptions["say"]): Promise<Simulator> {
  const { startSimulator } = await import("@entrain/simulator");
  const options = {
    people: PEOPLE,
    groups: GROUPS,
    seed: SEED,
    stateFile: join(folder, "tenant.json"),
    churnPerMinute: CHURN_PER_MINUTE,
  };
  try {
    return await startSimulator({ ...options, port: PORT });
  } catch (error) {
    const simulator = await startSimulator({ ...options, port: 0 }).catch(() => null);
    if (simulator === null) throw told(error);
    say(`Port ${PORT} is in use, so the simulated tenant listens at ${simulator.graph}.\n`);
    return simulator;
  }
}

/** The simulator tells its faults in one sentence. */
function told(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const message = `The simulated tenant could not be started: ${error.message}`;
  return new ConnectorError("store_failed", message, { stops: "run", retry: "never", cause: error });
}

async function connect(installation: Installation, simulator: Simulator): Promise<void> {
  const { store, keyring, types } = installation;
  const row = (await loadConfiguration(store)).rows.connections.get(DEMO_CONNECTION);
  const [credential] = row === undefined ? [] : credentialsOf(store, keyring, row);
  const stored = credential?.kind === "secret" ? credential.secret() : undefined;
  const secrets =
    stored === simulator.secret
      ? new Map<string, Secret>()
      : new Map([[`connections/${DEMO_CONNECTION}/secret`, new Secret(simulator.secret)]]);
  await changeConfiguration({ store, keyring, types, prune: false, demo: true, actor: ACTOR, secrets }, (current) =>
    demoDocument(current, simulator),
  );
}

async function verify({ world, installation: { store, engine }, say }: DemoOptions): Promise<void> {
  const { rows } = await loadConfiguration(store);
  const row = rows.connections.get(DEMO_CONNECTION);
  if (row === undefined) return;
  const source = await engine.openSource(row);
  try {
    const checks = await source.verify(world.signal);
    const failed = checks.filter(({ ok }) => !ok);
    say(`Connection   ${checks.length - failed.length} of ${checks.length} checks passed: ${names(checks)}\n`);
    for (const { name, detail, fix } of failed) say(`             ${name}: ${detail} ${fix ?? ""}\n`);
  } finally {
    await source.close();
  }
}

function names(checks: readonly Check[]): string {
  return checks.map(({ name, ok }) => (ok ? name : `${name} (failed)`)).join(", ");
}

async function runOnce(options: DemoOptions, name: string): Promise<void> {
  const { world, say } = options;
  const { store } = options.installation;
  const { rows } = await loadConfiguration(store);
  const sync = rows.syncs.get(name);
  if (sync === undefined || world.signal.aborted) return;
  const progress = progressView(world, options.quiet);
  try {
    const { onProgress, signal } = { onProgress: progress.update, signal: world.signal };
    const summary = await options.run({ sync: sync.id, actor: ACTOR, signal, onProgress });
    progress.stop();
    const { counts, failed, ms, held, error } = summary;
    const also = [
      ...(failed > 0 ? [`${grouped(failed)} unsynced`] : []),
      ...(held === null ? [] : [`${grouped(held.count)} wait for approval`]),
      ...(error === null ? [] : [error.message.replace(/\.$/, "")]),
    ];
    const what = [countsInWords(counts), ...also].join(", ");
    say(`${name.padEnd(12)} ${what}, in ${durationInWords(ms)}\n`);
  } finally {
    progress.stop();
  }
}
