import { nameOf, recordName } from "@entrain/core";
import { loadRecords } from "../../store/directory.ts";
import { recordOf } from "../inputs.ts";
import type { BatchContext } from "../plan-context.ts";

/** Ids that one `get` takes. */
const GET = 100;

/** What the directory calls people and groups, by object id. */
export async function namesOf(
  { store, sync }: Pick<BatchContext, "store" | "sync">,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await loadRecords(store.db, sync.connection, [...new Set(ids)]);
  return new Map([...rows.values()].map((row) => [row.id, nameOf(recordOf(row))]));
}

/** What the target calls records that are none of ours, by their ids. */
export async function foreignNames(
  { target, kind, signal }: Pick<BatchContext, "target" | "kind" | "signal">,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  for (const member of kind.members) {
    const asked = [...new Set(ids)].filter((id) => !names.has(id));
    for (let at = 0; at < asked.length; at += GET) {
      const found = await target.get(member, asked.slice(at, at + GET), { members: false }, signal);
      for (const record of found) names.set(record.id, recordName(record).replace(` (${record.id})`, ""));
    }
  }
  return names;
}
