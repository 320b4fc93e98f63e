import { startChild } from "./child.ts";
import type { Contender, ReadRequest, ReadTiming } from "./read/timing.ts";
import { addressOf } from "./runs/work.ts";
import { type BenchmarkOptions, median, type Table } from "./table.ts";
import { startTenant, type TenantAddress } from "./tenant/tenant.ts";

export const name = "read";

const ROUNDS = 9;

/** Four reads that take turns, each contender in a process of its own. */
const LANES = [
  { label: "the floor", contender: "floor", scheme: "http" },
  { label: "Entrain", contender: "entrain", scheme: "http" },
  { label: "Microsoft's client, then the floor's inserts", contender: "microsoft", scheme: "https" },
  { label: "Entrain", contender: "entrain", scheme: "https" },
] as const satisfies readonly { label: string; contender: Contender; scheme: "http" | "https" }[];

type Round = readonly [floor: number, entrain: number, microsoft: number, entrainTls: number];

/** A full read of every person into the directory, against the least work that could do it. */
export async function run({ quick, progress }: BenchmarkOptions): Promise<Table> {
  progress("building the tenant's pages");
  const tenant = await startTenant(quick ? 3_000 : 100_000);
  const readers = new Map<Contender, ReturnType<typeof startReader>>();
  try {
    for (const { contender } of LANES) if (!readers.has(contender)) readers.set(contender, startReader(contender));
    const rounds: Round[] = [];
    for (let at = 0; at < (quick ? 1 : ROUNDS); at += 1) {
      const timings: ReadTiming[] = [];
      for (const { contender, scheme } of LANES) {
        const reader = readers.get(contender);
        if (reader !== undefined) timings.push(await reader.ask({ address: addressOf(tenant), contender, scheme }));
      }
      checkSame(timings, tenant.people);
      const [floor, entrain, microsoft, tls] = timings.map(({ ms }) => ms);
      rounds.push([floor ?? 0, entrain ?? 0, microsoft ?? 0, tls ?? 0]);
      progress(`round ${at + 1}: ${timings.map(({ ms }) => `${(ms / 1000).toFixed(2)} s`).join(", ")}`);
    }
    return tableOf(tenant, rounds);
  } finally {
    for (const reader of readers.values()) await reader.stop();
    await tenant.stop();
  }
}

function startReader(contender: Contender): ReturnType<typeof startChild<ReadRequest, ReadTiming>> {
  const program = new URL("./read/contender.ts", import.meta.url);
  return startChild<ReadRequest, ReadTiming>(program, { unbound: contender !== "entrain" });
}

/** A contender that wrote less, or something else, would be fast for nothing. */
function checkSame(timings: readonly ReadTiming[], people: number): void {
  for (const { rows, digest } of timings) {
    if (rows !== people || digest !== timings[0]?.digest)
      throw new Error(`the contenders wrote different rows: ${rows} of ${people}, ${digest}`);
  }
}

function tableOf(tenant: TenantAddress, rounds: readonly Round[]): Table {
  const ratios = {
    floor: rounds.map(([floor, entrain]) => entrain / floor),
    microsoft: rounds.map(([, , microsoft, entrain]) => entrain / microsoft),
  };
  const row = (lane: number, against: readonly number[] | null): (string | number)[] => {
    const ms = median(rounds.map((round) => round[lane] ?? 0));
    const { label, scheme } = LANES[lane] ?? LANES[0];
    return [label, scheme, ms / 1000, tenant.people / (ms / 1000), against === null ? "1" : spread(against)];
  };
  const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
  return {
    title: `Full read of ${tenant.people.toLocaleString("en-US")} people into the directory`,
    method:
      `${tenant.pages} gzip pages (${megabytes(tenant.bytes)} of JSON, sent as ${megabytes(tenant.compressedBytes)}) come from a server in its own process. ` +
      "The floor fetches them over the same transport, parses them and inserts the same rows into the same tables in the same transactions, without logic. " +
      `All take turns, each in its own process, Entrain's bounded as the program's; medians of ${rounds.length} rounds, ratios within a round (least to most). All four directories are compared row by row.`,
    columns: ["who", "over", "seconds", "people/s", "time, as a ratio"],
    rows: [row(0, null), row(1, ratios.floor), row(2, null), row(3, ratios.microsoft)],
    bars: [
      { claim: "a full read takes at most 1.5 × the floor", value: median(ratios.floor), limit: 1.5 },
      {
        claim: "a full read takes less time than Microsoft's client with the floor's inserts, over the same TLS",
        value: median(ratios.microsoft),
        limit: 1,
      },
    ],
  };
}

function spread(ratios: readonly number[]): string {
  return `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`;
}
