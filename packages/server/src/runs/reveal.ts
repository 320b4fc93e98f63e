import {
  type Attributes,
  isConcealed,
  type SyncDefinition,
  sameValue,
  type TargetKind,
  type Value,
} from "@entrain/core";
import { loadRecords } from "../store/directory.ts";
import type { LinkSpace } from "../store/links.ts";
import type { PlanChangeRow } from "../store/plans.ts";
import type { Engine, SyncRow } from "./context.ts";
import { type Chance, loadChance } from "./creation.ts";
import { inputsOf } from "./evaluate-batch.ts";
import { compileSync } from "./plan.ts";
import { groupsNow } from "./scope-now.ts";

/**
 * The sensitive values of these changes, made anew from the source, by ordinal and attribute. One that is not what the plan
 * saw any more is left out.
 */
export type Reveal = (rows: readonly PlanChangeRow[]) => Promise<ReadonlyMap<number, Attributes>>;

/** Plans and links hold sensitive values concealed: they are known for as long as they are sent. */
export function revealer(
  engine: Pick<Engine, "store" | "keyring">,
  of: {
    readonly sync: SyncRow;
    readonly space: LinkSpace;
    readonly kind: TargetKind;
    /** When the plan was made: what it took the time from. */
    readonly plannedAt: number;
  },
): Reveal {
  const { store } = engine;
  const { sync, space, kind, plannedAt } = of;
  const definition = JSON.parse(sync.definition) as SyncDefinition;
  const { groups: included, assigned } = definition.scope;
  // What does not differ from batch to batch is made once.
  const resolve =
    included === undefined && assigned === undefined ? null : groupsNow(store, sync.connection, definition);
  let chance: Chance | undefined;
  let compiled: ReturnType<typeof compileSync> | undefined;
  return async (rows) => {
    const asking = rows.filter((row) => row.after?.includes("$sensitive") === true);
    if (asking.length === 0) return new Map();
    chance ??= await loadChance(engine);
    compiled ??= compileSync(definition, kind, chance);
    const { scope, mapping } = compiled;
    const groups = resolve === null ? null : await resolve();
    const creationOf = chance.creationOf(sync.id, plannedAt);
    const context = {
      store,
      space,
      kind,
      groups,
      scope,
      mapping,
      creationOf,
      sync,
      complete: true,
      span: { cursor: 0 },
    };
    const ids = asking.map((row) => row.object_id);
    const records = await loadRecords(store.db, sync.connection, ids);
    const items = new Map((await inputsOf(context, [...records.values()])).map((item) => [item.row.id, item]));
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
