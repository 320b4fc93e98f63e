import { CommanderError, InvalidArgumentError, Option } from "commander";

const FAILURE = 1;
const WRONG_USAGE = 2;

/** Runs a command and sets the exit code: 0, 1 on failure, 2 on wrong usage. Failures are told without a stack trace. */
export async function guarded(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : WRONG_USAGE;
      return;
    }
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = FAILURE;
  }
}

/** An option that takes a whole number from 0. */
export function number(flags: string, description: string, fallback?: number, most = 10_000_000): Option {
  return new Option(flags, description).default(fallback).argParser((text) => {
    if (/^\d+$/.test(text) && Number(text) <= most) return Number(text);
    throw new InvalidArgumentError(`It must be a whole number from 0 to ${most}.`);
  });
}

/** Handlers stay in place: a terminal and a parent may both send the signal, and the second must not cut the close short. */
export function ended(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => resolve());
  });
}
