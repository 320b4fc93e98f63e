import { readFile, writeFile } from "node:fs/promises";
import { ConnectorError } from "@entrain/core";
import type { Invocation } from "./command.ts";

const LONGEST_CHARACTERS = 16 * 1024 * 1024;

/** What a file that an argument names is called in messages. */
export function nameOfGiven(file: string): string {
  return file === "-" ? "standard input" : file;
}

/** The text of a file, or of standard input for `-`. @throws ConnectorError `config_invalid` when it cannot be read */
export async function readGiven(invocation: Pick<Invocation, "world">, file: string): Promise<string> {
  return file === "-" ? readInput(invocation) : readText(file);
}

async function readInput({ world }: Pick<Invocation, "world">): Promise<string> {
  let text = "";
  world.stdin.setEncoding("utf8");
  for await (const chunk of world.stdin) {
    text += String(chunk);
    if (text.length > LONGEST_CHARACTERS) break; // The reader of documents says that it is too large.
  }
  return text;
}

async function readText(file: string): Promise<string> {
  try {
    return decoded(await readFile(file));
  } catch (error) {
    throw refused("config_invalid", `The file ${file} cannot be read`, error);
  }
}

/** UTF-8, or UTF-16 with its mark, in which Windows PowerShell writes what is sent to a file. */
function decoded(bytes: Buffer): string {
  return bytes[0] === 0xff && bytes[1] === 0xfe ? bytes.subarray(2).toString("utf16le") : bytes.toString("utf8");
}

/** Writes a new file. @throws ConnectorError `exists`, or `config_invalid` when it cannot be written */
export async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: "wx" });
  } catch (error) {
    const there = error instanceof Error && "code" in error && error.code === "EEXIST";
    if (!there) throw refused("config_invalid", `The file ${file} cannot be written`, error);
    const message = `There is a file ${file} already. Name another one, or remove it first.`;
    throw new ConnectorError("exists", message, { stops: "run", retry: "never" });
  }
}

const REASONS: { readonly [code: string]: string } = {
  ENOENT: "there is no such file",
  EISDIR: "it is a folder",
  EACCES: "permission is denied",
};

function refused(code: "config_invalid", what: string, error: unknown): ConnectorError {
  const reason = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  const message = `${what}: ${REASONS[reason] ?? reason}.`;
  return new ConnectorError(code, message, { stops: "run", retry: "never", cause: error });
}
