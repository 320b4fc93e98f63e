import { ConnectorError, grouped } from "@entrain/core";
import type { Progress } from "./context.ts";
import type { RunSummary } from "./run.ts";

/** Where the end of runs is told; secrets never are among it. */
export interface RunLog {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** Tells how runs ended, whoever started them: in one sentence with the sync's name, the code beside it. */
export class RunTeller {
  readonly #log: RunLog;
  /** By sync, the digest of the held plan that was told of: it is told once. */
  readonly #told = new Map<string, string>();

  constructor(log: RunLog) {
    this.#log = log;
  }

  /** Follows the progress of one run or preview: that it waits for a busy service is worth a line. */
  watching(sync: string): (progress: Progress) => void {
    let told: Progress["waiting"];
    return ({ waiting }) => {
      if (waiting === told) return;
      told = waiting;
      if (waiting === undefined) return;
      const { message, ...facts } = waiting;
      this.#log.warn({ sync, ...facts }, `${sync}: ${message}`);
    };
  }

  /** A run that has an end. */
  ended(sync: string, summary: RunSummary): void {
    const { run, result, counts, failed, ms, held, error } = summary;
    const facts = { sync, run, result, counts, failed, ms };
    if (held === null) this.#told.delete(sync);
    else if (this.#told.get(sync) !== held.digest) {
      this.#told.set(sync, held.digest);
      const line = `${sync}: ${held.count} changes wait for approval: entrain sync approve ${sync} --digest ${held.digest}`;
      this.#log.warn({ ...facts, held }, line);
    }
    if (result === "failed") {
      const message = `${sync}: ${error?.message ?? "The run failed."}`;
      this.#log.error({ ...facts, code: error?.code ?? "internal", error }, message);
    } else if (result === "cancelled") this.#log.info(facts, `${sync}: stopped; the next run goes on where it was`);
    else if (result === "partial")
      this.#log.warn(
        facts,
        `${sync}: ${failed > 0 || error === null ? `${failed} records could not be synced.` : error.message}`,
      );
    else if (result !== "held") this.#succeeded(facts, sync);
  }

  /** A run, or a preview (`what` says which), that broke off without an end of its own. */
  broke(sync: string, what: "run" | "plan", fault: unknown): void {
    this.#log.error({ sync, ...factsOf(fault) }, `The ${what} of ${sync} failed.`);
  }

  /** A run that changed something is worth a line; that nothing changed is for whoever looks closely. */
  #succeeded(facts: Pick<RunSummary, "counts" | "result">, sync: string): void {
    const changes = Object.values(facts.counts).reduce((sum: number, count: number) => sum + count, 0);
    if (changes > 0)
      this.#log.info(facts, `${sync}: ${facts.result}, ${grouped(changes)} ${changes === 1 ? "change" : "changes"}`);
    else this.#log.debug(facts, `${sync}: ${facts.result}, no changes`);
  }
}

/** The code and the sentence of a fault, for a log. */
export function factsOf(fault: unknown): { readonly code: string; readonly error: string } {
  if (fault instanceof ConnectorError) return { code: fault.code, error: fault.message };
  return { code: "internal", error: fault instanceof Error ? fault.message : String(fault) };
}
