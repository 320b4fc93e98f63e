import { appendFileSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "./json.ts";

/** Names the folder that recordings go into; nothing is recorded where it is not set. */
export const FOLDER_VARIABLE = "ENTRAIN_FIDELITY";

/** One exchange with something that answers as Graph does, cut down to what the specification speaks about. */
export interface Exchange {
  readonly kind: "exchange";
  readonly method: string;
  /** Path and query behind `/v1.0`. */
  readonly target: string;
  /** Set for a request that our product sent; else a test sent it, or Microsoft's own client. */
  readonly product: boolean;
  /** Whether the simulator answered, without a fault that bends the answer. Stand-ins of single tests answer what they like. */
  readonly simulator: boolean;
  readonly eventual: boolean;
  /** The request's JSON; absent without one. */
  readonly body?: Json;
  readonly status: number;
  /** The answer's media type; empty without content. */
  readonly type: string;
  /** The answer's content, with long lists cut to their different kinds of entries. */
  readonly answer?: Json;
}

/** What a test file has checked, for the summary. */
export interface Told {
  readonly kind: "told";
  readonly of: "answered examples" | "client examples" | "clients" | "sign-in services";
  readonly names: readonly string[];
}

/** A process sent more kinds than it may keep, so that some are missing. */
interface Full {
  readonly kind: "full";
}

export type Line = Exchange | Told | Full;

/** The folder of this run's recordings, or null when none are made. */
export function recordingFolder(): string | null {
  return process.env[FOLDER_VARIABLE] ?? null;
}

/** Adds a line at once, so that a killed process loses nothing. */
export function record(folder: string, line: Line): void {
  appendFileSync(join(folder, `${process.pid}.jsonl`), `${JSON.stringify(line)}\n`);
}

/** Tells the summary what was checked; silent where nothing is recorded. */
export function tell(of: Told["of"], names: readonly string[]): void {
  const folder = recordingFolder();
  if (folder !== null) record(folder, { kind: "told", of, names });
}

/** All lines of all processes; a last line that a killed process left unfinished is dropped. */
export function readRecording(folder: string): readonly Line[] {
  return globSync("*.jsonl", { cwd: folder })
    .sort()
    .flatMap((file) => {
      const text = readFileSync(join(folder, file), "utf8");
      const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
      return lines.filter((line) => line !== "").map((line): Line => JSON.parse(line));
    });
}
