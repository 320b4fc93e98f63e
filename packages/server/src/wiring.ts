import { mkdirSync } from "node:fs";
import {
  CLOUDS,
  createEntraInspector,
  createEntraSource,
  createEntraSubscriptions,
  type EntraOptions,
} from "@entrain/connectors/entra";
import { ConnectorError, type Source, type Target, type WaitListener } from "@entrain/core";
import type { Installation } from "./cli/world.ts";
import type { Clock } from "./clock.ts";
import { credentialsOf } from "./config/connector-credentials.ts";
import { connectionCloud, connectionUses, reconcileEveryMs, secretPlace, targetSecrets } from "./config/current.ts";
import { neededAttributes } from "./config/needed.ts";
import type { Environment, Paths } from "./config.ts";
import { namedTarget } from "./named-target.ts";
import type { ConnectionRow, Engine, TargetRow } from "./runs/context.ts";
import { loadChance } from "./runs/creation.ts";
import { openStore } from "./store/open.ts";
import { type Keyring, openKeyring } from "./store/secrets.ts";
import type { Store } from "./store/store.ts";
import { TARGET_TYPES, targetType } from "./target-types.ts";

/** What an installation is opened with. */
export interface OpenInstallation {
  readonly paths: Paths;
  readonly environment: Environment;
  readonly clock: Clock;
  /** Create the store where there is none. */
  readonly create: boolean;
}

/**
 * Opens an installation: its store, its keyring, and an engine whose sources and targets read their credentials anew at
 * each sign-in. @throws ConnectorError `store_failed`, `store_demo`, `store_real`, `key_wrong`, `config_invalid`
 */
export async function openInstallation(options: OpenInstallation): Promise<Installation> {
  const { paths, environment, clock, create } = options;
  const { folder, location, demo } = paths;
  const store = await openStore({ location, clock, stamp: demo ? "demo" : "real", create });
  try {
    if (paths.key === undefined) makeFolder(folder);
    const keyring = await openKeyring(store, { key: paths.key, folder, environment });
    const engine: Engine = {
      store,
      keyring,
      openSource: (row, onWait) => openSource(store, keyring, row, onWait),
      openTarget: async (row, onWait) => openTarget(store, keyring, row, onWait),
    };
    await loadChance(engine); // Made with the store: what only looks, later, writes nothing.
    return {
      store,
      engine,
      keyring,
      types: TARGET_TYPES,
      demo,
      folder,
      openSubscriptions: (row) => createEntraSubscriptions(entraOptions(store, keyring, row)),
      openInspector: (row) => {
        const options = entraOptions(store, keyring, row);
        return createEntraInspector(options, () => withNeeded(store, row, options));
      },
      close: () => store.close(),
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Beside PostgreSQL the folder holds nothing but the key. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    const message = `The data folder ${folder} cannot be created. Set ENTRAIN_KEY, or ENTRAIN_DATA to a folder that can be written to.`;
    throw new ConnectorError("store_failed", message, { stops: "run", retry: "never", cause: error });
  }
}

async function openSource(
  store: Store,
  keyring: Keyring,
  row: ConnectionRow,
  onWait: WaitListener = () => undefined,
): Promise<Source> {
  return createEntraSource({ ...(await withNeeded(store, row, entraOptions(store, keyring, row))), onWait });
}

/** With what the connection's syncs ask for beside what it says itself. */
async function withNeeded(store: Store, row: ConnectionRow, options: EntraOptions): Promise<EntraOptions> {
  const needed = await neededAttributes({ store, types: TARGET_TYPES }, row);
  return {
    ...options,
    features: [...(options.features ?? []), ...needed.features],
    attributes: needed.user,
    groupAttributes: needed.group,
    contactAttributes: needed.contact,
    askedBy: needed.askedBy,
  };
}

/** Behind a first full read: well within a day, whatever the schedule. */
const FIRST_RECONCILE_MS = 20 * 3_600_000;

/** How to reach a connection's tenant. */
function entraOptions(store: Store, keyring: Keyring, row: ConnectionRow): EntraOptions {
  const cloud = connectionCloud(row);
  const { features, accept } = connectionUses(row);
  const { clock } = store;
  return {
    name: row.name,
    cloud: cloud.kind === "custom" ? cloud : CLOUDS[cloud.kind],
    tenant: row.tenant,
    client: row.client,
    credentials: credentialsOf(store, keyring, row),
    features: features ?? [],
    accepted: accept ?? [],
    reconcile: { firstMs: FIRST_RECONCILE_MS, everyMs: reconcileEveryMs(row) },
    clock,
    random: () => clock.random(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
  };
}

function openTarget(store: Store, keyring: Keyring, row: TargetRow, onWait: WaitListener = () => undefined): Target {
  const secrets = targetSecrets(row);
  const type = targetType(row.type);
  const settings = JSON.parse(row.settings);
  const target = type.open({
    store,
    clock: store.clock,
    id: row.id,
    onWait,
    settings,
    secret: (field) => {
      const reference = secrets[field];
      if (reference !== undefined) return keyring.open(reference, secretPlace("targets", row.id, field)).reveal();
      const message = `The target ${row.name} has no ${field}.`;
      throw new ConnectorError("config_invalid", message, { stops: "sync", retry: "never" });
    },
  });
  return namedTarget(target, row.name, type.addresses(settings));
}
