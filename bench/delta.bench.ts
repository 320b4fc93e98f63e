import { startWorker, type Worker } from "./runs/work.ts";
import { type BenchmarkOptions, median, type Table } from "./table.ts";
import { startTenant, type Tenant } from "./tenant/tenant.ts";

export const name = "delta";

const ROUNDS = 15;
const CHANGES = 100;
const SIZES = [10_000, 100_000, 1_000_000] as const;

interface Side {
  readonly tenant: Tenant;
  readonly worker: Worker;
  readonly times: number[];
}

/** A run after a hundred changes: what it costs must not depend on how many people did not change. */
export async function run({ quick, progress }: BenchmarkOptions): Promise<Table> {
  const sides: Side[] = [];
  try {
    for (const people of quick ? [1_000, 3_000] : SIZES) {
      progress(`the first run of ${people} people`);
      const tenant = await startTenant(people, "repeated");
      const worker = await startWorker(tenant);
      sides.push({ tenant, worker, times: [] });
      await worker.run();
    }
    for (let at = 0; at < (quick ? 2 : ROUNDS); at += 1) {
      for (const side of sides) side.times.push(await changedRun(side));
      progress(`round ${at + 1}: ${sides.map(({ times }) => `${Math.round(times.at(-1) ?? 0)} ms`).join(", ")}`);
    }
  } finally {
    for (const { worker, tenant } of sides) {
      await worker.close();
      await tenant.stop();
    }
  }
  return tableOf(sides);
}

async function changedRun({ tenant, worker }: Side): Promise<number> {
  await tenant.change(CHANGES);
  const { ms, counts } = await worker.run();
  if (counts?.update !== CHANGES) throw new Error(`a run after ${CHANGES} changes made ${counts?.update} updates`);
  return ms;
}

function tableOf(sides: readonly Side[]): Table {
  const [small] = sides;
  const ratiosOf = (side: Side): readonly number[] => side.times.map((ms, at) => ms / (small?.times[at] ?? 0));
  const people = (side: Side): string => side.tenant.people.toLocaleString("en-US");
  const range = (values: readonly number[], digits: number): string =>
    `${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)}`;
  return {
    title: `A run after ${CHANGES} changes`,
    method:
      `People of one page, again and again under names of their own, are read by delta, planned and applied into the portal; each run makes exactly ${CHANGES} updates. The sizes take turns, ${small?.times.length ?? 0} rounds; ` +
      "medians, and the ratio within a round (least to most).",
    columns: ["people", "milliseconds", "least to most", "ratio"],
    rows: sides.map((side) => [
      people(side),
      median(side.times),
      range(side.times, 0),
      side === small ? "1" : `${median(ratiosOf(side)).toFixed(2)} (${range(ratiosOf(side), 2)})`,
    ]),
    bars: sides
      .filter((side) => side !== small)
      .map((side) => ({
        claim: `${CHANGES} changes among ${people(side)} people cost at most 1.5 × as much as among ${small === undefined ? "few" : people(small)}`,
        value: median(ratiosOf(side)),
        limit: 1.5,
      })),
  };
}
