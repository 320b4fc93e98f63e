import type { Command } from "commander";
import { command, numberOption, type Register, textOption } from "./command.ts";

const DEFAULT_PORT = "7420";
const DEFAULT_HOST = "127.0.0.1";

export const register: Register = (group: Command, world, ended) => {
  group
    .option("--port <number>", "where to listen; 0 takes a free one", DEFAULT_PORT)
    .option("--host <address>", "the address to listen on", DEFAULT_HOST);
  command(group, world, ended, async ({ demo }, _args, options) => {
    const port = numberOption(options, "port", { min: 0, max: 65_535 });
    await world.serve({ demo, port, host: textOption(options, "host") ?? DEFAULT_HOST });
    return undefined;
  });
};
