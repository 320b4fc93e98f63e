import { matchKeys, type TargetKind, type Value } from "@entrain/core";
import type { Transaction } from "kysely";
import type { DB } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import { indexKey } from "./match-records.ts";

/** Who looks at what others write: a sync, with the kind of record that it writes to a target. */
export interface Writing {
  readonly target: string;
  readonly kind: TargetKind;
  readonly sync: string;
}

/** The keys, as in an index, of these attributes' values that other syncs are writing to the target just now. */
export async function onTheWay(
  db: Transaction<DB> | Store["db"],
  { target, kind, sync }: Writing,
  attributes: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom("open_intents")
    .innerJoin("plan_changes", (join) =>
      join
        .onRef("plan_changes.plan", "=", "open_intents.plan")
        .onRef("plan_changes.ordinal", "=", "open_intents.ordinal"),
    )
    .select("plan_changes.after")
    .where("open_intents.target", "=", target)
    .where("open_intents.sync", "!=", sync)
    .where("plan_changes.kind", "=", kind.name)
    .where("plan_changes.action", "!=", "members")
    .where("plan_changes.after", "is not", null)
    .execute();
  const asked = kind.attributes.filter(({ name }) => attributes.includes(name));
  return new Set(
    rows.flatMap(({ after }) => {
      const values = JSON.parse(after ?? "{}") as { readonly [name: string]: Value };
      return asked.flatMap((attribute) =>
        matchKeys(values[attribute.name], attribute).map((key) => indexKey(attribute.name, key)),
      );
    }),
  );
}
