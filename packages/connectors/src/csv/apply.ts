import { ConnectorError, type Outcome, type TargetChange } from "@entrain/core";
import type { CsvLayout } from "./kinds.ts";
import { MembershipChanges } from "./memberships.ts";
import { mergedRecords, planRecords, type RecordChanges } from "./records.ts";
import { openTable, replaceTable } from "./table.ts";

/**
 * Carries out a batch: reads each table that it touches twice, once to work the batch out and once to merge it, and
 * replaces the files that change. Memberships go first, so that no file ever names a record that another has lost.
 * @throws ConnectorError when no file was replaced
 */
export async function applyBatch(
  layout: CsvLayout,
  changes: readonly TargetChange[],
  newId: () => string,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const memberships = new MembershipChanges();
  const outcomes = new Map<TargetChange, Outcome>();
  const writes: (() => Promise<void>)[] = [];

  for (const [name, kind] of layout.kinds) {
    const own = changes.filter((change) => change.kind === name);
    if (own.length === 0) continue;
    const table = await openTable(kind.table);
    const planned: RecordChanges = await planRecords(kind, table, own, newId, signal);
    for (const [change, outcome] of planned.outcomes) outcomes.set(change, outcome);
    if (planned.lines.size === 0) continue;
    writes.push(() => replaceTable(kind.table, table, mergedRecords(kind, table, planned.lines, signal), signal));
  }
  for (const change of changes) {
    const outcome = outcomes.get(change);
    if (outcome === undefined || !("recordId" in outcome)) continue;
    if (change.action === "delete" && outcome.status === "applied") memberships.end(outcome.recordId);
    if ((change.add?.length ?? 0) + (change.remove?.length ?? 0) === 0) continue;
    memberships.take(outcome.recordId, change);
    outcomes.set(change, { status: "applied", recordId: outcome.recordId });
  }
  if (!memberships.isEmpty) {
    const table = await openTable(layout.memberships);
    const rows = memberships.merged(layout.memberships, table, signal);
    writes.unshift(() => replaceTable(layout.memberships, table, rows, signal));
  }
  const done = await writeAll(writes, signal);
  return changes.map((change) => done ?? outcomes.get(change)).filter((outcome) => outcome !== undefined);
}

/** `null` when every file was replaced; what every change came to when only some of them were. */
async function writeAll(writes: readonly (() => Promise<void>)[], signal: AbortSignal): Promise<Outcome | null> {
  for (const [index, write] of writes.entries()) {
    try {
      await write();
    } catch (error) {
      if (index === 0) throw error;
      if (!(error instanceof ConnectorError) && !signal.aborted) throw error;
      const detail = `Only ${index} of ${writes.length} files were written. ${error instanceof Error ? error.message : ""}`;
      return { status: "unknown", code: "outcome_unknown", detail, retry: "now" };
    }
  }
  return null;
}
