import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { Option } from "commander";
import type { SecretEntry } from "../config/document.ts";
import { Secret } from "../store/secrets.ts";
import { type Invocation, type Options, textOption, usage } from "./command.ts";

const LONGEST_CHARACTERS = 64 * 1024;

/** A secret as it was given: itself, to be sealed in the store, or where to read it at every use. */
export interface GivenSecret {
  readonly entry: SecretEntry;
  readonly secret: Secret | null;
}

/** The ways in which a secret may be given. `--secret` is known only to be refused: arguments are visible to others. */
export function secretOptions(command: Command, what: string): Command {
  return command
    .option("--secret-stdin", `read ${what} from standard input`)
    .option("--secret-file <path>", `take ${what} from this file at every use`)
    .option("--secret-env <name>", `take ${what} from this environment variable at every use`)
    .addOption(new Option("--secret [value...]").hideHelp())
    .addOption(new Option("--token [value...]").hideHelp())
    .addOption(new Option("--password [value...]").hideHelp());
}

/**
 * The secret that was given, or null when none was. On a terminal it is asked for, and not shown.
 * @throws ConnectorError `usage` when it was given as an argument, in two ways, or is empty
 */
export async function readSecretOptions(
  { world, output }: Invocation,
  options: Options,
  what: string,
): Promise<GivenSecret | null> {
  if (options.secret !== undefined || options.token !== undefined || options.password !== undefined) {
    const why = "A secret is never given as an argument, where other users of this machine can read it.";
    throw usage(`${why} Use --secret-stdin, --secret-file PATH or --secret-env NAME.`);
  }
  const ways = ["secretStdin", "secretFile", "secretEnv"].filter((name) => options[name] !== undefined);
  if (ways.length > 1) throw usage("Give only one of --secret-stdin, --secret-file and --secret-env.");
  const env = textOption(options, "secretEnv");
  if (env !== undefined) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(env)) {
      throw usage("--secret-env takes the name of an environment variable, not its value.");
    }
    return { entry: { env }, secret: null };
  }
  const file = textOption(options, "secretFile");
  if (file !== undefined) return { entry: { file: readableFile(file) }, secret: null };
  if (options.secretStdin !== true && !(world.stdin.isTTY === true && !output.json)) return null;
  const text = world.stdin.isTTY === true ? await ask(world, what) : await readAll(world.stdin);
  const value = text.replace(/\r?\n$/, "");
  if (value === "") throw usage(`There was no ${what} on standard input.`);
  return { entry: { sealed: true }, secret: new Secret(value) };
}

/**
 * The whole path of a file, which is read from whatever folder somebody works in later. @throws ConnectorError `usage`: one that
 * cannot be read now will not be readable by the run either
 */
export function readableFile(path: string): string {
  try {
    readFileSync(path);
    return resolve(path);
  } catch {
    throw usage(`The file ${path} cannot be read. Check its name and its rights.`);
  }
}

async function readAll(stream: Invocation["world"]["stdin"]): Promise<string> {
  let text = "";
  stream.setEncoding("utf8");
  for await (const chunk of stream) {
    text += String(chunk);
    if (text.length > LONGEST_CHARACTERS) throw usage("What came on standard input is far too long for a secret.");
  }
  return text;
}

/** Reads a line from the terminal without showing it. */
async function ask({ stdin, stderr, signal }: Invocation["world"], what: string): Promise<string> {
  const terminal = stdin as NodeJS.ReadStream;
  stderr.write(`The ${what} (it is not shown): `);
  terminal.setRawMode(true);
  terminal.setEncoding("utf8");
  let text = "";
  try {
    for await (const chunk of terminal) {
      for (const letter of String(chunk)) {
        if (letter === "\r" || letter === "\n" || letter === "\u0004") return text;
        if (letter === "\u0003") throw usage("Nothing was given.");
        text = letter === "\u007f" ? text.slice(0, -1) : text + letter;
      }
      signal.throwIfAborted();
    }
    return text;
  } finally {
    terminal.setRawMode(false);
    stderr.write("\n");
  }
}
