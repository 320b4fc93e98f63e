import type { Check } from "@entrain/core";

/** Settings stay wrong however long somebody waits; everything else may still spread in Microsoft's directory. */
const UNMENDED_BY_WAITING: ReadonlySet<string> = new Set(["addresses", "credential", "tenant"]);

/** Whether waiting may mend what failed: a new consent takes minutes to spread. */
export function mayMend(checks: readonly Check[]): boolean {
  const failed = checks.filter(({ ok }) => !ok);
  return failed.length > 0 && failed.every(({ name }) => !UNMENDED_BY_WAITING.has(name));
}
