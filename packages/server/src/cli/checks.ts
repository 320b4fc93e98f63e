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

/** What the checks of a connection come to. In the middle of a rotation it works by the credential that works. */
export function verdictOn(name: string, checks: readonly Check[]): string {
  if (allOk(checks)) return `The connection ${name} works.`;
  const spare = checks.flatMap((check) => {
    const number = /^credential (\d+):/.exec(check.name)?.[1];
    return number === undefined ? [] : [{ check, number }];
  });
  const [works, fails] = [true, false].map((ok) =>
    spare.flatMap(({ check, number }) => (check.ok === ok ? [number] : [])),
  );
  const rest = checks.filter((check) => !spare.some((one) => one.check === check));
  if (!works?.length || !fails?.length || !allOk(rest)) return `The connection ${name} does not work yet.`;
  const many = fails.length > 1;
  const told = many ? "do not work: mend them, or take them out" : "does not work: mend it, or take it out";
  const listed = (numbers: readonly string[]): string =>
    `${numbers.length > 1 ? "credentials" : "credential"} ${numbers.join(" and ")}`;
  return `The connection ${name} works with ${listed(works)}. ${listed(fails).replace(/^c/, "C")} ${told}.`;
}
