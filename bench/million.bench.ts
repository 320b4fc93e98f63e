import { startChild } from "./child.ts";
import type { GraphReadReport, GraphReadRequest } from "./graph/reader.ts";
import { addressOf } from "./runs/work.ts";
import type { BenchmarkOptions, Table } from "./table.ts";
import { startTenant } from "./tenant/tenant.ts";

export const name = "million";

const MEGABYTE = 1_000_000;

interface Size {
  readonly people: number;
  readonly seconds: number;
  readonly heap: number;
  readonly resident: number;
}

/** The memory of a first read of very many people in one go. */
export async function run({ quick, progress }: BenchmarkOptions): Promise<Table> {
  const sizes: Size[] = [];
  for (const people of quick ? [2_000, 20_000] : [100_000, 1_000_000]) {
    const collected = await readOf(people, true);
    const free = await readOf(people, false);
    if (free.people !== people) throw new Error(`${free.people} of ${people} people were read`);
    const size = { people, seconds: free.ms / 1000, heap: collected.heapPeak, resident: free.residentPeak };
    progress(
      `${people}: ${size.seconds.toFixed(1)} s, ${Math.round(size.heap / MEGABYTE)} MB in use, ${Math.round(size.resident / MEGABYTE)} MB resident`,
    );
    sizes.push(size);
  }
  const [small, large] = sizes;
  const ratio = (large?.heap ?? 0) / (small?.heap ?? 1);
  return {
    title: `Memory of a first read of ${(large?.people ?? 0).toLocaleString("en-US")} people`,
    method:
      "Everybody is read into a new directory in one go, in a process of its own. Heap and buffers: the largest sum of the JavaScript heap and the buffers outside it, after a forced collection at each page. " +
      "Resident: the most that the whole process ever held, in another read without forced collections; the database's cache counts.",
    columns: ["people", "seconds", "heap and buffers, MB", "resident, MB"],
    rows: sizes.map(({ people, seconds, heap, resident }) => [
      people.toLocaleString("en-US"),
      seconds,
      heap / MEGABYTE,
      resident / MEGABYTE,
    ]),
    bars: [
      { claim: "ten times as many people need at most 1.3 × the heap and buffers", value: ratio, limit: 1.3 },
      {
        claim: "the whole process stays under 400 MB with the most people",
        value: (large?.resident ?? 0) / MEGABYTE,
        limit: 400,
      },
    ],
  };
}

async function readOf(people: number, collect: boolean): Promise<GraphReadReport> {
  const tenant = await startTenant(people, "repeated");
  const execArgv = collect ? ["--expose-gc"] : [];
  const reader = startChild<GraphReadRequest, GraphReadReport>(new URL("./graph/reader.ts", import.meta.url), {
    execArgv,
  });
  try {
    return await reader.ask({ address: addressOf(tenant), kinds: ["user"], collect });
  } finally {
    await reader.stop();
    await tenant.stop();
  }
}
