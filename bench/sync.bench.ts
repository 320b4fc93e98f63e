import { startWorker } from "./runs/work.ts";
import type { RunReport } from "./runs/worker.ts";
import { type BenchmarkOptions, median, type Table } from "./table.ts";
import { startTenant } from "./tenant/tenant.ts";

export const name = "sync";

const ROUNDS = 3;

/** The first run of a sync: everyone is read, planned and applied into the portal. */
export async function run({ quick, progress }: BenchmarkOptions): Promise<Table> {
  progress("building the tenant's pages");
  const tenant = await startTenant(quick ? 3_000 : 100_000);
  const reports: RunReport[] = [];
  try {
    for (let at = 0; at < (quick ? 1 : ROUNDS); at += 1) {
      const worker = await startWorker(tenant);
      const report = await worker.run();
      await worker.close();
      reports.push(report);
      progress(`round ${at + 1}: ${(report.ms / 1000).toFixed(1)} s`);
    }
  } finally {
    await tenant.stop();
  }
  const created = reports[0]?.counts?.create ?? 0;
  const row = (what: string, of: (report: RunReport) => number): (string | number)[] => {
    const ms = median(reports.map(of));
    const share = median(reports.map((report) => of(report) / report.ms));
    return [what, ms / 1000, tenant.people / (ms / 1000), `${Math.round(share * 100)} %`];
  };
  return {
    title: `First run: ${tenant.people.toLocaleString("en-US")} people read, planned and applied into the portal`,
    method:
      `One sync with the portal's preset mapping, from an empty store; it created ${created.toLocaleString("en-US")} requesters, each with an intent and an outcome in the journal. ` +
      `The tenant is served by another process. Medians of ${reports.length} runs, each in a process of its own.`,
    columns: ["phase", "seconds", "people/s", "share"],
    rows: [
      row("read", ({ readMs }) => readMs),
      row("plan", ({ planMs }) => planMs),
      row("apply", ({ applyMs }) => applyMs),
      row("all of it", ({ ms }) => ms),
    ],
    bars: [],
  };
}
