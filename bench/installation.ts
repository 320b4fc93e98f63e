import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCsvTarget } from "@entrain/connectors/csv";
import { createEntraSource, type RequestEvent } from "@entrain/connectors/entra";
import { DEFAULTS, type Source, type SyncDefinition, type Target } from "@entrain/core";
import { systemClock } from "../packages/server/src/clock.ts";
import { createPortalTarget } from "../packages/server/src/portal/target.ts";
import type { Engine } from "../packages/server/src/runs/context.ts";
import { openStore } from "../packages/server/src/store/open.ts";
import { openKeyring } from "../packages/server/src/store/secrets.ts";
import type { Store } from "../packages/server/src/store/store.ts";
import type { TenantAddress } from "./tenant/tenant.ts";

export const CONNECTION = "c_bench";
const TARGET = "t_portal";
export const SYNC = "s_bench";

/** The portal, or files with a few columns more than the portal has attributes. */
export type TargetType = "portal" | "csv";

const EXTRA_COLUMNS = ["state", "streetAddress", "postalCode", "mailNickname", "userType"] as const;

/** A store in a folder of its own with one connection, one target, and one sync of people between them. */
export interface Installation {
  readonly folder: string;
  readonly store: Store;
  readonly engine: Engine;
  close(): Promise<void>;
}

export async function openInstallation(
  address: TenantAddress,
  scheme: "http" | "https",
  onRequest?: (event: RequestEvent) => void,
  type: TargetType = "portal",
): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), "entrain-bench-"));
  const options = { address, scheme, type, ...(onRequest === undefined ? {} : { onRequest }) };
  const installation = await opened(folder, options, true);
  await configure(installation.store, address, targetOf(installation.store, folder, type));
  return installation;
}

interface Options {
  readonly address: TenantAddress;
  readonly scheme: "http" | "https";
  readonly type: TargetType;
  readonly onRequest?: (event: RequestEvent) => void;
}

/** Opens an installation that another process left behind. */
export async function reopenInstallation(folder: string, options: Options): Promise<Installation> {
  return await opened(folder, options, false);
}

async function opened(
  folder: string,
  { address, scheme, type, onRequest }: Options,
  create: boolean,
): Promise<Installation> {
  const store = await openStore({ location: { kind: "sqlite", folder }, clock: systemClock, stamp: "real", create });
  return {
    folder,
    store,
    engine: {
      store,
      keyring: await openKeyring(store, { key: undefined, folder, environment: {} }),
      openSource: async () => sourceOf(address, scheme, onRequest),
      openTarget: async () => targetOf(store, folder, type),
    },
    close: async () => {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function targetOf(store: Store, folder: string, type: TargetType): Target {
  if (type === "portal") return createPortalTarget(store, TARGET);
  return createCsvTarget({ path: folder, columns: { user: EXTRA_COLUMNS }, clock: systemClock });
}

/** The product's own source, with its defaults. */
export function sourceOf(
  address: TenantAddress,
  scheme: "http" | "https",
  onRequest: (event: RequestEvent) => void = () => undefined,
): Source {
  const origin = address[scheme];
  return createEntraSource({
    cloud: { login: origin, graph: origin },
    tenant: address.tenant,
    client: address.client,
    credentials: [{ kind: "secret", secret: () => address.secret }],
    clock: systemClock,
    random: () => systemClock.random(),
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
    onRequest,
    ...(scheme === "https" ? { ca: address.ca } : {}),
  });
}

async function configure(store: Store, address: TenantAddress, target: Target): Promise<void> {
  const common = { organisation: "default", revision: 1, created_at: store.clock.now() };
  const preset = target.kinds.find(({ source }) => source === "user");
  if (preset === undefined) throw new Error("the target has no kind of person");
  const definition: SyncDefinition = { ...DEFAULTS, ...preset.preset, records: preset.name };
  await store.transaction(async (tx) => {
    await tx
      .insertInto("connections")
      .values({
        ...common,
        id: CONNECTION,
        name: "bench",
        cloud: "{}",
        cloud_key: "bench",
        tenant: address.tenant,
        client: address.client,
        labels: "[]",
        attributes: "[]",
        credential: "{}",
        sequence: 0,
      })
      .execute();
    await tx
      .insertInto("targets")
      .values({ ...common, id: TARGET, name: "portal", type: "portal", settings: "{}", credential: "{}", sequence: 0 })
      .execute();
    await tx
      .insertInto("syncs")
      .values({
        ...common,
        id: SYNC,
        name: "people",
        connection: CONNECTION,
        target: TARGET,
        records: definition.records,
        definition: JSON.stringify(definition),
        cursor: 0,
        link_cursor: 0,
        evaluated_revision: 0,
        first_run_at: null,
      })
      .execute();
  });
}
