import type { Counts } from "@entrain/core";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { syncStatus } from "../runs/queries.ts";
import type { RunRow } from "../store/runs.ts";
import type { Store } from "../store/store.ts";

const PAGE = 500;
/** A run's end is stamped a little before it is committed; this far back it is looked for again. */
const LATE_MS = 60_000;
const SYNCS_MAX = 1000;

/**
 * Figures in the text format of Prometheus. Runs are counted from the store as they are scraped, so that those of other
 * processes count too; like every counter of a process they begin at zero when it starts. No record's data is in them.
 */
export class Metrics {
  readonly #store: Store;
  readonly #registry = new Registry();
  readonly #runs: Counter;
  readonly #changes: Counter;
  readonly #runSeconds: Histogram;
  readonly #requests: Histogram;
  readonly #standing: { readonly [name in "synced" | "unsynced" | "lag" | "held"]: Gauge };
  readonly #counted = new Map<string, number>();
  readonly #startedAt: number;
  #upto: number;
  #scrape: Promise<string> | null = null;

  constructor(store: Store) {
    this.#store = store;
    this.#startedAt = store.clock.now();
    this.#upto = this.#startedAt;
    const registers = [this.#registry];
    const perSync = { labelNames: ["sync"], registers };
    collectDefaultMetrics({ register: this.#registry });
    this.#runs = new Counter({
      name: "entrain_runs_total",
      help: "Runs that ended, by sync and result.",
      labelNames: ["sync", "result"],
      registers,
    });
    this.#changes = new Counter({
      name: "entrain_changes_total",
      help: "Changes applied, by sync and kind; members counts single additions and removals.",
      labelNames: ["sync", "kind"],
      registers,
    });
    this.#runSeconds = new Histogram({
      name: "entrain_run_duration_seconds",
      help: "How long runs took.",
      buckets: [0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600],
      ...perSync,
    });
    this.#requests = new Histogram({
      name: "entrain_http_request_duration_seconds",
      help: "HTTP requests by route, method and status.",
      labelNames: ["method", "route", "status"],
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    });
    this.#standing = {
      synced: new Gauge({
        name: "entrain_synced_records",
        help: "Records that a sync owns in its target.",
        ...perSync,
      }),
      unsynced: new Gauge({
        name: "entrain_unsynced_records",
        help: "Records in scope that are not as they should be.",
        ...perSync,
      }),
      lag: new Gauge({ name: "entrain_cursor_lag", help: "Directory changes that no run has looked at.", ...perSync }),
      held: new Gauge({ name: "entrain_held_plans", help: "Plans that wait for approval.", ...perSync }),
    };
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Notes an answered request; `route` is the pattern, never the address that was asked for. */
  request(labels: { readonly method: string; readonly route: string; readonly status: number }, ms: number): void {
    this.#requests.observe({ ...labels, status: String(labels.status) }, ms / 1000);
  }

  /** The figures now. Scrapes at one time share one look into the store, or a run would be counted twice. */
  async scrape(): Promise<string> {
    this.#scrape ??= this.#collect().finally(() => {
      this.#scrape = null;
    });
    return await this.#scrape;
  }

  async #collect(): Promise<string> {
    const syncs = await this.#store.db
      .selectFrom("syncs")
      .select(["id", "name"])
      .orderBy("name")
      .limit(SYNCS_MAX)
      .execute();
    await this.#countRuns(new Map(syncs.map(({ id, name }) => [id, name])));
    for (const gauge of Object.values(this.#standing)) gauge.reset();
    for (const { id, name } of syncs) {
      const status = await syncStatus(this.#store, id);
      if (status === null) continue;
      this.#standing.synced.set({ sync: name }, status.synced);
      this.#standing.unsynced.set({ sync: name }, status.unsynced);
      this.#standing.lag.set({ sync: name }, status.cursorLag);
      this.#standing.held.set({ sync: name }, status.held.length);
    }
    return await this.#registry.metrics();
  }

  async #countRuns(names: ReadonlyMap<string, string>): Promise<void> {
    const begun = this.#upto - LATE_MS;
    let after = { at: begun, id: "" };
    for (;;) {
      const rows = await this.#store.db
        .selectFrom("runs")
        .selectAll()
        .where("finished_at", "is not", null)
        .where((eb) => eb(eb.refTuple("finished_at", "id"), ">", eb.tuple(after.at, after.id)))
        .orderBy("finished_at")
        .orderBy("id")
        .limit(PAGE)
        .execute();
      for (const row of rows) this.#count(row, names.get(row.sync) ?? row.sync);
      const last = rows.at(-1);
      if (last !== undefined) this.#upto = Math.max(this.#upto, last.finished_at ?? 0);
      if (last === undefined || rows.length < PAGE) break;
      after = { at: last.finished_at ?? 0, id: last.id };
    }
    for (const [id, at] of this.#counted) if (at <= this.#upto - LATE_MS) this.#counted.delete(id);
  }

  #count(row: RunRow, sync: string): void {
    const { id, result, started_at: from, finished_at: to } = row;
    if (this.#counted.has(id) || result === null || to === null || to < this.#startedAt) return;
    this.#counted.set(id, to);
    this.#runs.inc({ sync, result });
    this.#runSeconds.observe({ sync }, (to - from) / 1000);
    for (const [kind, count] of Object.entries(JSON.parse(row.counts) as Counts)) {
      if (count > 0) this.#changes.inc({ sync, kind }, count);
    }
  }
}
