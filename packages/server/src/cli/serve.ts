import type { Command } from "commander";
import { command, numberOption, type Register, textOption, usage } from "./command.ts";

const DEFAULT_PORT = "7420";
const DEFAULT_HOST = "127.0.0.1";

export const register: Register = (group: Command, world, ended) => {
  group
    .option("--port <number>", "where to listen; 0 takes a free one", DEFAULT_PORT)
    .option("--host <address>", "the address to listen on", DEFAULT_HOST)
    .option("--public-url <url>", "where operators reach the console, when a proxy stands before it");
  command(group, world, ended, async ({ demo, output }, _args, options) => {
    const port = numberOption(options, "port", { min: 0, max: 65_535 });
    const host = textOption(options, "host") ?? DEFAULT_HOST;
    const publicUrl = textOption(options, "publicUrl");
    const publicOrigin = publicUrl === undefined ? null : originOf(publicUrl);
    await world.serve({ demo, port, host, publicOrigin, json: output.json });
    return undefined;
  });
};

function originOf(text: string): string {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && url.pathname === "/" && url.search === "") return url.origin;
  throw usage("--public-url must be an address without a path, such as https://entrain.contoso.com.");
}
