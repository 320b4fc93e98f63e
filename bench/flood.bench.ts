import { setTimeout as sleep } from "node:timers/promises";
import { startSimulator } from "@entrain/simulator";
import { startChild } from "./child.ts";
import type { FloodReport, FloodRequest } from "./flood/sender.ts";
import { join, tokenOf } from "./lag/joiner.ts";
import { type Served, startServed } from "./lag/served.ts";
import { until } from "./lag/until.ts";
import { type BenchmarkOptions, median, percentile, type Table } from "./table.ts";

export const name = "flood";

const AT_A_TIME = 8;
const PAGE = "/api/v1/runs";
/** Pause of a person, or of the console's own looking, between two requests. */
const APART_MS = 20;
/** What Microsoft tells is read once more after 5, 30 and 120 seconds: these runs are not the flood's. */
const REPEATS_MS = 130_000;
const WARM_UP = 50;
const PERCEPTIBLE_MS = 100;

/** What an operator feels while somebody floods the address of the notifications with what is not Microsoft's. */
export async function run({ quick, progress }: BenchmarkOptions): Promise<Table> {
  const count = quick ? 1_000 : 10_000;
  const simulator = await startSimulator({ people: 1_000, groups: 0, seed: 11, throttle: "off" });
  const served = await startServed(simulator, { every: "1h", notified: true });
  const sender = startChild<FloodRequest, FloodReport>(new URL("./flood/sender.ts", import.meta.url));
  try {
    await until(() => served.settled() && served.subscribed());
    const cookie = await served.signIn();
    const runsBefore = served.runs();
    await join(simulator, await tokenOf(simulator), "Lag flood");
    await until(() => served.runs() > runsBefore && served.present(["Lag flood"]).size === 1);
    const told = simulator.notifications.deliveries().find(({ kind }) => kind === "change");
    progress("waiting for the last repeat of what a real notification started");
    await sleep(REPEATS_MS);
    progress("without a flood");
    await looks(served, cookie, WARM_UP);
    const quiet = await looks(served, cookie, quick ? 50 : 400);
    const runs = served.runs();
    progress(`${count} forged and replayed notifications`);
    const bodies = forgeries(told?.value ?? []);
    const flood = sender.ask({ address: served.inbox, bodies, count, atATime: AT_A_TIME });
    const flooded = await looks(served, cookie, 1, flood);
    const report = await flood;
    const runsAfter = served.runs();
    return tableOf({ count, quiet, flooded, report, started: runsAfter - runs });
  } finally {
    await sender.stop();
    await served.close();
    await simulator.close();
  }
}

interface Measured {
  readonly count: number;
  readonly quiet: readonly number[];
  readonly flooded: readonly number[];
  readonly report: FloodReport;
  readonly started: number;
}

function tableOf({ count, quiet, flooded, report, started }: Measured): Table {
  const row = (what: string, times: readonly number[]): (string | number)[] => [
    what,
    times.length,
    median(times),
    percentile(times, 0.95),
    Math.max(...times),
  ];
  const number = count.toLocaleString("en-US");
  return {
    title: "The console while somebody floods the notifications",
    method:
      `The whole server in a process of its own. ${number} notifications, forged and replayed, come ${AT_A_TIME} at a time, ` +
      `as fast as they are answered (${Math.round((count * 1000) / report.ms).toLocaleString("en-US")} in a second); an operator's page asks for the last runs all the while.`,
    columns: ["the console's requests", "number", "median ms", "p95 ms", "longest ms"],
    rows: [row("without a flood", quiet), row("amid the flood", flooded)],
    bars: [
      {
        claim: `amid the flood 95 of 100 are answered before anybody could feel it, in ${PERCEPTIBLE_MS} ms (their time ÷ ${PERCEPTIBLE_MS})`,
        value: percentile(flooded, 0.95) / PERCEPTIBLE_MS,
        limit: 1,
      },
      { claim: "notifications of the flood not answered 202", value: count - (report.statuses["202"] ?? 0), limit: 0 },
      { claim: "runs that the flood started", value: started, limit: 0 },
    ],
  };
}

/** Somebody else's guesses, what names no subscription, and what Microsoft itself once sent. */
function forgeries(told: readonly object[]): readonly string[] {
  const [first = {}] = told;
  return [
    ...Array.from({ length: 97 }, (_, at) => ({
      value: [{ ...first, id: `forged-${at}`, clientState: `guess-${at}` }],
    })),
    { value: [{ ...first, id: "forged", subscriptionId: "9c4b1b0f-0000-4000-8000-000000000000", clientState: "" }] },
    { value: told },
    { nonsense: true },
  ].map((body) => JSON.stringify(body));
}

/** Milliseconds of each request of a signed-in operator: at least so many, and until the other thing has ended. */
async function looks(
  { address }: Served,
  cookie: string,
  least: number,
  meanwhile: Promise<unknown> = Promise.resolve(),
): Promise<readonly number[]> {
  let going = true;
  const ended = meanwhile.finally(() => {
    going = false;
  });
  const times: number[] = [];
  while (going || times.length < least) {
    const begun = performance.now();
    const answer = await fetch(`${address}${PAGE}`, { headers: { cookie } });
    await answer.arrayBuffer();
    if (answer.status !== 200) throw new Error(`the console's request was answered ${answer.status}`);
    times.push(performance.now() - begun);
    await sleep(APART_MS);
  }
  await ended;
  return times;
}
