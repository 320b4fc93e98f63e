import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { type Child, startChild } from "./child.ts";
import type { ResumeReport, ResumeRequest } from "./resume/worker.ts";
import { addressOf } from "./runs/work.ts";
import type { BenchmarkOptions, Table } from "./table.ts";
import { startTenant, type Tenant } from "./tenant/tenant.ts";

export const name = "resume";

const LOOK_MS = 20;
/** Batches of the CSV target. */
const BATCH = 5_000;

/** What the store says of a sync's changes. */
interface Written {
  readonly created: number;
  readonly intents: number;
}

/** A first run is killed in the middle of what it writes, and the next one goes on. */
export async function run({ quick, progress }: BenchmarkOptions): Promise<Table> {
  progress("building the tenant's pages");
  const tenant = await startTenant(quick ? 12_000 : 100_000);
  const worker = (): Child<ResumeRequest, ResumeReport> => startChild(new URL("./resume/worker.ts", import.meta.url));
  const whole = worker();
  const killed = worker();
  const next = worker();
  try {
    const undisturbed = await runWhole(whole, tenant);
    progress(`undisturbed: ${(undisturbed.ms / 1000).toFixed(1)} s`);
    const { folder } = await killed.ask({ ask: "open", address: addressOf(tenant), folder: null });
    const first = killed.ask({ ask: "run" }).then(
      () => "ended",
      () => "killed",
    );
    const before = await untilHalf(folder, undisturbed.created);
    await killed.stop();
    if ((await first) !== "killed") throw new Error("the first run ended before it was killed");
    const left = { ...before, ...(await written(folder)) };
    progress(`killed after ${left.created.toLocaleString("en-US")} changes`);
    await next.ask({ ask: "open", address: addressOf(tenant), folder });
    const resumed = await next.ask({ ask: "run" });
    const total = await written(folder);
    await next.ask({ ask: "close" });
    return table(tenant, { undisturbed, left, resumed, total });
  } finally {
    for (const one of [whole, killed, next]) await one.stop();
    await tenant.stop();
  }
}

async function runWhole(child: Child<ResumeRequest, ResumeReport>, tenant: Tenant): Promise<ResumeReport> {
  await child.ask({ ask: "open", address: addressOf(tenant), folder: null });
  const report = await child.ask({ ask: "run" });
  await child.ask({ ask: "close" });
  return report;
}

async function untilHalf(folder: string, all: number): Promise<Written> {
  for (;;) {
    const now = await written(folder);
    if (now.created >= all / 2) return now;
    await sleep(LOOK_MS);
  }
}

/** Read past the product, from a connection of its own. */
async function written(folder: string): Promise<Written> {
  const db = new DatabaseSync(join(folder, "entrain.sqlite"), { readOnly: true, timeout: 5_000 });
  try {
    const [runs] = db.prepare("select coalesce(sum(json_extract(counts, '$.create')), 0) as created from runs").all();
    const [journal] = db.prepare("select count(*) as intents from journal where type = 'intent'").all();
    return { created: Number(runs?.created), intents: Number(journal?.intents) };
  } finally {
    db.close();
  }
}

function table(
  tenant: Tenant,
  of: {
    readonly undisturbed: ResumeReport;
    readonly left: Written;
    readonly resumed: ResumeReport;
    readonly total: Written;
  },
): Table {
  const { undisturbed, left, resumed, total } = of;
  const again = total.intents - total.created;
  return {
    title: `Killed in the middle of ${undisturbed.created.toLocaleString("en-US")} changes, and started again`,
    method:
      `A first run of ${tenant.people.toLocaleString("en-US")} people into CSV files, in batches of ${BATCH.toLocaleString("en-US")}, got SIGKILL after half of its changes; ` +
      "the next run finished the plan and read what had changed. Each run in a process of its own; changes and intents are counted in the store, records in the file.",
    columns: ["run", "seconds", "requests to Graph", "changes written"],
    rows: [
      ["undisturbed", undisturbed.ms / 1000, undisturbed.requests, undisturbed.created],
      ["until the kill", "", "", left.created],
      ["the next one", resumed.ms / 1000, resumed.requests, total.created - left.created],
    ],
    bars: [
      { claim: "changes sent a second time, in batches", value: Math.ceil(again / BATCH), limit: 1 },
      {
        claim: "records missing or twice in the file",
        value: Math.abs(resumed.records - undisturbed.records),
        limit: 0,
      },
      {
        claim: "requests to Graph, of those of the undisturbed run",
        value: resumed.requests / undisturbed.requests,
        limit: 0.2,
      },
    ],
  };
}
