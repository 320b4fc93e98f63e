import { setTimeout as sleep } from "node:timers/promises";
import { type Simulator, startSimulator } from "@entrain/simulator";
import { join, tokenOf } from "./lag/joiner.ts";
import { type Served, type ServedOptions, startServed } from "./lag/served.ts";
import { until } from "./lag/until.ts";
import { type BenchmarkOptions, median, percentile, type Table } from "./table.ts";

export const name = "lag";

const POLLING_S = 20;
const PEOPLE = 1_000;
/** The portal takes nine in ten of them; a burst that may at most double its records needs as many as it brings. */
const PEOPLE_OF_BURST = 1_200;

/** How long a new person needs from Entra to the portal: told by notifications, found by polling, and in a burst. */
export async function run({ quick, progress }: BenchmarkOptions): Promise<Table> {
  const count = quick ? 3 : 60;
  const burst = quick ? 50 : 1_000;
  progress("with notifications");
  const singles = await measured({ every: "1h", notified: true }, (side) =>
    staggered(side, { count, apart: 500, prefix: "told" }),
  );
  progress(`a burst of ${burst}`);
  const told = await measured(
    { every: "1h", notified: true, doubling: true, people: PEOPLE_OF_BURST },
    async (side) => {
      const begun = performance.now();
      const arrived = await together(side, burst);
      return { arrived, ms: performance.now() - begun };
    },
  );
  progress("by polling");
  const polled = await measured({ every: `${POLLING_S}s`, notified: false }, (side) =>
    staggered(side, { count: quick ? 2 : 60, apart: (POLLING_S * 2_000) / 60, prefix: "polled" }),
  );
  const row = (what: string, times: readonly number[]): (string | number)[] => [
    what,
    times.length,
    median(times) / 1000,
    percentile(times, 0.95) / 1000,
    Math.max(...times) / 1000,
  ];
  return {
    title: "From a new account in Entra to the record in the portal",
    method:
      `The whole server in a process of its own, a tenant of ${PEOPLE.toLocaleString("en-US")} people, the real clock: the time from Graph's answer to the creation until the portal's row can be read. ` +
      `With notifications the sync's own interval is an hour; without, ${POLLING_S} s. ` +
      `The burst comes to ${PEOPLE_OF_BURST.toLocaleString("en-US")} people, past a guard that lets their number double; by default such a burst of new people waits for approval ([docs/guards.md](docs/guards.md)).`,
    columns: ["how", "people", "median s", "p95 s", "longest s"],
    rows: [
      row("notifications", singles),
      row(`polling every ${POLLING_S} s`, polled),
      [`a burst of ${burst}, by notifications`, told.arrived, "", "", told.ms / 1000],
    ],
    bars: [
      {
        claim: "with notifications, 95 of 100 arrive within 2 s",
        value: percentile(singles, 0.95) / 1000,
        limit: 2,
      },
      {
        claim: `by polling, 95 of 100 arrive within 1.2 × the interval`,
        value: percentile(polled, 0.95) / (POLLING_S * 1000),
        limit: 1.2,
      },
      { claim: `people of a burst of ${burst} that did not arrive`, value: burst - told.arrived, limit: 0 },
    ],
  };
}

interface Side {
  readonly simulator: Simulator;
  readonly served: Served;
  readonly token: string;
}

async function measured<T>(
  { people = PEOPLE, ...options }: ServedOptions & { readonly people?: number },
  work: (side: Side) => Promise<T>,
): Promise<T> {
  const simulator = await startSimulator({ people, groups: 0, seed: 11, throttle: "off" });
  const served = await startServed(simulator, options);
  try {
    await until(() => served.settled() && (!options.notified || served.subscribed()));
    return await work({ simulator, served, token: await tokenOf(simulator) });
  } finally {
    await served.close();
    await simulator.close();
  }
}

/** People who join one after the other, at times that do not follow the schedule's. Milliseconds that each needed. */
async function staggered(
  { simulator, served, token }: Side,
  how: { readonly count: number; readonly apart: number; readonly prefix: string },
): Promise<readonly number[]> {
  const begun = new Map<string, number>();
  const needed: number[] = [];
  const joined = (async () => {
    for (let at = 0; at < how.count; at += 1) {
      const person = `Lag ${how.prefix} ${at}`;
      await join(simulator, token, person);
      begun.set(person, performance.now());
      await sleep(how.apart);
    }
  })();
  await until(() => {
    const now = performance.now();
    for (const person of served.present([...begun.keys()])) {
      needed.push(now - (begun.get(person) ?? now));
      begun.delete(person);
    }
    return needed.length === how.count;
  });
  await joined;
  return needed;
}

/** How many of so many people who join at once arrive. */
async function together({ simulator, served, token }: Side, count: number): Promise<number> {
  const people = Array.from({ length: count }, (_, at) => `Lag burst ${at}`);
  for (let at = 0; at < count; at += 20) {
    await Promise.all(people.slice(at, at + 20).map((person) => join(simulator, token, person)));
  }
  await until(() => served.present(people).size === count);
  return served.present(people).size;
}
