import { formatDuration, parseDuration } from "@entrain/core";
import type { Command } from "commander";
import { LEAST_HISTORY_MS, USUAL_HISTORY_MS } from "../runs/history.ts";
import { DEFAULT_PORT } from "./address.ts";
import { command, numberOption, type Register, textOption, usage } from "./command.ts";
import { originOf } from "./public-url.ts";

const DEFAULT_HOST = "127.0.0.1";

export const register: Register = (group: Command, world, ended) => {
  group
    .option("--port <number>", "where to listen; 0 takes a free one", `${DEFAULT_PORT}`)
    .option("--host <address>", "the address to listen on", DEFAULT_HOST)
    .option(
      "--keep-history <duration>",
      "for how long runs and decided plans are kept; the journal keeps all",
      formatDuration(USUAL_HISTORY_MS),
    )
    .option("--public-url <url>", "where operators reach the console, when a proxy stands before it");
  command(group, world, ended, async ({ demo, output }, _args, options) => {
    const port = numberOption(options, "port", { min: 0, max: 65_535 });
    const host = textOption(options, "host") ?? DEFAULT_HOST;
    const publicUrl = textOption(options, "publicUrl");
    const publicOrigin = publicUrl === undefined ? null : originOf(publicUrl);
    const keepHistoryMs = historyOf(textOption(options, "keepHistory") ?? "");
    await world.serve({ demo, port, host, publicOrigin, keepHistoryMs, json: output.json });
    return undefined;
  });
};

/** Guards look back a month, so that less would leave them nothing to look at. @throws ConnectorError `usage` */
function historyOf(text: string): number {
  const duration = parseDuration(text);
  if (duration !== null && duration >= LEAST_HISTORY_MS) return duration;
  throw usage(
    `--keep-history must be a duration of at least ${formatDuration(LEAST_HISTORY_MS)}, such as 90d or 365d.`,
  );
}
