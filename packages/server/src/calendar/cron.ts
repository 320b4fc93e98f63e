import { Cron } from "croner";

/**
 * The first moment after `after` that a cron pattern of five fields names, by the clocks of a time zone; null when none comes.
 * An hour that the clocks skip runs once, at the first moment after it, and one that they show twice runs the first time only;
 * a pattern for every hour runs once in each hour that passes. @throws Error what is wrong with the pattern
 */
export function nextCron(
  { cron, timezone }: { readonly cron: string; readonly timezone: string },
  after: number,
): number | null {
  // A pattern without wildcards names times of the day; croner runs those once, and lets wildcards follow real time.
  const options = { timezone, mode: "5-part", fixedTimeRule: "no-wildcard", paused: true } as const;
  return new Cron(withoutSteps(cron), options).nextRun(new Date(after))?.getTime() ?? null;
}

/** What is wrong with a cron pattern, in words that go on behind a colon; null when it is right. */
export function cronFlaw(cron: string): string | null {
  if (cron.trim().startsWith("@")) return "write the five fields instead of a nickname";
  try {
    // A pattern that has one time has one within eight years: 29 February.
    return nextCron({ cron, timezone: "UTC" }, 0) === null ? "that day never comes" : null;
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    if (/parts/.test(detail)) return `it has ${cron.trim().split(/\s+/).length}`;
    return detail.replace(/^CronPattern: /, "").replace(/\.$/, "");
  }
}

/** The pattern with minutes, and hours unless they are every hour or every n-th, as plain lists. */
function withoutSteps(cron: string): string {
  const fields = cron.trim().split(/\s+/);
  const [minutes = "", hours = ""] = fields;
  if (/^[*?]/.test(hours)) return cron;
  return [listed(minutes, 59), listed(hours, 23), ...fields.slice(2)].join(" ");
}

/** A field in which steps are written out; what cannot be read is left for croner to refuse. */
function listed(field: string, most: number): string {
  const parts = field.split(",").map((part) => {
    const [, all, from, to = from, step = "1"] = /^(?:([*?])|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part) ?? [];
    const [first, last, by] = all === undefined ? [Number(from), Number(to), Number(step)] : [0, most, Number(step)];
    if (!(first <= last && last <= most && by >= 1 && by <= most)) return part;
    // Croner refuses a step without a range.
    if (all === undefined && from === to && part.includes("/")) return part;
    return Array.from({ length: Math.floor((last - first) / by) + 1 }, (_, at) => first + at * by).join(",");
  });
  return parts.join(",");
}
