import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runSync } from "../../packages/server/src/runs/run.ts";
import { answerParent } from "../child.ts";
import { type Installation, openInstallation, reopenInstallation, SYNC } from "../installation.ts";
import type { TenantAddress } from "../tenant/tenant.ts";

/** What a worker is asked: to open an installation, a new one or one that another worker left, and to run its sync. */
export type ResumeRequest =
  | { readonly ask: "open"; readonly address: TenantAddress; readonly folder: string | null }
  | { readonly ask: "run" }
  | { readonly ask: "close" };

/** One run. */
export interface ResumeReport {
  readonly folder: string;
  readonly ms: number;
  readonly created: number;
  /** Requests to Graph and the sign-in service. */
  readonly requests: number;
  /** People in the target's file, each id once. */
  readonly records: number;
}

async function run({ engine, folder }: Installation, requests: () => number): Promise<ResumeReport> {
  const before = requests();
  const begun = performance.now();
  const summary = await runSync(engine, {
    sync: SYNC,
    actor: { kind: "system", id: "benchmark" },
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
  const ms = performance.now() - begun;
  if (summary.error !== null) throw new Error(`the run failed: ${summary.error.message}`);
  const lines = readFileSync(join(folder, "user.csv"), "utf8").trim().split("\r\n").slice(1);
  const records = new Set(lines.map((line) => line.slice(0, line.indexOf(",")))).size;
  return { folder, ms, created: summary.counts.create, requests: requests() - before, records };
}

if (import.meta.main) {
  let installation: Installation | null = null;
  let requests = 0;
  const onRequest = (): void => {
    requests += 1;
  };
  answerParent<ResumeRequest, ResumeReport>(async (request) => {
    if (request.ask === "open") {
      const { address, folder } = request;
      installation =
        folder === null
          ? await openInstallation(address, "http", onRequest, "csv")
          : await reopenInstallation(folder, { address, scheme: "http", onRequest, type: "csv" });
    }
    if (installation === null) throw new Error("there is no installation yet");
    if (request.ask === "run") return run(installation, () => requests);
    const { folder } = installation;
    if (request.ask === "close") await installation.close();
    return { folder, ms: 0, created: 0, requests: 0, records: 0 };
  });
}
