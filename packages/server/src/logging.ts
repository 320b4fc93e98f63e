import type { Writable } from "node:stream";
import { type Logger, pino } from "pino";
import type { Clock } from "./clock.ts";

/** What never stands in a log, wherever it might be put by mistake. */
const REDACTED = ["secret", "token", "password", "authorization", "cookie"].flatMap((name) => [
  name,
  `*.${name}`,
  `*.headers.${name}`,
]);
const WARN = 40;
const ERROR = 50;

/** A log in JSON lines; `plain` writes one line for people instead. */
export function createLogger(to: Writable, clock: Clock, form: "json" | "plain"): Logger {
  const stream = form === "json" ? to : { write: (line: string): void => void to.write(plainLine(line)) };
  return pino(
    {
      level: "info",
      base: null,
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      redact: { paths: REDACTED, censor: "[secret]" },
    },
    stream,
  );
}

interface LogLine {
  readonly time: string;
  readonly level: number;
  readonly msg?: string;
  readonly err?: { readonly message?: string };
}

/** `08:15:02 demo-people: succeeded`, with a mark for what is not well. */
function plainLine(line: string): string {
  const { time, level, msg, err } = JSON.parse(line) as LogLine;
  const mark = level >= ERROR ? "error: " : level >= WARN ? "warning: " : "";
  const why = err?.message === undefined ? "" : `: ${err.message.split("\n")[0]}`;
  return `${time.slice(11, 19)} ${mark}${msg ?? ""}${why}\n`;
}
