import { Command, InvalidArgumentError, Option } from "commander";
import { ended, number } from "../command-line.ts";
import { type Freshchat, startFreshchat } from "./freshchat.ts";
import { FRESHCHAT_SWITCHES, type FreshchatSwitches, readSwitches } from "./switches.ts";

interface Flags {
  readonly agents: number;
  readonly contacts: number;
  readonly seed: number;
  readonly seats?: number;
  readonly rate?: number;
  readonly retryAfter?: true;
  readonly port: number;
  readonly host: string;
  readonly latency: number;
  readonly portal?: true;
  readonly switch?: Partial<FreshchatSwitches>;
  readonly json?: true;
}

/** Runs `entrain-simulator freshchat` with the arguments behind that word until a signal ends it. */
export async function runFreshchat(args: readonly string[]): Promise<void> {
  const command = program();
  command.parse([...args], { from: "user" });
  const flags = command.opts<Flags>();
  if (flags.retryAfter === true && flags.rate === undefined) {
    command.error("error: --retry-after needs --rate; without a limit nothing is refused.");
  }
  const freshchat = await startFreshchat({
    port: flags.port,
    host: flags.host,
    seed: flags.seed,
    agents: flags.agents,
    contacts: flags.contacts,
    seats: flags.seats,
    latencyMs: flags.latency,
    switches: flags.switch,
    rate:
      flags.rate === undefined ? undefined : { requestsPerMinute: flags.rate, retryAfter: flags.retryAfter === true },
  });
  try {
    freshchat.setPortal(flags.portal === true);
    // Before the announcement: whoever reads it may send the signal at once.
    const end = ended();
    announce(freshchat, flags.json === true);
    await end;
  } finally {
    await freshchat.close();
  }
}

function program(): Command {
  return new Command("entrain-simulator freshchat")
    .description("A simulated Freshchat account: the API v2 for agents and users on one local port.")
    .addOption(number("--agents <count>", "agents that are there at the start; the first is an account admin", 0))
    .addOption(number("--contacts <count>", "users (contacts) that are there at the start", 0))
    .addOption(number("--seed <number>", "the same seed gives the same token, ids and people", 1))
    .addOption(number("--seats <count>", "seats for full-time agents; no limit unless given"))
    .addOption(number("--rate <requests>", "requests answered in a minute, the rest with 429; no limit unless given"))
    .option("--retry-after", "with --rate, send Retry-After")
    .addOption(number("--port <port>", "port to listen on; 0 takes a free one", 7430, 65_535))
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .addOption(number("--latency <ms>", "milliseconds that every answer waits", 0))
    .option("--portal", "answer everything with 200 and a page, as the host of a Freshworks portal does")
    .addOption(new Option("--switch <name=value...>", "what Freshchat leaves open; see below").argParser(switchIn))
    .option("--json", "print one line of JSON when ready")
    .allowExcessArguments(false)
    .exitOverride()
    .addHelpText("after", `\n${switchHelp()}\n`);
}

function switchIn(text: string, earlier: Partial<FreshchatSwitches> = {}): Partial<FreshchatSwitches> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It must be name=value.");
  try {
    return { ...earlier, ...readSwitches({ [text.slice(0, at)]: text.slice(at + 1) }) };
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

function switchHelp(): string {
  const lines = Object.entries(FRESHCHAT_SWITCHES).map(
    ([name, values]) => `  ${name.padEnd(16)} ${values.join(", ")}${name.endsWith("Ms") ? ", any other number" : ""}`,
  );
  return `Switches and their values, the default first:\n${lines.join("\n")}`;
}

function announce({ base, token, groups, roles }: Freshchat, json: boolean): void {
  const named = (records: readonly { readonly id: string; readonly name: string }[]): readonly object[] =>
    records.map(({ id, name }) => ({ id, name }));
  const ready = { base, token, groups: named(groups.list()), roles: named(roles.list()) };
  process.stdout.write(
    json ? `${JSON.stringify(ready)}\n` : `Simulated Freshchat ready: base ${base} token ${token}\n`,
  );
}
