import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { TenantAddress } from "../tenant/tenant.ts";

const PROGRAM = fileURLToPath(new URL("../../packages/simulator/bin/entrain-simulator.mjs", import.meta.url));

/** A simulated tenant in a process of its own, as anybody would start it. */
export interface SimulatorProcess {
  readonly address: TenantAddress;
  stop(): Promise<void>;
}

/** Starts `entrain-simulator` with these options and waits until it is ready. */
export async function startSimulatorProcess(options: readonly string[], people: number): Promise<SimulatorProcess> {
  const child = spawn(process.execPath, [PROGRAM, "--json", "--port", "0", ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [line] = (await once(createInterface(child.stdout), "line")) as [string];
    const { graph, tenant, client, secret } = JSON.parse(line) as Readonly<Record<string, string>>;
    const access = { http: graph ?? "", https: "", ca: "", tenant: tenant ?? "", client: client ?? "" };
    const address = { ...access, secret: secret ?? "", people, pages: 0, bytes: 0, compressedBytes: 0 };
    return { address, stop: () => stop(child) };
  } catch (error) {
    await stop(child);
    throw error;
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}
