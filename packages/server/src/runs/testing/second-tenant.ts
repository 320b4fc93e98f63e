import { createEntraSource } from "@entrain/connectors/entra";
import type { SyncDefinition } from "@entrain/core";
import { type Simulator, startSimulator, type TenantFile } from "@entrain/simulator";
import type { Engine } from "../context.ts";
import { type RunSummary, runSync } from "../run.ts";
import { graphOf, type Scene } from "./scene.ts";

/** A second simulated tenant beside a scene's own, connected to the same store. */
export interface SecondTenant {
  readonly simulator: Simulator;
  readonly engine: Engine;
  /** Adds a sync of this tenant, as {@link Scene.addSync} does of the first one. */
  addSync(...args: Parameters<Scene["addSync"]>): Promise<string>;
  run(sync: string): Promise<RunSummary>;
  /** Sends a write to its Graph with the app's own token. */
  graph(method: string, path: string, body?: unknown): Promise<unknown>;
  close(): Promise<void>;
}

const CONNECTION = "c_second";

/** Connects another tenant, `fabrikam`, to a scene. */
export async function addTenant(scene: Scene, tenant: TenantFile): Promise<SecondTenant> {
  const { store } = scene;
  const { clock } = store;
  const simulator = await startSimulator({ tenant, seed: 11, throttle: "off", clock: () => clock.now() });
  await store.transaction(async (tx) => {
    const { id: _id, ...first } = await tx
      .selectFrom("connections")
      .selectAll()
      .where("name", "=", "contoso")
      .executeTakeFirstOrThrow();
    const { graph: cloud_key, tenant: id, client } = simulator;
    const own = { id: CONNECTION, name: "fabrikam", sequence: 0, cloud_key, tenant: id, client };
    await tx
      .insertInto("connections")
      .values({ ...first, ...own })
      .execute();
  });
  const engine: Engine = {
    ...scene.engine,
    openSource: async (connection, onWait = () => undefined) => {
      if (connection.id !== CONNECTION) return await scene.engine.openSource(connection, onWait);
      return createEntraSource({
        cloud: { login: simulator.login, graph: simulator.graph },
        tenant: simulator.tenant,
        client: simulator.client,
        credentials: [{ kind: "secret", secret: () => simulator.secret }],
        clock,
        random: () => clock.random(),
        sleep: (ms, signal) => clock.sleep(ms, signal),
        onWait,
      });
    },
  };
  return {
    simulator,
    engine,
    addSync: async (name, target, definition: Partial<SyncDefinition> & { readonly records: string }) => {
      const id = await scene.addSync(name, target, definition);
      await store.transaction(async (tx) => {
        await tx.updateTable("syncs").set({ connection: CONNECTION }).where("id", "=", id).execute();
      });
      return id;
    },
    run: (sync) =>
      runSync(engine, {
        sync,
        actor: { kind: "system", id: "test" },
        signal: new AbortController().signal,
        onProgress: () => undefined,
      }),
    graph: graphOf(simulator),
    close: () => simulator.close(),
  };
}
