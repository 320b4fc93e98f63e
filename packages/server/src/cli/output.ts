import { once } from "node:events";
import { CODES, type Code, ConnectorError } from "@entrain/core";
import type { World } from "./world.ts";

// Control characters in a name of the directory could move the cursor or colour the terminal.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

// A tab or a line break in a cell would move all that stands behind it.
const BREAKING = /[\t\n]/g;

function escaped(letter: string): string {
  return letter === "\t" ? "\\t" : "\\n";
}

/** Codes whose message names the place or the way itself; what the code alone could add would say it twice. */
const SAYS_ENOUGH: ReadonlySet<string> = new Set(["store_failed", "config_invalid", "not_found", "exists", "conflict"]);

/** Whether a fault's message tells already what to do, so that its code's own sentence adds nothing. */
export function saysEnough(code: string, fix: string): boolean {
  return SAYS_ENOUGH.has(code) && fix === CODES[code as Code];
}

/** What a command says: results on standard output, everything else on standard error. */
export class Output {
  readonly json: boolean;
  readonly #world: World;

  constructor(world: World, json: boolean) {
    this.#world = world;
    this.json = json;
  }

  /** Lines for people; nothing with --json. */
  async say(...lines: readonly string[]): Promise<void> {
    if (!this.json) await this.#write(`${lines.join("\n")}\n`.replace(CONTROL, "?"));
  }

  /**
   * A table for people: a heading, and cells aligned in columns; the last one is never filled up. A tab or a line break in a
   * cell is shown as `\\t` or `\\n`.
   */
  async table(heading: readonly string[], given: readonly (readonly string[])[]): Promise<void> {
    const rows = given.map((cells) => cells.map((cell) => cell.replace(BREAKING, escaped)));
    const widths = heading.map((title, at) => Math.max(width(title), ...rows.map((row) => width(row[at] ?? ""))));
    const line = (cells: readonly string[]): string =>
      cells.map((cell, at) => (at === cells.length - 1 ? cell : cell + pad(cell, widths[at] ?? 0))).join("  ");
    await this.say(...[heading, ...rows].map(line));
  }

  /** The one value that --json prints. */
  async value(value: unknown): Promise<void> {
    if (this.json) await this.#write(`${JSON.stringify(value, null, 2)}\n`);
  }

  /** A piece of JSON that is written while it is made. */
  async piece(text: string): Promise<void> {
    if (this.json) await this.#write(text);
  }

  /** Text as it is, whether or not --json is given: a document. */
  async text(text: string): Promise<void> {
    await this.#write(text);
  }

  /** A remark that is no result: progress, warnings. Nothing with --json. */
  remark(line: string): void {
    if (!this.json) this.#world.stderr.write(`${line.replace(CONTROL, "?")}\n`);
  }

  /** What went wrong, and what to do: one line for people, `{error}` with --json. */
  async fault(fault: unknown): Promise<void> {
    const { code, message, fix } = describeFault(fault, this.#world.signal);
    const line = this.json
      ? JSON.stringify({ error: { code, message, fix } })
      : `error: ${sentence(message)}${saysEnough(code, fix) || fix === "" ? "" : ` ${fix}`}`.replace(CONTROL, "?");
    await writeTo(this.#world.stderr, `${line}\n`);
    if (this.#world.environment.ENTRAIN_DEBUG === "1" && fault instanceof Error) {
      await writeTo(this.#world.stderr, `${fault.stack}\n`);
    }
  }

  async #write(text: string): Promise<void> {
    await writeTo(this.#world.stdout, text);
  }
}

/** A fault in the three fields that every error has. What was not foreseen is told without its own words' stack. */
export function describeFault(
  fault: unknown,
  signal: AbortSignal,
): { readonly code: string; readonly message: string; readonly fix: string } {
  if (signal.aborted && !(fault instanceof ConnectorError)) {
    const cancelled = "The command was stopped.";
    return { code: "cancelled", message: cancelled, fix: "Run it again; it goes on where it stopped." };
  }
  if (fault instanceof ConnectorError && fault.code === "usage") {
    return { code: fault.code, message: fault.message, fix: "See --help." };
  }
  if (fault instanceof ConnectorError) return { code: fault.code, message: fault.message, fix: fault.fix };
  const message = fault instanceof Error ? `Unexpected: ${fault.message.split("\n")[0]}` : "Unexpected fault.";
  return {
    code: "internal",
    message,
    fix: "Run it again with ENTRAIN_DEBUG=1 and report what it prints.",
  };
}

/** With a full stop, unless it ends like a sentence already. */
export function sentence(text: string): string {
  return /[.!?…)]$/.test(text) ? text : `${text}.`;
}

/** Waits while the reader is slower than we are; a reader that went away (`| head`) is no fault of ours. */
async function writeTo(stream: World["stdout"], text: string): Promise<void> {
  if (stream.destroyed || stream.write(text) || stream.writableNeedDrain === false) return;
  const heard = new AbortController();
  const either = ["drain", "close"].map((event) => once(stream, event, { signal: heard.signal }));
  try {
    await Promise.race(either);
  } finally {
    // The other one would listen on, one more with every wait.
    heard.abort();
    await Promise.allSettled(either);
  }
}

/** Columns of a terminal that a text takes: wide letters (CJK, Hangul, full width) take two. */
function width(text: string): number {
  let columns = 0;
  for (const letter of text) {
    const point = letter.codePointAt(0) ?? 0;
    const wide = (point >= 0x1100 && point <= 0x115f) || (point >= 0x2e80 && point <= 0xa4cf) || isWideFurther(point);
    columns += wide ? 2 : /\p{Mn}/u.test(letter) ? 0 : 1;
  }
  return columns;
}

function isWideFurther(point: number): boolean {
  return (
    (point >= 0xac00 && point <= 0xd7a3) ||
    (point >= 0xf900 && point <= 0xfaff) ||
    (point >= 0xff00 && point <= 0xff60) ||
    (point >= 0x20000 && point <= 0x3fffd)
  );
}

function pad(text: string, columns: number): string {
  return " ".repeat(Math.max(0, columns - width(text)));
}
