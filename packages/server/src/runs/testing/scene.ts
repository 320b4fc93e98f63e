import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCsvTarget } from "@entrain/connectors/csv";
import { createEntraSource } from "@entrain/connectors/entra";
import { createFreshchatTarget } from "@entrain/connectors/freshchat";
import { createScimTarget } from "@entrain/connectors/scim";
import { type ScimServer, type ScimServerOptions, startScimServer } from "@entrain/connectors/scim/testing";
import type { SyncDefinition } from "@entrain/core";
import {
  type Freshchat,
  type FreshchatOptions,
  type Simulator,
  type SimulatorOptions,
  startFreshchat,
  startSimulator,
} from "@entrain/simulator";
import { type Clock, newId, systemClock } from "../../clock.ts";
import type { PortalSettings } from "../../portal/kinds.ts";
import { createPortalTarget } from "../../portal/target.ts";
import { openStore } from "../../store/open.ts";
import { openKeyring } from "../../store/secrets.ts";
import type { Location, Store } from "../../store/store.ts";
import type { Engine } from "../context.ts";
import {
  applySync,
  approveSync,
  type Preview,
  planSync,
  type RunOptions,
  type RunSummary,
  rejectSync,
  runSync,
} from "../run.ts";
import { type UndoOptions, undoRun } from "../undo/undo.ts";
import { longThere } from "./tenant.ts";

/** A simulated tenant, a store, and syncs to a portal and a SCIM server that we did not write. */
/** The targets that a scene has. */
export type SceneTarget = "portal" | "scim" | "csv" | "freshchat";

export interface Scene {
  readonly simulator: Simulator;
  readonly scim: ScimServer;
  /** The account of the target `freshchat`, where the options ask for one. */
  readonly freshchat: Freshchat | null;
  readonly store: Store;
  readonly engine: Engine;
  /** Adds a sync; the rest of the definition is the target kind's preset. */
  addSync(
    name: string,
    target: SceneTarget,
    definition: Partial<SyncDefinition> & { readonly records: string },
  ): Promise<string>;
  run(sync: string, options?: Pick<RunOptions, "recreate" | "resync" | "selection">): Promise<RunSummary>;
  plan(sync: string): Promise<Preview>;
  apply(sync: string, digest: string): Promise<RunSummary>;
  approve(sync: string, digest: string): Promise<RunSummary>;
  reject(sync: string, digest: string): Promise<void>;
  /** Plans the inverse of a run, or of the last one that changed something; for an operator called olga. */
  undo(sync: string, of: string | null, chosen?: UndoOptions["chosen"]): Promise<RunSummary>;
  /** Changes a sync's definition, as an operator would: a new revision. */
  redefine(sync: string, definition: Partial<SyncDefinition>): Promise<void>;
  /** What the SCIM server answers in its own place from now on; `null`: nothing. */
  disturb(fault: ScimServerOptions["fault"] | null): void;
  /** Sends a write to the simulated Graph with the app's own token. */
  graph(method: string, path: string, body?: unknown): Promise<unknown>;
  close(): Promise<void>;
}

export interface SceneOptions {
  /** How the portal keeps departments and locations. */
  readonly portal?: PortalSettings;
  readonly simulator?: SimulatorOptions;
  readonly clock?: Clock;
  readonly location?: Location;
  readonly scim?: Partial<ScimServerOptions>;
  readonly freshchat?: FreshchatOptions;
  /** The attributes that are read of people, in place of the usual ones. */
  readonly attributes?: readonly string[];
  /** When full rounds are repeated, asked whenever a source is opened; `undefined`: as in an installation. */
  readonly reconcile?: () => Reconcile | undefined;
}

type Reconcile = NonNullable<Parameters<typeof createEntraSource>[0]["reconcile"]>;

