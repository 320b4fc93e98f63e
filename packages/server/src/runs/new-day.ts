import type { CompiledScope } from "@entrain/core";
import type { DirectoryRow } from "../store/directory.ts";
import { loadPending } from "../store/pending.ts";
import { type Candidates, PAGE, type Span } from "./candidates.ts";
import { managersOf, recordOf } from "./inputs.ts";
import { asScopeSees, withManager } from "./managers.ts";

/**
 * Records that did not change, and that the days since the last evaluation may have let in or out of a scope that counts days from
 * today. On the first run of a day the directory is walked over once; whoever's date was not passed is not evaluated.
 */
export async function* lapsedRecords(span: Span, scope: CompiledScope): AsyncGenerator<Candidates> {
  const { store, sync, kind, cursor, now } = span;
  const moved = scope.movedBetween?.(sync.evaluated_at ?? now, now) ?? null;
  if (moved === null || cursor === 0) return;
  for (let after = 0; ; ) {
    const rows = await store.db
      .selectFrom("records")
      .selectAll()
      .where("connection", "=", sync.connection)
      .where("kind", "=", kind)
      .where("removed", "is", null)
      .where("sequence", ">", after)
      .where("sequence", "<=", cursor)
      .orderBy("sequence")
      .limit(PAGE)
      .execute();
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.sequence;
    const found = await passed(span, scope, rows, moved);
    if (found.length === 0) continue;
    const ids = found.map((row) => row.id);
    yield { rows: found, pending: await loadPending(store.db, sync.id, ids) };
  }
}

async function passed(
  { store, sync }: Span,
  scope: CompiledScope,
  rows: readonly DirectoryRow[],
  moved: NonNullable<ReturnType<NonNullable<CompiledScope["movedBetween"]>>>,
): Promise<readonly DirectoryRow[]> {
  const ids = scope.readsManagers ? [...new Set(rows.flatMap((row) => row.manager ?? []))] : [];
  const managers = await managersOf(store, sync.connection, ids);
  return rows.filter((row) => {
    const manager = managers.get(row.manager ?? "") ?? null;
    return moved(asScopeSees(withManager(recordOf(row), manager), manager));
  });
}
