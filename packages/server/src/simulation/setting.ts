import type { SyncDefinition } from "@entrain/core";
import type { Simulator } from "@entrain/simulator";
import { newId } from "../clock.ts";
import type { Store } from "../store/store.ts";

const CONNECTION = "c_simulation";

/** Enters the connection and the target into an empty store. */
export async function connect(store: Store, simulator: Simulator, type: string): Promise<void> {
  const common = { organisation: "default", revision: 1, sequence: 0, created_at: store.clock.now() };
  await store.transaction(async (tx) => {
    await tx
      .insertInto("connections")
      .values({
        ...common,
        id: CONNECTION,
        name: "contoso",
        cloud: "{}",
        cloud_key: "simulation",
        tenant: simulator.tenant,
        client: simulator.client,
        labels: "[]",
        attributes: "[]",
        credential: "{}",
      })
      .execute();
    await tx
      .insertInto("targets")
      .values({ ...common, id: `t_${type}`, name: type, type, settings: "{}", credential: "{}" })
      .execute();
  });
}

export async function addSync(store: Store, name: string, type: string, definition: SyncDefinition): Promise<string> {
  const id = newId(store.clock, "s");
  await store.transaction(async (tx) => {
    await tx
      .insertInto("syncs")
      .values({
        id,
        organisation: "default",
        name,
        connection: CONNECTION,
        target: `t_${type}`,
        records: definition.records,
        definition: JSON.stringify(definition),
        revision: 1,
        cursor: 0,
        link_cursor: 0,
        evaluated_revision: 0,
        first_run_at: null,
        created_at: store.clock.now(),
      })
      .execute();
  });
  return id;
}

/** Changes a sync's definition, as an operator would: a new revision. */
export async function redefine(store: Store, sync: string, definition: SyncDefinition): Promise<void> {
  await store.transaction(async (tx) => {
    const row = await tx.selectFrom("syncs").select("revision").where("id", "=", sync).executeTakeFirstOrThrow();
    await tx
      .updateTable("syncs")
      .set({ definition: JSON.stringify(definition), revision: row.revision + 1 })
      .where("id", "=", sync)
      .execute();
  });
}
