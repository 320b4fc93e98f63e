import { systemClock } from "../clock.ts";
import { checkEnd, settle } from "./endings.ts";
import { Template } from "./machine.ts";
import { Breach, Play } from "./play.ts";
import { takeStep } from "./steps.ts";

/** How one schedule ended. */
export interface Outcome {
  readonly seed: number;
  readonly ms: number;
  /** Everything that happened, in lines. */
  readonly trace: readonly string[];
  /** What was broken; `null`: every invariant held. */
  readonly failure: { readonly invariant: number | null; readonly message: string } | null;
}

const FEWEST_STEPS = 8;
const MORE_STEPS = 8;

/** Plays the schedule of one seed to its end and checks every invariant. */
async function playOut(seed: number, template: Template): Promise<Outcome> {
  const started = systemClock.monotonic();
  const play = await Play.open(seed, template);
  const ended = (failure: Outcome["failure"]): Outcome => {
    return { seed, ms: systemClock.monotonic() - started, trace: [...play.trace], failure };
  };
  try {
    const { chance } = play;
    for (let left = FEWEST_STEPS + chance.below(MORE_STEPS); left > 0; left -= 1) await takeStep(play, chance);
    await settle(play);
    if (play.breach !== null) throw play.breach;
    await checkEnd(play);
    return ended(null);
  } catch (fault) {
    const invariant = fault instanceof Breach ? fault.invariant : null;
    const message =
      fault instanceof Breach ? fault.message : fault instanceof Error ? String(fault.stack) : String(fault);
    return ended({ invariant, message });
  } finally {
    await play.close();
  }
}

/** Plays one seed after the other; `told` hears of each, and ends it all by answering false. */
export async function simulate(seeds: Iterable<number>, told: (outcome: Outcome) => boolean): Promise<void> {
  const template = await Template.make(systemClock);
  try {
    for (const seed of seeds) if (!told(await playOut(seed, template))) return;
  } finally {
    template.remove();
  }
}

/** A failure for people: what was broken, how to see it again, and everything that happened. */
export function describeFailure({ seed, failure, trace }: Outcome, bug: string | null): string {
  const planted = bug === null ? "" : ` --bug ${bug}`;
  return [
    `seed ${seed}: ${failure?.message}`,
    `replay it: npm run simulate -- --seeds 1 --from ${seed}${planted}`,
    ...trace.map((line) => `  ${line}`),
  ].join("\n");
}
