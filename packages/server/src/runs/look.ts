import type { SyncDefinition } from "@entrain/core";
import { kindOf, kindsOf, openBasis, positionOf } from "./basis.ts";
import type { ConnectionRow, Engine, SyncRow } from "./context.ts";
import type { BatchContext } from "./plan-context.ts";

/** What a sync is looked at with where nothing is planned: no lease, no plan, nothing written. */
export interface Look {
  readonly context: BatchContext;
  readonly connection: ConnectionRow;
  /** The target's name. */
  readonly target: string;
}

/** Opens a sync's target and all that its rules need, for as long as `look` takes. @throws ConnectorError where the sync could not run */
export async function withLook<T>(
  engine: Engine,
  { sync, signal }: { readonly sync: SyncRow; readonly signal: AbortSignal },
  look: (at: Look) => Promise<T>,
): Promise<T> {
  const { store, keyring } = engine;
  const connection = await store.db
    .selectFrom("connections")
    .selectAll()
    .where("id", "=", sync.connection)
    .executeTakeFirstOrThrow();
  const targetRow = await store.db
    .selectFrom("targets")
    .selectAll()
    .where("id", "=", sync.target)
    .executeTakeFirstOrThrow();
  const target = await engine.openTarget(targetRow);
  try {
    const { scope } = JSON.parse(sync.definition) as SyncDefinition;
    const position = await positionOf(store, connection.id, kindsOf(kindOf(target, sync), scope));
    const of = { store, keyring, sync, connection, targetRow, target, position, recreate: false, signal };
    const context: BatchContext = { ...(await openBasis(of)), lease: null, plan: { id: "" } };
    try {
      return await look({ context, connection, target: targetRow.name });
    } finally {
      context.lookups?.close();
    }
  } finally {
    await target.close();
  }
}
