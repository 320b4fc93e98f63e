import { newId } from "../clock.ts";
import type { Actor, Engine, Progress } from "../runs/context.ts";
import { StopWatch } from "../runs/lease.ts";
import { planSync, type RunOptions, type RunSummary, runSync } from "../runs/run.ts";
import type { Selection } from "../runs/selection.ts";
import { type RunLog, RunTeller } from "../runs/tell.ts";
import { describeFault, type Fault } from "./faults.ts";
import { Pace, type PacedProgress } from "./pace.ts";
import { RequestError } from "./problems.ts";

/** A run or a preview of this process, under way or just ended. */
export interface Work {
  /** The run's id, or the preview's own. */
  readonly id: string;
  readonly kind: "run" | "preview";
  readonly sync: string;
  readonly startedAt: number;
  readonly state: "running" | "done" | "failed";
  /** Whether it was asked here to stop. */
  readonly stopping: boolean;
  readonly progress: PacedProgress;
  /** The plan that a preview made. */
  readonly plan: string | null;
  readonly error: Fault | null;
}

/** The sync that something is done for. */
interface Subject {
  readonly id: string;
  readonly name: string;
}

interface Entry {
  readonly kind: Work["kind"];
  readonly sync: string;
  readonly startedAt: number;
  readonly stopping: StopWatch;
  readonly pace: Pace;
  id: string;
  state: Work["state"];
  plan: string | null;
  error: Work["error"];
  ended: Promise<void>;
}

/** Previews that have ended are remembered so that their plan can be asked for. */
const REMEMBERED_MAX = 100;

/**
 * What this process does for its syncs: the runs and previews that were started over HTTP, and those of whoever runs a
 * sync through {@link follow}. One at a time for each sync, which its lease sees to.
 */
export class Background {
  readonly #engine: Engine;
  readonly #teller: RunTeller;
  readonly #running = new Set<Entry>();
  readonly #ended: Entry[] = [];
  #closed: boolean;

  /** The ends of what is started here are told to `log`; those of what is followed, by whoever started it. */
  constructor(engine: Engine, log: RunLog) {
    this.#engine = engine;
    this.#teller = new RunTeller(log);
    this.#closed = false;
  }

