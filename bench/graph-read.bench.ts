import { startChild } from "./child.ts";
import type { GraphReadReport, GraphReadRequest } from "./graph/reader.ts";
import { startSimulatorProcess } from "./graph/simulator.ts";
import type { ReadRequest, ReadTiming } from "./read/timing.ts";
import { addressOf } from "./runs/work.ts";
import type { BenchmarkOptions, Table } from "./table.ts";
import { startTenant } from "./tenant/tenant.ts";

export const name = "graph-read";

const LATENCY_MS = 100;
const PAGE = 999;
const AT_A_TIME = 16;
/** Resource units in ten seconds in a tenant of more than 500 people, and what one request of each kind costs as it is sent. */
const UNITS_PER_SECOND = 800;
const UNITS = { users: 2, groups: 1, members: 2, other: 1 } as const;
/** What another connector reads in a second at this latency when it is tuned, and how much more is asked for. */
const TUNED = 767;
const TIMES = 10;

interface Sizes {
  readonly people: number;
  readonly groups: number;
  readonly memberships: number;
  readonly alone: number;
}

/** A first read at the distance and within the limits of the real service, against the best that they allow. */
export async function run({ quick, progress }: BenchmarkOptions): Promise<Table> {
  const sizes: Sizes = quick
    ? { people: 3_000, groups: 60, memberships: 6_000, alone: 2_000 }
    : { people: 100_000, groups: 2_000, memberships: 300_000, alone: 10_000 };
  progress("measuring the floor");
  const floor = await floorOf(sizes.people);
  progress(`building a tenant of ${sizes.people} people`);
  const all = await readFrom(sizes.people, ["--groups", `${sizes.groups}`, "--memberships", `${sizes.memberships}`], {
    kinds: ["user", "group"],
  });
  progress(`${told(all)}, ${all.refused} refused: ${JSON.stringify(all.requests)}`);
  const alone = await readFrom(sizes.alone, ["--groups", "0"], { kinds: ["user"] });
  progress(`${sizes.alone} people alone: ${told(alone)}`);
  return tableOf(all, alone, floor);
}

function told({ ms, cpuMs }: GraphReadReport): string {
  return `${(ms / 1000).toFixed(2)} s, ${(cpuMs / 1000).toFixed(2)} s of processor time`;
}

async function floorOf(people: number): Promise<number> {
  const tenant = await startTenant(people);
  const reader = startChild<ReadRequest, ReadTiming>(new URL("./read/contender.ts", import.meta.url));
  try {
    return (await reader.ask({ address: addressOf(tenant), contender: "floor", scheme: "http" })).ms;
  } finally {
    await reader.stop();
    await tenant.stop();
  }
}

async function readFrom(
  people: number,
  options: readonly string[],
  how: Omit<GraphReadRequest, "address">,
): Promise<GraphReadReport> {
  const common = ["--people", `${people}`, "--throttle", "published", "--latency", `${LATENCY_MS}`];
  const simulator = await startSimulatorProcess([...common, ...options], people);
  const reader = startChild<GraphReadRequest, GraphReadReport>(new URL("./graph/reader.ts", import.meta.url));
  try {
    const report = await reader.ask({ address: simulator.address, ...how });
    if (report.people !== people) throw new Error(`${report.people} of ${people} people were read`);
    return report;
  } finally {
    await reader.stop();
    await simulator.stop();
  }
}

function tableOf(all: GraphReadReport, alone: GraphReadReport, floorMs: number): Table {
  const requests = sent(all);
  const kinds = Object.entries(all.requests) as [keyof typeof UNITS, number][];
  const units = kinds.reduce((sum, [kind, count]) => sum + count * UNITS[kind], 0);
  const limits = {
    "the longest chain of next links": Math.ceil(all.largest / PAGE) * (LATENCY_MS / 1000),
    // What the limit lets through at once needs no waiting.
    "the resource units": Math.max(0, units - UNITS_PER_SECOND * 10) / UNITS_PER_SECOND,
    "all requests, sixteen at a time": (requests * LATENCY_MS) / 1000 / AT_A_TIME,
    "the floor": floorMs / 1000,
  };
  const best = Math.max(...Object.values(limits));
  const seconds = all.ms / 1000;
  const rate = alone.people / (alone.ms / 1000);
  const number = (value: number): string => value.toLocaleString("en-US");
  return {
    title: `First read of ${number(all.people)} people and ${number(all.groups)} groups at ${LATENCY_MS} ms, within the published limits`,
    method:
      `The simulator in its own process, every answer ${LATENCY_MS} ms late, holds the published limits; ${number(all.memberships)} memberships, the largest group of ${number(all.largest)}. ` +
      `Best possible is the largest of the times that no client can avoid for the ${number(requests)} requests (${number(units)} resource units) of this read. ` +
      "The floor parses and inserts the people without latency or logic. Entrain sends up to 32 requests at a time.",
    columns: ["what", "seconds"],
    rows: [
      ...Object.entries(limits).map(([what, value]): [string, number] => [what, value]),
      ["Entrain", seconds],
      [`Entrain, ${number(alone.people)} people without groups`, alone.ms / 1000],
    ],
    bars: [
      { claim: "the read takes at most 1.15 × the best possible time", value: seconds / best, limit: 1.15 },
      { claim: "requests answered 429, per cent", value: (all.refused / (requests + all.refused)) * 100, limit: 1 },
      {
        claim: `people without groups at ${LATENCY_MS} ms are read ${TIMES} times as fast as ${TUNED} in a second (their seconds × ${TIMES * TUNED} / their number)`,
        value: (TIMES * TUNED) / rate,
        limit: 1,
      },
    ],
  };
}

function sent({ requests }: GraphReadReport): number {
  return Object.values(requests).reduce((sum, count) => sum + count, 0);
}
