import { ConnectorError } from "@entrain/core";
import type { Command } from "commander";
import { suggestion } from "../config/nearest.ts";
import type { Actor } from "../runs/context.ts";
import { Output } from "./output.ts";
import type { Installation, World } from "./world.ts";

/** What a command's work is given. */
export interface Invocation {
  readonly world: World;
  readonly output: Output;
  readonly demo: boolean;
  readonly actor: Actor;
  readonly signal: AbortSignal;
  /** Opens the installation; `create` makes one where there is none. It is closed when the command ends. */
  open(create?: boolean): Promise<Installation>;
}

/** Registers the commands of a group, which report their exit code through `ended`. */
export type Register = (group: Command, world: World, ended: (code: number) => void) => void;

/** Exit code of a command that ends otherwise than by success or a fault. */
export type ExitCode = 0 | 1 | 3;

/** Commander's options and arguments of one command, as it declared them. */
export type Options = { readonly [name: string]: unknown };

/**
 * Gives a command its work and the options that every command has. Answers an exit code or nothing for success; faults
 * are thrown.
 */
export function command(
  declared: Command,
  world: World,
  ended: (code: number) => void,
  work: (invocation: Invocation, args: readonly string[], options: Options) => Promise<ExitCode | undefined>,
): void {
  declared
    .option("--json", "print JSON")
    .option("--demo", "work on the demo's store")
    .action(async (...given: unknown[]) => {
      const options = declared.opts<Options>();
      const args = given.slice(0, declared.registeredArguments.length).map((one) => String(one ?? ""));
      const demo = options.demo === true;
      let opened: Promise<Installation> | null = null;
      const invocation: Invocation = {
        world,
        output: new Output(world, options.json === true),
        demo,
        actor: { kind: "command", id: world.user },
        signal: world.signal,
        open: (create = false) => {
          opened ??= world.openInstallation({ demo, create });
          return opened;
        },
      };
      try {
        ended((await work(invocation, args, options)) ?? 0);
      } finally {
        await closeQuietly(opened);
      }
    });
}

/** When opening failed, that fault is on its way already. */
async function closeQuietly(opened: Promise<Installation> | null): Promise<void> {
  const installation = await opened?.catch(() => null);
  await installation?.close();
}

/** Wrong usage that commander cannot see. */
export function usage(message: string): ConnectorError {
  return new ConnectorError("usage", message, { stops: "run", retry: "never" });
}

/** A value of an option that only some words are allowed for. @throws ConnectorError `usage` with all of them */
export function requireOneOf(value: string, name: string, known: readonly string[]): void {
  if (known.includes(value)) return;
  throw usage(
    `--${name} must be one of ${known.join(", ")}, not "${value}"${suggestion(value, known)}.`.replace("?.", "?"),
  );
}

export function textOption(options: Options, name: string): string | undefined {
  const value = options[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function listOption(options: Options, name: string): readonly string[] {
  const value = options[name];
  return Array.isArray(value) ? value.map(String) : [];
}

/** A whole number of an option. @throws ConnectorError `usage` */
export function numberOption(
  options: Options,
  name: string,
  range: { readonly min: number; readonly max: number },
): number {
  const text = String(options[name]);
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= range.min && value <= range.max) return value;
  throw usage(`--${name} must be a whole number from ${range.min} to ${range.max}.`);
}
