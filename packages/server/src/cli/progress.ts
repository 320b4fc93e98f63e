import { grouped, waitInWords } from "@entrain/core";
import bars from "cli-progress";
import type { Clock } from "../clock.ts";
import type { Progress } from "../runs/context.ts";
import { durationInWords } from "./wording.ts";
import type { World } from "./world.ts";

/** Shows how far long work is. */
export interface ProgressView {
  update(progress: Progress): void;
  stop(): void;
}

const QUIET: ProgressView = { update: () => undefined, stop: () => undefined };
const LINE_EVERY_MS = 1000;

/**
 * A bar with rate and time left on a terminal, at most one line a second elsewhere, nothing with --json. While a request waits for
 * a busy service, the terminal counts that down in place of the bar; elsewhere it is one line more.
 */
export function progressView(world: Pick<World, "stderr" | "clock">, json: boolean): ProgressView {
  if (json) return QUIET;
  return world.stderr.isTTY === true ? bar(world) : lines(world);
}

function bar({ stderr, clock }: Pick<World, "stderr" | "clock">): ProgressView {
  let shown: { readonly view: bars.SingleBar; readonly label: string } | null = null;
  let wait: { readonly waiting: NonNullable<Progress["waiting"]>; readonly until: number } | null = null;
  const begin = (label: string, total: number, first: number): bars.SingleBar => {
    shown?.view.stop();
    const rate = rateMeter(clock, first);
    const view = new bars.SingleBar(
      {
        stream: stderr as NodeJS.WritableStream,
        clearOnComplete: true,
        hideCursor: true,
        fps: 8,
        format: (options, params) => {
          if (wait !== null) {
            const seconds = Math.max(0, Math.ceil((wait.until - clock.monotonic()) / 1000));
            return `${waitInWords({ ...wait.waiting, seconds })} · ${label} ${grouped(params.value)}`;
          }
          const perSecond = rate(params.value);
          const speed = perSecond > 0 ? ` · ${grouped(Math.round(perSecond))}/s` : "";
          if (params.total <= 0) return `${label} ${grouped(params.value)}${speed}`;
          const left = perSecond > 0 ? Math.max(0, params.total - params.value) / perSecond : null;
          const time = left === null ? "" : ` · ${durationInWords(Math.ceil(left) * 1000)} left`;
          const drawn = bars.Format.BarFormat(params.progress, options);
          return `${label} ${drawn} ${grouped(params.value)} of ${grouped(params.total)}${speed}${time}`;
        },
      },
      bars.Presets.shades_classic,
    );
    view.start(total, first);
    shown = { view, label };
    return view;
  };
  return {
    update: ({ phase, detail, done, total, waiting }) => {
      if (waiting === undefined) wait = null;
      else if (waiting !== wait?.waiting) wait = { waiting, until: clock.monotonic() + waiting.seconds * 1000 };
      const label = labelOf(phase, detail);
      const view = shown?.label === label ? shown.view : begin(label, total ?? 0, done);
      view.setTotal(Math.max(total ?? 0, total === null ? 0 : done));
      view.update(done);
    },
    stop: () => {
      shown?.view.stop();
      shown = null;
    },
  };
}

/** Records per second since the phase began; resumed work has `first` of them behind it already. */
function rateMeter(clock: Clock, first: number): (done: number) => number {
  const begun = clock.monotonic();
  return (done) => {
    const seconds = (clock.monotonic() - begun) / 1000;
    return seconds < 0.2 ? 0 : (done - first) / seconds;
  };
}

function lines({ stderr, clock }: Pick<World, "stderr" | "clock">): ProgressView {
  let next = Number.NEGATIVE_INFINITY;
  let told: Progress["waiting"];
  return {
    update: ({ phase, detail, done, total, waiting }) => {
      if (waiting !== told) {
        told = waiting;
        if (waiting !== undefined) stderr.write(`waiting ${factsInWords(waiting)}\n`);
      }
      if (waiting !== undefined) return;
      const now = clock.monotonic();
      if (now < next) return;
      next = now + LINE_EVERY_MS;
      const of = total === null ? "" : ` total=${total}`;
      stderr.write(`progress phase=${phase} detail=${JSON.stringify(detail)} done=${done}${of}\n`);
    },
    stop: () => undefined,
  };
}

/** `message="…" service="…" status=429 …` */
function factsInWords({ message, service, status, seconds, attempt, of }: NonNullable<Progress["waiting"]>): string {
  const facts = { message, service, status, seconds, attempt, of };
  return Object.entries(facts)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(" ");
}

function labelOf(phase: Progress["phase"], detail: string): string {
  return detail === "" ? phase : `${phase} ${detail}`;
}
