import { DEFAULTS } from "@entrain/core";
import type { CurrentConfiguration } from "../config/current.ts";
import type { ConfigurationDocument, ConnectionEntry, SyncEntry, TargetEntry } from "../config/document.ts";
import { GROUP, REQUESTER } from "../portal/kinds.ts";

/** The simulated tenant, as a connection knows it. */
export interface DemoTenant {
  readonly login: string;
  readonly graph: string;
  readonly tenant: string;
  readonly client: string;
}

export const DEMO_CONNECTION = "demo";
const PORTAL = "portal";
const PEOPLE = "demo-people";
const GROUPS = "demo-groups";
/** In the order in which they run: groups have people as members. */
export const DEMO_SYNCS: readonly string[] = [PEOPLE, GROUPS];
const EVERY_MS = 60_000;

/**
 * What the demo configures: the simulated tenant, the portal, one sync for people and one for groups. What exists is left
 * as somebody may have changed it; only the connection follows the simulator to its port.
 */
export function demoDocument(
  current: CurrentConfiguration,
  { login, graph, tenant, client }: DemoTenant,
): ConfigurationDocument {
  const existing = current.connections.get(DEMO_CONNECTION);
  const connection: ConnectionEntry = {
    labels: existing?.labels ?? ["simulated"],
    cloud: { kind: "custom", login, graph },
    tenant,
    client,
    attributes: existing?.attributes ?? [],
    credential: [{ kind: "secret", secret: { sealed: true } }],
  };
  const target: TargetEntry = { type: PORTAL, settings: {}, credential: {} };
  return {
    channels: null,
    connections: new Map([[DEMO_CONNECTION, connection]]),
    targets: new Map([[PORTAL, current.targets.get(PORTAL) ?? target]]),
    syncs: new Map([
      [PEOPLE, current.syncs.get(PEOPLE) ?? syncOf(REQUESTER)],
      [GROUPS, current.syncs.get(GROUPS) ?? syncOf(GROUP)],
    ]),
  };
}

function syncOf({ name, preset }: typeof REQUESTER): SyncEntry {
  return {
    connection: DEMO_CONNECTION,
    target: PORTAL,
    records: name,
    ...DEFAULTS,
    mapping: preset.mapping,
    matching: preset.matching,
    schedule: { everyMs: EVERY_MS },
  };
}
