import { type Attributes, isConcealed, sameValue, type Value } from "@entrain/core";
import type { PlanChangeRow } from "../store/plans.ts";
import { type PlannedBy, readerAnew } from "./anew.ts";
import type { Engine } from "./context.ts";

/**
 * The sensitive values of these changes, made anew from the source, by ordinal and attribute. One that is not what the plan
 * saw any more is left out.
 */
export type Reveal = (rows: readonly PlanChangeRow[]) => Promise<ReadonlyMap<number, Attributes>>;

/** Plans and links hold sensitive values concealed: they are known for as long as they are sent. */
export function revealer(engine: Pick<Engine, "store" | "keyring">, of: PlannedBy): Reveal {
  const readAnew = readerAnew(engine, of);
  return async (rows) => {
    const asking = rows.filter((row) => row.after?.includes("$sensitive") === true);
    if (asking.length === 0) return new Map();
    const { items, mapping } = await readAnew(asking);
    const revealed = new Map<number, Attributes>();
    for (const row of asking) {
      const item = items.get(row.object_id);
      if (item === undefined) continue;
      const creating = row.action === "create";
      const { creation } = item.input;
      const concealed = mapping.map(item.record, creating, creation).attributes;
      const plain = mapping.reveal(item.record, creating, creation).attributes;
      revealed.set(row.ordinal, asPlanned(JSON.parse(row.after ?? "{}") as Attributes, { concealed, plain }));
    }
    return revealed;
  };
}

function asPlanned(after: Attributes, now: { readonly concealed: Attributes; readonly plain: Attributes }): Attributes {
  const values = Object.entries(after).flatMap(([name, planned]): readonly (readonly [string, Value])[] => {
    const value = now.plain[name];
    const same = isConcealed(planned) && sameValue(planned, now.concealed[name] ?? null);
    return same && value !== undefined ? [[name, value]] : [];
  });
  return Object.fromEntries(values);
}
