import type { Command } from "commander";
import { DEFAULT_PORT } from "./address.ts";
import { command, numberOption, type Register, textOption } from "./command.ts";
import { publicOriginOf } from "./public-url.ts";

const DEFAULT_HOST = "127.0.0.1";

export const register: Register = (group: Command, world, ended) => {
  group
    .option("--port <number>", "where to listen; 0 takes a free one", `${DEFAULT_PORT}`)
    .option("--host <address>", "the address to listen on", DEFAULT_HOST)
    .option("--public-url <url>", "where operators reach the console, when a proxy stands before it");
  command(group, world, ended, async ({ demo, output }, _args, options) => {
    const port = numberOption(options, "port", { min: 0, max: 65_535 });
    const host = textOption(options, "host") ?? DEFAULT_HOST;
    const publicUrl = textOption(options, "publicUrl");
    const publicOrigin = publicUrl === undefined ? null : publicOriginOf(publicUrl);
    await world.serve({ demo, port, host, publicOrigin, json: output.json });
    return undefined;
  });
};
