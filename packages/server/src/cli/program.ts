import { ConnectorError } from "@entrain/core";
import { Command, CommanderError } from "commander";
import type { Register } from "./command.ts";
import { Output } from "./output.ts";
import type { World } from "./world.ts";

interface Group {
  readonly description: string;
  readonly load: () => Promise<{ readonly register: Register }>;
}

/** Each group is loaded only when it is asked for, so that every command starts fast. */
const GROUPS: { readonly [name: string]: Group } = {
  serve: { description: "run the console, the API and the schedule", load: () => import("./serve.ts") },
  connection: { description: "Entra tenants that are read", load: () => import("./connection.ts") },
  target: { description: "systems that are provisioned", load: () => import("./target.ts") },
  sync: { description: "what is provisioned from where to where: plan, approve, run", load: () => import("./sync.ts") },
  plan: { description: "plans that were made: list, show, export, compare", load: () => import("./plans.ts") },
  channel: {
    description: "where alerts go: credentials that end, and whatever else you must hear of",
    load: () => import("./channel.ts"),
  },
  group: { description: "who is, or was, in a group of the directory", load: () => import("./group.ts") },
  audit: { description: "the journal: who did what, when and why", load: () => import("./audit.ts") },
  person: { description: "people of the directory", load: () => import("./person.ts") },
  expression: {
    description: "try an expression of a mapping, and look its functions up",
    load: () => import("./expression.ts"),
  },
  config: { description: "the configuration as a YAML document", load: () => import("./config.ts") },
  operator: { description: "people who use the console", load: () => import("./operator.ts") },
  doctor: { description: "check the installation and say what to mend", load: () => import("./doctor.ts") },
};

/**
 * Runs one command line and answers its exit code: 0 success, 1 failure, 2 wrong usage, 3 a plan is held. Errors are
 * written to standard error, in one sentence with what to do, or as `{error}` with --json; never with a stack trace.
 */
export async function runProgram(args: readonly string[], world: World): Promise<number> {
  const output = new Output(world, args.includes("--json"));
  let code = 0;
  let help = "";
  try {
    const program = await buildProgram(args, world, {
      ended: (ended) => {
        code = ended;
      },
      helped: (text) => {
        help += text;
      },
    });
    await program.parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const fault = error instanceof CommanderError ? usageFault(error) : error;
    // A command that is missing is shown those that there are.
    if (error instanceof CommanderError && error.code === "commander.help") await output.say(help.trimEnd());
    await output.fault(fault);
    return fault instanceof ConnectorError && fault.code === "usage" ? 2 : 1;
  }
}

/** Tells a fault that no command was there to hear, in the form that the command line asked for. */
export async function tellFault(fault: unknown, args: readonly string[], world: World): Promise<void> {
  await new Output(world, args.includes("--json")).fault(fault);
}

interface Heard {
  readonly ended: (code: number) => void;
  /** What commander would write to standard error: the usage, where a command is missing. */
  readonly helped: (text: string) => void;
}

async function buildProgram(args: readonly string[], world: World, { ended, helped }: Heard): Promise<Command> {
  const program = new Command("entrain")
    .description("Keeps every app in step with Microsoft Entra ID.")
    .version(world.version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.stdout.write(text),
      writeErr: helped,
      outputError: () => undefined, // What went wrong is told once, by whoever runs the program.
    })
    .showSuggestionAfterError(true);
  program.addHelpText(
    "after",
    "\nEvery command takes --json and --demo. Exit codes: 0 success, 1 failure, 2 wrong usage, 3 a plan is held.",
  );
  const asked = args.find((argument) => !argument.startsWith("-"));
  for (const [name, group] of Object.entries(GROUPS)) {
    const command = program.command(name).description(group.description);
    if (name === asked) (await group.load()).register(command, world, ended);
  }
  return program;
}

/** Commander's sentence without its label, its line breaks, and whatever value was given: it might be a secret. */
function usageFault(error: CommanderError): ConnectorError {
  const sentence = error.message
    .replace(/^error: /, "")
    .replace(/\s*\n\s*/g, " ")
    .replace(/(--?[\w-]+)=[^']*'/, "$1'")
    .trim();
  const missing = error.code === "commander.help" ? "A command is missing." : "";
  const text = missing || `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`;
  const message = /[.?)]$/.test(text) ? text : `${text}.`;
  return new ConnectorError("usage", message, { stops: "run", retry: "never" });
}
