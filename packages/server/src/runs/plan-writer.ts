import { isRematched, matchedAttribute, type SyncDefinition } from "@entrain/core";
import { insertPlanChanges, insertPlanIssues, type PlanRow, weightOf } from "../store/plans.ts";
import type { NewChange, NewIssue, PlanContext, WantedKey } from "./plan-context.ts";
import { changeOf } from "./seal.ts";

/** What a written plan holds, for guards and for what is evaluated because of it. */
export interface Written {
  /** Rows beside the changes, of every state. */
  issues: number;
  /** Those of them that say what is wrong with a record. */
  findings: number;
  removals: number;
  /** Single membership removals. */
  members: number;
  /** Changes that give a record another value to be found by. */
  matching: number;
  heldAnyway: number;
}

type PlanWriterContext = Pick<PlanContext, "store" | "lease"> & {
  readonly plan: Pick<PlanRow, "id">;
  readonly definition: Pick<SyncDefinition, "matching">;
};

/** Writes a plan's rows batch by batch, each batch in one transaction, and gives them their ordinals. */
export class PlanWriter {
  readonly written: Written = { issues: 0, findings: 0, removals: 0, members: 0, matching: 0, heldAnyway: 0 };
  readonly #context: PlanWriterContext;
  readonly #matching: readonly string[];
  #ordinal: number;

  constructor(context: PlanWriterContext, firstOrdinal: number) {
    this.#context = context;
    this.#matching = context.definition.matching.map(matchedAttribute);
    this.#ordinal = firstOrdinal;
  }

  /** The ordinal behind the last one given out. */
  get next(): number {
    return this.#ordinal;
  }

  async write(batch: {
    readonly changes: readonly NewChange[];
    readonly issues: readonly NewIssue[];
    readonly wanted: readonly WantedKey[];
  }): Promise<void> {
    if (batch.changes.length + batch.issues.length + batch.wanted.length === 0) return;
    const { store, lease, plan } = this.#context;
    const changes = batch.changes.map((change) => ({
      ...change,
      plan: plan.id,
      ordinal: this.#ordinal++,
      rank: 0,
      state: "planned",
    }));
    const issues = batch.issues.map((issue) => ({ ...issue, plan: plan.id, ordinal: this.written.issues++ }));
    for (const change of changes) this.#count(change);
    this.written.findings += batch.issues.filter(({ state }) => state === "issue").length;
    await store.fenced(lease, async (tx) => {
      await insertPlanChanges(store, tx, changes);
      await insertPlanIssues(store, tx, issues);
      if (batch.wanted.length === 0) return;
      await store.insertMany(
        tx,
        {
          table: "match_index",
          columns: [
            { name: "plan", type: "text" },
            { name: "key", type: "text" },
            { name: "object_id", type: "text" },
          ],
        },
        batch.wanted.map(({ key, objectId }) => [plan.id, key, objectId]),
      );
    });
  }

  #count(change: NewChange): void {
    if (change.hold !== null) this.written.heldAnyway += 1;
    else if (change.action === "disable" || change.action === "delete") this.written.removals += 1;
    else if (change.remove !== null) this.written.members += weightOf(change);
    else if (change.action === "update" || change.action === "enable") {
      this.written.matching += Number(isRematched(changeOf(change), this.#matching));
    }
  }
}
