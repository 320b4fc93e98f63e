import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { describe, it } from "node:test";
import { BUGS } from "./bugs.ts";
import { plant } from "./overlay.ts";

/** As many as the tests play: a bug that needs more would come through them. */
const SEEDS = 500;

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

async function play(cli: string, bug: string): Promise<Ended> {
  const child = spawn(process.execPath, [cli, "--seeds", String(SEEDS), "--planted", bug], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (text: Buffer) => {
    output += text.toString();
  });
  const code = await new Promise<number | null>((done, fail) => child.once("error", fail).once("close", done));
  return { code, output };
}

describe(`a bug that is planted in the engine is found within ${SEEDS} seeds`, () => {
  for (const [bug, { invariants }] of Object.entries(BUGS)) {
    it(bug, async (t) => {
      const overlay = plant(bug);
      t.after(() => overlay.remove());
      const { code, output } = await play(overlay.cli, bug);
      assert.equal(code, 1, `no seed found ${bug}: ${output}`);
      const [, seed, invariant] = /^seed (\d+): invariant (\d)/m.exec(output) ?? [];
      assert.ok(invariants.includes(Number(invariant)), output);
      assert.match(output, new RegExp(`^replay it: npm run simulate -- --seeds 1 --from ${seed} --bug ${bug}$`, "m"));
      t.diagnostic(`found by seed ${seed}`);
    });
  }

  it("and a bug that does not fit the engine's source any more is told, not left out", () => {
    assert.throws(() => plant("no-such-bug"), /There is no bug no-such-bug/);
  });
});
