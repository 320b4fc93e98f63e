import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { BUGS } from "./bugs.ts";
import { type Overlay, plant } from "./overlay.ts";
import { describeFailure, simulate } from "./simulate.ts";

const HELP = `npm run simulate -- [--seeds 500] [--from 1] [--bug NAME] [--all] [--trace]   plays seeded schedules against the real engine
  --seeds COUNT   how many seeds
  --from SEED     the first of them
  --bug NAME      plants a bug first: ${Object.keys(BUGS).join(", ")}
  --all           goes on behind a seed that fails
  --trace         prints every schedule, also of seeds that hold`;

interface Wish {
  readonly seeds: number;
  readonly from: number;
  readonly bug: string | null;
  readonly all: boolean;
  readonly trace: boolean;
  /** The bug stands in this very copy of the engine. */
  readonly planted: string | null;
}

function readWish(args: readonly string[]): Wish | null {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { seeds: text, from: text, bug: text, all: flag, trace: flag, planted: text },
    });
    const { seeds = "500", from = "1", bug = null, planted = null, all, trace } = values;
    const wish = { seeds: Number(seeds), from: Number(from), bug, planted, all, trace };
    const isRight = [wish.seeds, wish.from].every((value) => Number.isInteger(value) && value > 0);
    return isRight && (bug === null || bug in BUGS) ? wish : null;
  } catch {
    return null;
  }
}

/** Plays the seeds; 1 when one failed. */
async function play({ seeds, from, all, trace, planted }: Wish): Promise<number> {
  let played = 0;
  let failed = 0;
  let ms = 0;
  await simulate(
    Array.from({ length: seeds }, (_, at) => from + at),
    (outcome) => {
      played += 1;
      ms += outcome.ms;
      if (outcome.failure !== null) {
        failed += 1;
        console.log(describeFailure(outcome, planted));
      } else if (trace) console.log(outcome.trace.join("\n"));
      const progress = `${played} of ${seeds} seeds, ${failed} failed`;
      if (process.stdout.isTTY && played % 10 === 0) process.stdout.write(`\r${progress}`);
      if (!process.stdout.isTTY && played % 1_000 === 0) console.log(progress);
      return all || outcome.failure === null;
    },
  );
  const each = played === 0 ? 0 : Math.round(ms / played);
  console.log(`${played} seeds from ${from}: ${failed} failed, ${each} ms each`);
  return failed > 0 ? 1 : 0;
}

/** Runs the copy of the engine that has the bug, with the same wish. */
async function playPlanted(overlay: Overlay, bug: string, args: readonly string[]): Promise<number> {
  const at = args.indexOf("--bug");
  const rest = [...args.slice(0, at), ...args.slice(at + 2), "--planted", bug];
  const child = spawn(process.execPath, [overlay.cli, ...rest], { stdio: "inherit" });
  return await new Promise((done, fail) => {
    child.once("error", fail);
    child.once("close", (code) => done(code ?? 1));
  });
}

async function main(args: readonly string[]): Promise<number> {
  const wish = readWish(args);
  if (wish === null) {
    console.error(HELP);
    return 2;
  }
  if (wish.bug === null) return await play(wish);
  const overlay = plant(wish.bug);
  try {
    return await playPlanted(overlay, wish.bug, args);
  } finally {
    overlay.remove();
  }
}

process.exitCode = await main(process.argv.slice(2));
