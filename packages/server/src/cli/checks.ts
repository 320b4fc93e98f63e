import type { Check } from "@entrain/core";
import type { Output } from "./output.ts";

/** Prints named checks, the failed ones with what to do. */
export async function printChecks(output: Output, checks: readonly Check[]): Promise<void> {
  for (const { name, ok, detail, fix } of checks) {
    await output.say(
      `${ok ? "ok    " : "FAILED"}  ${name}: ${detail}${ok || fix === null ? "" : `\n        → ${fix}`}`,
    );
  }
}

/** True when every check passed; no check at all is no success. */
export function allOk(checks: readonly Check[]): boolean {
  return checks.length > 0 && checks.every(({ ok }) => ok);
}