/** Who undoes. */
export const OLGA = { kind: "command", id: "olga" } as const;
const KEY = Buffer.alloc(32, 7).toString("base64");
const CONNECTION = "c_test";
const DAY = 86_400_000;
const TOKEN_KEPT = 1_800_000;
/** The defaults of a sync, written out so that a test shows what it relies on. */
const DEFINITION: Omit<SyncDefinition, "records" | "mapping" | "matching"> = {
  scope: {},
  operations: { create: true, update: true, remove: true },
  deprovision: { outOfScope: "disable", disabled: "disable", softDeleted: "disable", deleted: "delete" },
  guard: {
    removals: { percent: 10, count: 500, windowMs: DAY },
    members: { percent: 10, count: 500, windowMs: DAY },
  },
  schedule: { manual: true },
};

export async function openScene(options: SceneOptions = {}): Promise<Scene> {
  const clock = options.clock ?? systemClock;
  const tenant = options.simulator?.tenant;
  const simulator = await startSimulator({
    people: 60,
    groups: 14,
    seed: 7,
    throttle: "off",
    clock: () => clock.now(),
    ...options.simulator,
    ...(tenant === undefined ? {} : { tenant: longThere(tenant) }),
  });
  let fault: ScimServerOptions["fault"] | null = options.scim?.fault ?? null;
  const scim = await startScimServer({
    token: "scim-test-token",
    now: () => clock.now(),
    ...options.scim,
    fault: (request) => fault?.(request) ?? null,
  });
  const freshchat =
    options.freshchat === undefined ? null : await startFreshchat({ clock: () => clock.now(), ...options.freshchat });
  const folder = await mkdtemp(join(tmpdir(), "entrain-scene-"));
  const location = options.location ?? { kind: "sqlite", folder };
  const store = await openStore({ location, clock, stamp: "real", create: true });
  await addEnds(store, simulator);
  const keyring = await openKeyring(store, { key: KEY, folder, environment: {} });
  const csv = join(folder, "csv");
  await mkdir(csv);
  const engine: Engine = { ...engineOf(store, { simulator, scim, freshchat, csv }, options), keyring };
  const signal = new AbortController().signal;
  const of = (sync: string) => ({
    sync,
    actor: { kind: "system", id: "test" } as const,
    signal,
    onProgress: () => undefined,
  });
  let token = { text: "", until: 0 };
  return {
    simulator,
    scim,
    freshchat,
    store,
    engine,
    addSync: (name, target, definition) => addSync(engine, name, target, definition),
    run: (sync, options) => runSync(engine, { ...of(sync), ...options }),
    plan: (sync) => planSync(engine, of(sync)),
    apply: (sync, digest) => applySync(engine, { ...of(sync), digest }),
    approve: (sync, digest) => approveSync(engine, { ...of(sync), digest }),
    reject: (sync, digest) => rejectSync(engine, { ...of(sync), digest }),
    undo: (sync, of, chosen = {}) =>
      undoRun(engine, { sync, actor: OLGA, signal, onProgress: () => undefined, of, chosen }),
    redefine: (sync, definition) => redefine(store, sync, definition),
    disturb: (next) => {
      fault = next;
    },
    graph: async (method, path, body) => {
      if (token.until <= clock.now()) token = { text: await signIn(simulator), until: clock.now() + TOKEN_KEPT };
      return await send(simulator, token.text, { method, path, body });
    },
    close: async () => {
      await store.close();
      await simulator.close();
      await scim.close();
      await freshchat?.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function addEnds(store: Store, simulator: Simulator): Promise<void> {
  const common = { organisation: "default", revision: 1, sequence: 0, created_at: store.clock.now() };
  await store.transaction(async (tx) => {
    await tx
      .insertInto("connections")
      .values({
        ...common,
        id: CONNECTION,
        name: "contoso",
        cloud: "{}",
        cloud_key: simulator.graph,
        tenant: simulator.tenant,
        client: simulator.client,
        labels: "[]",
        attributes: "[]",
        credential: "{}",
      })
      .execute();
    for (const type of ["portal", "scim", "csv", "freshchat"]) {
      await tx
        .insertInto("targets")
        .values({ ...common, id: `t_${type}`, name: type, type, settings: "{}", credential: "{}" })
        .execute();
    }
  });
}

function engineOf(
  store: Store,
  { simulator, scim, freshchat, csv }: Pick<Scene, "simulator" | "scim" | "freshchat"> & { readonly csv: string },
  options: SceneOptions,
): Omit<Engine, "keyring"> {
  const { clock } = store;
  const { reconcile } = options;
  const openSource: Engine["openSource"] = async (_connection, onWait = () => undefined) => {
    const often = reconcile?.();
    return createEntraSource({
      cloud: { login: simulator.login, graph: simulator.graph },
      tenant: simulator.tenant,
      client: simulator.client,
      credentials: [{ kind: "secret", secret: () => simulator.secret }],
      clock,
      random: () => clock.random(),
      sleep: (ms, signal) => clock.sleep(ms, signal),
      ...(simulator.ca === null ? {} : { ca: simulator.ca }),
      ...(often === undefined ? {} : { reconcile: often }),
      ...(options.attributes === undefined ? {} : { attributes: options.attributes }),
      onWait,
    });
  };
  const openTarget: Engine["openTarget"] = async ({ type }, onWait = () => undefined) => {
    if (type === "portal") return createPortalTarget(store, "t_portal", options.portal);
    if (type === "csv") return createCsvTarget({ path: csv, clock });
    if (type === "freshchat" && freshchat !== null) {
      return createFreshchatTarget({ baseUrl: freshchat.base, token: () => freshchat.token, clock, onWait });
    }
    const { baseUrl } = scim;
    return createScimTarget({ baseUrl, token: () => "scim-test-token", clock, groupSettleMs: 100, onWait });
  };
  return { store, openSource, openTarget };
}

async function addSync(
  engine: Engine,
  name: string,
  type: SceneTarget,
  definition: Partial<SyncDefinition> & { readonly records: string },
): Promise<string> {
  const { store } = engine;
  const row = await store.db.selectFrom("targets").selectAll().where("id", "=", `t_${type}`).executeTakeFirstOrThrow();
  const target = await engine.openTarget(row);
  const preset = target.kinds.find((kind) => kind.name === definition.records)?.preset;
  if (!preset) throw new Error(`no kind ${definition.records}`);
  await target.close();
  const id = newId(store.clock, "s");
  const full: SyncDefinition = { ...DEFINITION, ...preset, ...definition };
  await store.transaction(async (tx) => {
    await tx
      .insertInto("syncs")
      .values({
        id,
        organisation: "default",
        name,
        connection: CONNECTION,
        target: `t_${type}`,
        records: full.records,
        definition: JSON.stringify(full),
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

async function redefine(store: Store, sync: string, definition: Partial<SyncDefinition>): Promise<void> {
  await store.transaction(async (tx) => {
    const row = await tx.selectFrom("syncs").selectAll().where("id", "=", sync).executeTakeFirstOrThrow();
    const next = JSON.stringify({ ...JSON.parse(row.definition), ...definition });
    await tx
      .updateTable("syncs")
      .set({ definition: next, revision: row.revision + 1 })
      .where("id", "=", sync)
      .execute();
  });
}

async function signIn(simulator: Simulator): Promise<string> {
  const response = await fetch(`${simulator.login}/${simulator.tenant}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: simulator.client,
      client_secret: simulator.secret,
      scope: "https://graph.microsoft.com/.default",
    }),
  });
  const { access_token } = (await response.json()) as { readonly access_token: string };
  return access_token;
}

/** Sends writes to a simulated Graph with the app's own token. */
export function graphOf(simulator: Simulator): (method: string, path: string, body?: unknown) => Promise<unknown> {
  return async (method, path, body) => await send(simulator, await signIn(simulator), { method, path, body });
}

async function send(
  simulator: Simulator,
  token: string,
  request: { readonly method: string; readonly path: string; readonly body: unknown },
): Promise<unknown> {
  const response = await fetch(`${simulator.graph}/v1.0${request.path}`, {
    method: request.method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${request.method} ${request.path} answered ${response.status}: ${text}`);
  return text === "" ? null : JSON.parse(text);
}
