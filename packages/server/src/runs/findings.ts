import { CODES, type Code } from "@entrain/core";
import type { Store } from "../store/store.ts";

/** What a run found of no record: an entry of a list or of a scope that means nobody. */
export interface RunFinding {
  readonly code: string;
  readonly detail: string;
  /** What to do about it. */
  readonly fix: string;
}

/** More entries than this are a list of their own. */
const MOST = 100;

/** What a run found that is on no list of records; of a sync, its last run that planned. */
export async function runFindings(
  store: Store,
  of: { readonly run: string } | { readonly sync: string },
): Promise<readonly RunFinding[]> {
  const runs = store.db.selectFrom("runs").select("plan").where("plan", "is not", null);
  const last =
    "run" in of
      ? runs.where("id", "=", of.run)
      : runs.where("sync", "=", of.sync).where("mode", "in", ["incremental", "resync"]).orderBy("started_at", "desc");
  const row = await last.limit(1).executeTakeFirst();
  if (row?.plan == null) return [];
  const rows = await store.db
    .selectFrom("plan_issues")
    .select(["code", "detail"])
    .where("plan", "=", row.plan)
    .where("state", "=", "issue")
    .where("object_id", "is", null)
    .orderBy("ordinal")
    .limit(MOST)
    .execute();
  return rows.map(({ code, detail }) => {
    return { code, detail, fix: Object.hasOwn(CODES, code) ? CODES[code as Code] : "" };
  });
}
