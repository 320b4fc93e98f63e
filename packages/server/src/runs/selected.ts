import { updatePlan } from "../store/plans.ts";
import { planFew } from "./few.ts";
import type { PlanContext } from "./plan-context.ts";
import type { PlanWriter } from "./plan-writer.ts";
import { type Selection, selectedRecords } from "./selection.ts";
import { freshSync, type Session } from "./session.ts";
import { traceRecords } from "./trace.ts";

/** What evaluating a selection came to. */
export interface SelectedRecords {
  /** Those that the plan creates or joins. */
  readonly fresh: readonly string[];
  /** All of them that are not held or pinned. */
  readonly ids: readonly string[];
}

/**
 * Plans the records of a selection, and nobody else: with everybody's wishes in mind, as the next run would. What waits in
 * a held plan, or stays as it was undone, is left alone.
 */
export async function evaluateSelected(
  context: PlanContext,
  writer: PlanWriter,
  of: { readonly selection: Selection; readonly leftAlone: ReadonlySet<string> },
): Promise<SelectedRecords> {
  const [fresh, ids]: [string[], string[]] = [[], []];
  await context.lookups?.begin();
  for await (const page of selectedRecords(context.span, of.selection)) {
    context.signal.throwIfAborted();
    const rows = page.filter(({ id }) => !of.leftAlone.has(id));
    if (rows.length === 0) continue;
    const planned = await planFew(context, rows);
    const all = rows.flatMap(({ id }) => planned.get(id) ?? []);
    const changes = all.flatMap(({ change }) => change ?? []);
    const wanted = rows.flatMap(({ id }) => (planned.get(id)?.wanted ?? []).map((key) => ({ objectId: id, key })));
    await writer.write({ changes, issues: all.flatMap(({ issues }) => issues), wanted });
    ids.push(...rows.map(({ id }) => id));
    fresh.push(...changes.filter(({ action }) => action === "create" || action === "join").map((one) => one.object_id));
    const done = ids.length;
    context.onProgress({ phase: "planning", detail: `${context.kind.source}s`, done, total: null });
  }
  return { fresh, ids };
}

/** Keeps with a plan of one record how the sync treats that record, as it stands before anything is applied. */
export async function keepTrace(session: Session, plan: string, ids: readonly string[]): Promise<void> {
  const [id] = ids;
  if (id === undefined || ids.length > 1) return;
  const { engine, options, lease } = session;
  const sync = await freshSync(session);
  const trace = (await traceRecords(engine, { sync, ids: [id], signal: options.signal })).get(id);
  if (trace === undefined) return;
  await engine.store.fenced(lease, (tx) => updatePlan(tx, plan, { trace: JSON.stringify(trace) }));
}
