import type { DirectoryRecord } from "@entrain/core";

/**
 * A record with what the directory holds of its manager. Of one who was deleted there is nothing any more; of one whose
 * tombstone is doubtful, or who was never read, nothing is known.
 */
export function withManager(record: DirectoryRecord, manager: DirectoryRecord | null): DirectoryRecord {
  if (record.manager === null || manager === null || manager.doubtful !== undefined) return record;
  return { ...record, managerAttributes: manager.removed === null ? manager.attributes : null };
}

/**
 * A record as a scope sees it: a manager whose tombstone is doubtful counts as they were last seen, for else those who report to
 * them would leave scope, and nobody would be asked to approve that.
 */
export function asScopeSees(record: DirectoryRecord, manager: DirectoryRecord | null): DirectoryRecord {
  if (record.manager === null || manager?.doubtful === undefined) return record;
  return { ...record, managerAttributes: manager.attributes };
}
