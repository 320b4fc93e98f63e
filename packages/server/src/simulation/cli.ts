import { parseArgs } from "node:util";
import { describeFailure, simulate } from "./simulate.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "500" },
    from: { type: "string", default: "1" },
    trace: { type: "boolean", default: false },
    all: { type: "boolean", default: false },
  },
});
const from = Number(values.from);
const count = Number(values.seeds);
let failed = 0;
let ms = 0;
let n = 0;
await simulate(
  Array.from({ length: count }, (_, at) => from + at),
  (outcome) => {
    ms += outcome.ms;
    n += 1;
    if (outcome.failure !== null) {
      failed += 1;
      console.log(
        values.all
          ? `seed ${outcome.seed}: ${outcome.failure.message.split("\n").slice(0, 3).join(" | ").slice(0, 300)}`
          : describeFailure(outcome, null),
      );
    }
    return values.all || outcome.failure === null;
  },
);
console.log(`${n} seeds, ${failed} failed, ${(ms / n).toFixed(0)} ms each`);
process.exitCode = failed > 0 ? 1 : 0;
