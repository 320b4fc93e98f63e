import { ConnectorError, matchKey, plain } from "@entrain/core";
import { loadRecords } from "../store/directory.ts";
import { idsOf, type PlanRow } from "../store/plans.ts";
import type { Store } from "../store/store.ts";
import { recordOf } from "./inputs.ts";

const PAGE = 500;

/**
 * Object ids of records that a plan is about, or moves into a group or out of it, named by object id or, people, by user
 * principal name. What has no `@` is taken for an object id as it stands.
 * @throws ConnectorError `not_found` for a user principal name that nobody of the plan has, or several
 */
export async function recordsNamed(
  store: Store,
  plan: Pick<PlanRow, "id" | "sync" | "digest">,
  names: readonly string[],
): Promise<readonly string[]> {
  const wanted = new Map(names.filter(isPrincipalName).map((name) => [matchKey(name, {}) ?? "", new Set<string>()]));
  if (wanted.size > 0) await findIn(store, plan, wanted);
  return [
    ...new Set(
      names.map((name) => (isPrincipalName(name) ? onlyOne(plan, name, wanted.get(matchKey(name, {}) ?? "")) : name)),
    ),
  ];
}

/** User principal names have the form of RFC 822 addresses (Graph: `user` resource type); no object id has an `@`. */
function isPrincipalName(name: string): boolean {
  return name.includes("@");
}

async function findIn(
  store: Store,
  plan: Pick<PlanRow, "id" | "sync">,
  wanted: ReadonlyMap<string, Set<string>>,
): Promise<void> {
  const { connection } = await store.db
    .selectFrom("syncs")
    .select("connection")
    .where("id", "=", plan.sync)
    .executeTakeFirstOrThrow();
  for (let after = -1; ; ) {
    const rows = await store.db
      .selectFrom("plan_changes")
      .select(["ordinal", "object_id", "add", "remove"])
      .where("plan", "=", plan.id)
      .where("ordinal", ">", after)
      .orderBy("ordinal")
      .limit(PAGE)
      .execute();
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.ordinal;
    const ids = new Set(rows.flatMap(({ object_id, add, remove }) => [object_id, ...idsOf(add), ...idsOf(remove)]));
    for (const [id, row] of await loadRecords(store.db, connection, [...ids])) {
      const { userPrincipalName } = recordOf(row).attributes;
      if (typeof userPrincipalName === "string") wanted.get(matchKey(userPrincipalName, {}) ?? "")?.add(id);
    }
  }
}

function onlyOne({ digest }: Pick<PlanRow, "digest">, name: string, ids: ReadonlySet<string> = new Set()): string {
  const [first, ...more] = ids;
  if (first !== undefined && more.length === 0) return first;
  const message =
    first === undefined
      ? `The plan ${digest} has nothing of "${plain(name)}"; it takes object ids and user principal names.`
      : `Several people of the plan ${digest} are called "${plain(name)}": ${[...ids].slice(0, 5).join(", ")}. Give the object id.`;
  throw new ConnectorError("not_found", message, { stops: "run", retry: "never" });
}
