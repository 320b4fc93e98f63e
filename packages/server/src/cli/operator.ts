import type { Command } from "commander";
import { createConsoleLink } from "../store/operators.ts";
import { DEFAULT_ADDRESS } from "./address.ts";
import { command, type Register, textOption } from "./command.ts";
import { originOf } from "./public-url.ts";

export const register: Register = (group: Command, world, ended) => {
  const link = group
    .command("link")
    .description("print a link that signs an operator in to the console: it works once, for ten minutes")
    .option("--operator <name>", "who signs in; default your user name")
    .option("--address <url>", "where the console is", DEFAULT_ADDRESS);
  command(link, world, ended, async (invocation, _args, options) => {
    const address = originOf(textOption(options, "address") ?? DEFAULT_ADDRESS, "address");
    const { store } = await invocation.open();
    const operator = textOption(options, "operator") ?? world.user;
    const token = await createConsoleLink(store, { operator });
    const url = `${address}/sign-in?token=${token}`;
    await invocation.output.value({ operator, link: url });
    await invocation.output.say(url);
    return undefined;
  });
};
