import { setTimeout as sleep } from "node:timers/promises";

const PATIENCE_MS = 180_000;
const LOOK_MS = 20;

/** Resolves when something outside holds. @throws Error after three minutes */
export async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > end) throw new Error("what was waited for did not come within three minutes");
    await sleep(LOOK_MS);
  }
}
