import { MISSING_SERVER } from "../test/servers.ts";
import type { TestLine } from "./test-reporter.ts";

/** How a test file's process ended, and what it wrote. */
export interface FileEnd {
  readonly file: string;
  readonly lines: readonly TestLine[];
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  /** The limit in seconds that it ran into, else null. */
  readonly timedOutAfter: number | null;
  readonly output: string;
}

/** `names` lead from the outermost suite to the test. */
export interface Tally {
  readonly passed: number;
  readonly failures: readonly { readonly names: readonly string[]; readonly detail: string }[];
  readonly skips: readonly { readonly names: readonly string[]; readonly reason: string }[];
}

/**
 * Counts leaves: a suite, or a test that only holds subtests, counts by what is in it, unless it failed by itself.
 * A file whose process failed without a failed test, ran no test or did not reach its end counts as one failure.
 */
export function tally(end: FileEnd, requireServers: boolean): Tally {
  const known = new Map(end.lines.flatMap((line) => ("id" in line ? [[line.id, line] as const] : [])));
  const holders = new Set([...known.values()].map((line) => line.parent));
  const namesOf = (id: number): readonly string[] => {
    const line = known.get(id);
    return line === undefined ? [] : [...namesOf(line.parent), line.name];
  };
  const open = new Set(known.keys());
  const failures: { names: readonly string[]; detail: string }[] = [];
  const skips: { names: readonly string[]; reason: string }[] = [];
  let passed = 0;
  for (const line of end.lines) {
    if (line.event !== "ended") continue;
    open.delete(line.id);
    const names = namesOf(line.id);
    const isLeaf = !line.suite && !holders.has(line.id);
    if (line.failure !== null) failures.push({ names, detail: line.failure });
    else if (line.skip?.startsWith(MISSING_SERVER) && requireServers) failures.push({ names, detail: line.skip });
    else if (line.skip !== null) skips.push({ names, reason: line.skip === "" ? "no reason given" : line.skip });
    else if (isLeaf) passed += 1;
  }
  const running = [...open].filter((id) => !holders.has(id)).map((id) => namesOf(id).join(" > "));
  const ran = passed + failures.length + skips.length;
  const fault = faultOf(end, ran, failures.length, running);
  if (fault !== null)
    failures.push({ names: ["(the file itself)"], detail: [fault, ...warnings(end), end.output].join("\n") });
  return { passed, failures, skips };
}

/** What node:test noticed outside any test, such as an error thrown after the last one. */
function warnings(end: FileEnd): readonly string[] {
  return end.lines.flatMap((line) => (line.event === "warned" ? [line.text] : []));
}

function faultOf(end: FileEnd, ran: number, failed: number, running: readonly string[]): string | null {
  const during = running.length === 0 ? "after its last test: something keeps it alive" : `in: ${running.join("; ")}`;
  if (end.timedOutAfter !== null) return `Still running after ${end.timedOutAfter} s, ${during}`;
  if (end.exitCode !== 0 && failed === 0) return `Its process ended with ${end.exitCode ?? "a signal"}.`;
  if (!end.lines.some((line) => line.event === "finished") && failed === 0) {
    return ran === 0 && running.length === 0 ? "It holds no test." : `Its process exited ${during}`;
  }
  return ran === 0 ? "It holds no test." : null;
}
