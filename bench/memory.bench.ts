import { startWorker } from "./runs/work.ts";
import type { RunReport } from "./runs/worker.ts";
import type { BenchmarkOptions, Table } from "./table.ts";
import { startTenant, type Tenant } from "./tenant/tenant.ts";

export const name = "memory";

const MEGABYTE = 1_000_000;

interface Size {
  readonly people: number;
  /** Peak of heap and buffers after a collection at each batch. */
  readonly heap: number;
  /** Peak of the whole process in a run of its own, which nobody disturbs by collecting. */
  readonly resident: number;
}

/** The memory of a first run: it must not grow with the directory. */
export async function run({ quick, progress }: BenchmarkOptions): Promise<Table> {
  const sizes: Size[] = [];
  for (const people of quick ? [1_000, 3_000] : [10_000, 100_000]) {
    progress(`building the pages of ${people} people`);
    const tenant = await startTenant(people);
    try {
      const collected = await firstRun(tenant, true);
      const free = await firstRun(tenant, false);
      sizes.push({ people: tenant.people, heap: collected.heapPeak, resident: free.residentPeak });
      progress(
        `${people}: ${Math.round(collected.heapPeak / MEGABYTE)} MB in use, ${Math.round(free.residentPeak / MEGABYTE)} MB resident`,
      );
    } finally {
      await tenant.stop();
    }
  }
  const [small, large] = sizes;
  const ratio = (large?.heap ?? 0) / (small?.heap ?? 1);
  return {
    title: "Memory of a first run",
    method:
      "Read, plan and apply into the portal, in a process of its own that is started as the program is. Heap and buffers: the largest sum of the JavaScript heap and the buffers outside it, after a forced collection at each batch. " +
      "Resident: the most that the whole process ever held, in another run without forced collections; the database's cache counts, the tenant's server does not.",
    columns: ["people", "heap and buffers, MB", "ratio", "resident, MB"],
    rows: sizes.map(({ people, heap, resident }, at) => [
      people.toLocaleString("en-US"),
      heap / MEGABYTE,
      at === 0 ? "1" : ratio.toFixed(2),
      resident / MEGABYTE,
    ]),
    bars: [
      { claim: "ten times as many people need at most 1.3 × the heap and buffers", value: ratio, limit: 1.3 },
      {
        claim: "the whole process stays under 300 MB with the most people",
        value: (large?.resident ?? 0) / MEGABYTE,
        limit: 300,
      },
    ],
  };
}

async function firstRun(tenant: Tenant, collect: boolean): Promise<RunReport> {
  const worker = await startWorker(tenant, collect ? { execArgv: ["--expose-gc"] } : {});
  try {
    return await worker.run({ collect });
  } finally {
    await worker.close();
  }
}
