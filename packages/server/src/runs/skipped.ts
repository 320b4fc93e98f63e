import { grouped } from "@entrain/core";
import type { Store } from "../store/store.ts";

/** How many changes are looked at one by one; a plan in which more are protected is told by numbers alone. */
const MOST = 1000;
const PROTECTED = /protected by [^:]+|are protected/;

/** The changes of a run's plan that were not made because a list protects their records by now. */
export interface SkippedProtected {
  readonly ordinals: readonly number[];
  /** A sentence that names some; empty where there are none. */
  readonly said: string;
}

/** Of the plan that a run just applied, by what its records wait for; `named`: how many are told by name. */
export async function skippedProtected(store: Store, run: string, named: number): Promise<SkippedProtected> {
  const spared = await store.db
    .selectFrom("runs")
    .innerJoin("plan_changes", "plan_changes.plan", "runs.plan")
    .innerJoin("pending", (join) =>
      join.onRef("pending.sync", "=", "runs.sync").onRef("pending.object_id", "=", "plan_changes.object_id"),
    )
    .select(["plan_changes.ordinal", "plan_changes.name", "pending.detail"])
    .where("runs.id", "=", run)
    .where("plan_changes.state", "=", "conflict")
    .where("pending.reason", "=", "conflict")
    .where("pending.detail", "like", "%protected%")
    .orderBy("plan_changes.ordinal")
    .limit(MOST)
    .execute();
  if (spared.length === 0) return { ordinals: [], said: "" };
  const bys = [...new Set(spared.map(({ detail }) => byIn(detail)))];
  const names = spared.slice(0, named).map(({ name }) => name);
  if (spared.length > named) names.push(`and ${grouped(spared.length - named)} more`);
  const was = spared.length === 1 ? "was not made, for its record is" : "were not made, for their records are";
  const said = `${grouped(spared.length)} of the plan's changes ${was} ${bys.join(" and ")}: ${names.join(", ")}.`;
  return { ordinals: spared.map(({ ordinal }) => ordinal), said };
}

function byIn(detail: string): string {
  const [by = "protected"] = PROTECTED.exec(detail) ?? [];
  return by === "are protected" ? "protected" : by;
}
