import type { SyncDefinition, TargetKind } from "@entrain/core";
import { loadRecords } from "../store/directory.ts";
import type { LinkSpace } from "../store/links.ts";
import type { PlanChangeRow } from "../store/plans.ts";
import { compileSync } from "./basis.ts";
import type { Engine, SyncRow } from "./context.ts";
import { type Chance, loadChance } from "./creation.ts";
import { type Item, inputsOf } from "./inputs.ts";
import { loadProtection } from "./protection.ts";
import { scopeGiven } from "./scope-given.ts";
import { groupsNow } from "./scope-now.ts";

/** Whose planned changes are looked at again, right before they are sent. */
export interface PlannedBy {
  readonly sync: SyncRow;
  readonly space: LinkSpace;
  readonly kind: TargetKind;
  /** When the plan was made: what it took the time from. */
  readonly plannedAt: number;
}

/** Records of changes as they are now, by object id, with the rules that judge them. */
export interface ReadAnew extends Pick<ReturnType<typeof compileSync>, "mapping" | "rules"> {
  readonly items: ReadonlyMap<string, Item>;
  /** A group of the scope is gone: what the items say of the scope is not so. */
  readonly scopeGone: boolean;
}

/**
 * Reads the records of changes anew, for as many batches as are asked for; what does not differ from batch to batch is made
 * once. The target is not asked, and nothing is written.
 */
export function readerAnew(
  engine: Pick<Engine, "store" | "keyring">,
  { sync, space, kind, plannedAt }: PlannedBy,
): (rows: readonly PlanChangeRow[]) => Promise<ReadAnew> {
  const { store } = engine;
  const definition = JSON.parse(sync.definition) as SyncDefinition;
  const { groups: named, assigned } = definition.scope;
  const asksForGroups = named !== undefined || assigned !== undefined;
  const resolve = groupsNow(store, sync.connection, definition);
  let chance: Chance | undefined;
  let compiled: ReturnType<typeof compileSync> | undefined;
  return async (rows) => {
    chance ??= await loadChance(engine);
    const given = compiled ? {} : await scopeGiven(store, sync.connection, definition.scope, store.clock.now());
    compiled ??= compileSync(definition, kind, chance, given);
    const groups = asksForGroups ? await resolve() : null;
    const { scope, mapping, rules } = compiled;
    const creationOf = chance.creationOf(sync.id, plannedAt);
    const records = await loadRecords(
      store.db,
      sync.connection,
      rows.map((row) => row.object_id),
    );
    const protection = await loadProtection(store, sync.id);
    const basis = { store, space, kind, groups, scope, mapping, creationOf, sync, protection };
    const made = { ...basis, complete: true, span: { cursor: 0 } };
    const items = await inputsOf(made, [...records.values()]);
    return {
      items: new Map(items.map((item) => [item.row.id, item])),
      mapping,
      rules,
      scopeGone: asksForGroups && groups === null,
    };
  };
}
