import { type Civil, civilOf, type DateTime, weekdayOf } from "./calendar.ts";
import { DAYS, ERA, MONTHS } from "./names.ts";
import type { Pattern } from "./pattern.ts";

/**
 * Writes a date as DateTime.ToString does in the invariant culture ("Custom date and time format strings", .NET). The
 * offset is the service's own, which is UTC: `zzz` is `+00:00`, and `K` is `Z` for UTC, `+00:00` for local time and
 * nothing where the zone is unspecified.
 */
export function formatDate(date: DateTime, pattern: Pattern): string {
  const civil = civilOf(date.seconds);
  let written = "";
  for (const token of pattern.tokens) {
    if (token.type !== "field") written += token.text;
    else if (token.letter === "F") written = withFraction(written, date.ticks, token.count);
    else written += fieldOf(token.letter, token.count, date, civil);
  }
  return written;
}

function fieldOf(letter: string, count: number, date: DateTime, civil: Civil): string {
  const upToTwo = Math.min(count, 2);
  switch (letter) {
    case "d":
      return count <= 2 ? digits(civil.day, count) : nameOf(DAYS, weekdayOf(date.seconds), count);
    case "M":
      return count <= 2 ? digits(civil.month, count) : nameOf(MONTHS, civil.month - 1, count);
    case "y":
      return digits(count <= 2 ? civil.year % 100 : civil.year, count);
    case "h":
      return digits(civil.hour % 12 === 0 ? 12 : civil.hour % 12, upToTwo);
    case "H":
      return digits(civil.hour, upToTwo);
    case "m":
      return digits(civil.minute, upToTwo);
    case "s":
      return digits(civil.second, upToTwo);
    case "f":
      return digits(date.ticks, 7).slice(0, count);
    case "t":
      return (civil.hour < 12 ? "AM" : "PM").slice(0, upToTwo);
    case "g":
      return ERA;
    case "K":
      return { utc: "Z", local: "+00:00", unspecified: "" }[date.kind];
    default:
      return count > 2 ? "+00:00" : `+${digits(0, count)}`;
  }
}

/** The digits without zeros at the end; where none are left, the point before them goes too. */
function withFraction(written: string, ticks: number, count: number): string {
  const fraction = digits(ticks, 7).slice(0, count).replace(/0+$/, "");
  if (fraction === "" && written.endsWith(".")) return written.slice(0, -1);
  return written + fraction;
}

function nameOf(names: readonly string[], index: number, count: number): string {
  const name = names[index] ?? "";
  return count === 3 ? name.slice(0, 3) : name;
}

function digits(number: number, least: number): string {
  return String(number).padStart(least, "0");
}
