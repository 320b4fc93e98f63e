import { readFileSync } from "node:fs";

/** The most memory that this process alone ever held, in bytes: the system's `maxrss` begins with what the parent held when it started the child. */
export function residentPeak(): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(statusOf()) ?? [];
  return (kilobytes === undefined ? process.resourceUsage().maxRSS : Number(kilobytes)) * 1024;
}

function statusOf(): string {
  try {
    return readFileSync("/proc/self/status", "utf8");
  } catch {
    return "";
  }
}