  /**
   * Starts a run and returns its id as soon as it holds the sync's lease; the rest goes on behind.
   * @throws ConnectorError `lease_held` naming the holder, and whatever else keeps it from beginning.
   */
  async run(
    sync: Subject,
    actor: Actor,
    work: (engine: Engine, options: RunOptions) => Promise<RunSummary>,
  ): Promise<string> {
    return await this.#start({ kind: "run", sync, actor }, async (engine, options) => {
      this.#teller.ended(sync.name, await work(engine, options));
      return null;
    });
  }

  /** Starts a preview, of all or of some records, in the same way; its plan is known when it has ended. */
  async preview(sync: Subject, actor: Actor, selection?: Selection): Promise<string> {
    return await this.#start({ kind: "preview", sync, actor }, async (engine, options) => {
      return (await planSync(engine, { ...options, ...(selection && { selection }) })).plan.id;
    });
  }

  /** Runs a sync for the schedule, say, so that the run is shown and can be stopped like those started over HTTP. */
  async follow(given: RunOptions): Promise<RunSummary> {
    const entry = this.#entry("run", given.sync);
    this.#running.add(entry);
    const work = runSync(this.#engine, this.#options(entry, given));
    entry.ended = work.then(
      () => this.#end(entry, { plan: null }),
      (fault: unknown) => this.#end(entry, { fault }),
    );
    return await work;
  }

  /** What is under way in this process. */
  running(): readonly Work[] {
    return [...this.#running].filter((entry) => entry.id !== "").map(workOf);
  }

  /** The syncs that this process does something for, or is about to. */
  busy(): ReadonlySet<string> {
    return new Set([...this.#running].map(({ sync }) => sync));
  }

  find(id: string): Work | null {
    const entry = [...this.#running, ...this.#ended].find((one) => one.id === id);
    return entry === undefined ? null : workOf(entry);
  }

  /** Asks what runs for a sync to stop behind the batch that it writes, as far as that ends soon. @throws RequestError `not_running` */
  cancel(sync: string, actor: Actor): Work {
    const entry = [...this.#running].find((one) => one.sync === sync && one.id !== "");
    if (entry === undefined) throw new RequestError("not_running", "Nothing runs for this sync in this server.");
    entry.stopping.heard({ actor, cause: "asked" });
    return workOf(entry);
  }

  /** Stops everything at its next safe moment, and waits for that. */
  async close(): Promise<void> {
    this.#closed = true;
    const reason = new DOMException("The server is stopping.", "AbortError");
    for (const { stopping } of this.#running) stopping.atOnce(reason);
    await Promise.all([...this.#running].map(({ ended }) => ended));
  }

  async #start(
    what: { readonly kind: Work["kind"]; readonly sync: Subject; readonly actor: Actor },
    work: (engine: Engine, options: RunOptions) => Promise<string | null>,
  ): Promise<string> {
    if (this.#closed) throw new RequestError("not_ready", "The server is stopping.");
    const { kind, sync, actor } = what;
    const entry = this.#entry(kind, sync.id);
    const begun = Promise.withResolvers<string>();
    const options = this.#options(entry, {
      sync: sync.id,
      actor,
      signal: new AbortController().signal,
      onProgress: this.#teller.watching(sync.name),
      onBegin: () => begun.resolve(entry.id),
    });
    this.#running.add(entry);
    entry.ended = work(this.#engine, options).then(
      (plan) => this.#end(entry, { plan }),
      (fault: unknown) => {
        begun.reject(fault);
        // What never began is told to whoever asked for it.
        if (entry.id !== "" && !entry.stopping.soon.aborted) {
          this.#teller.broke(sync.name, kind === "run" ? "run" : "plan", fault);
        }
        this.#end(entry, { fault });
      },
    );
    return await begun.promise;
  }

  #entry(kind: Work["kind"], sync: string): Entry {
    return {
      kind,
      sync,
      startedAt: this.#engine.store.clock.now(),
      stopping: new StopWatch(),
      pace: new Pace(),
      id: "",
      state: "running",
      plan: null,
      error: null,
      ended: Promise.resolve(),
    };
  }

  /** The options of a run or preview, so that its entry knows how far it is and can stop it. */
  #options(entry: Entry, given: RunOptions): RunOptions {
    const { clock } = this.#engine.store;
    return {
      ...given,
      signal: AbortSignal.any([given.signal, entry.stopping.soon]),
      now: AbortSignal.any([given.now ?? given.signal, entry.stopping.now]),
      onProgress: (progress: Progress) => {
        entry.pace.report(progress, clock.monotonic());
        given.onProgress(progress);
      },
      onBegin: (run) => {
        entry.id = run ?? newId(clock, "preview");
        given.onBegin?.(run);
      },
    };
  }

  #end(entry: Entry, how: { readonly plan: string | null } | { readonly fault: unknown }): void {
    this.#running.delete(entry);
    entry.stopping.end();
    if ("plan" in how) {
      entry.plan = how.plan;
      entry.state = "done";
    } else {
      entry.state = "failed";
      entry.error = describeFault(how.fault, entry.stopping.soon);
    }
    if (entry.id === "") return;
    this.#ended.push(entry);
    if (this.#ended.length > REMEMBERED_MAX) this.#ended.shift();
  }
}

function workOf(entry: Entry): Work {
  const { id, kind, sync, startedAt, state, stopping, pace, plan, error } = entry;
  return { id, kind, sync, startedAt, state, stopping: stopping.soon.aborted, progress: pace.progress, plan, error };
}
