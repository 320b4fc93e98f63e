import { formatDuration, parseDuration } from "@entrain/core";
import type { Command } from "commander";
import { LEAST_DIRECTORY_MS, USUAL_DIRECTORY_MS } from "../runs/directory-history.ts";
import { LEAST_HISTORY_MS, USUAL_HISTORY_MS } from "../runs/history.ts";
import { DEFAULT_PORT } from "./address.ts";
import { command, numberOption, type Options, type Register, textOption, usage } from "./command.ts";
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
    .option(
      "--keep-directory <duration>",
      "for how long it is remembered who was in which group, and what people were",
      formatDuration(USUAL_DIRECTORY_MS),
    )
    .option("--public-url <url>", "where operators reach the console, when a proxy stands before it");
  command(group, world, ended, async ({ demo, output }, _args, options) => {
    const port = numberOption(options, "port", { min: 0, max: 65_535 });
    const host = textOption(options, "host") ?? DEFAULT_HOST;
    const publicUrl = textOption(options, "publicUrl");
    const publicOrigin = publicUrl === undefined ? null : originOf(publicUrl);
    const keepHistoryMs = durationOf(options, "keepHistory", LEAST_HISTORY_MS);
    const keepDirectoryMs = durationOf(options, "keepDirectory", LEAST_DIRECTORY_MS);
    await world.serve({ demo, port, host, publicOrigin, keepHistoryMs, keepDirectoryMs, json: output.json });
    return undefined;
  });
};

/** Guards look back a month, so that less would leave them nothing to look at. @throws ConnectorError `usage` */
function durationOf(options: Options, name: "keepHistory" | "keepDirectory", least: number): number {
  const duration = parseDuration(textOption(options, name) ?? "");
  if (duration !== null && duration >= least) return duration;
  const option = name === "keepHistory" ? "--keep-history" : "--keep-directory";
  throw usage(`${option} must be a duration of at least ${formatDuration(least)}, such as 90d or 365d.`);
}
