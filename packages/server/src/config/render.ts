import { byCodeUnits, DEFAULTS, formatDuration, type GuardLimit, type SyncDefinition } from "@entrain/core";
import { stringify } from "yaml";
import type { CloudEntry, CompleteConfiguration, ConnectionEntry, SyncEntry, TargetEntry } from "./document.ts";

type Plain = { readonly [key: string]: unknown };

/** The configuration as a document has it: plain JSON whose reading gives the same configuration again. */
export function plainDocument(configuration: CompleteConfiguration): Plain {
  return {
    connections: section(configuration.connections, plainConnection),
    targets: section(configuration.targets, plainTarget),
    syncs: section(configuration.syncs, plainSync),
  };
}

/** The same in YAML. Secrets are references; a sealed one is `{ sealed: true }`, which keeps what the store holds. */
export function renderDocument(configuration: CompleteConfiguration): string {
  return stringify(plainDocument(configuration), { lineWidth: 0, aliasDuplicateObjects: false });
}

function section<T>(entries: ReadonlyMap<string, T>, plain: (entry: T) => Plain): Plain {
  const names = [...entries.keys()].sort(byCodeUnits);
  return Object.fromEntries(names.flatMap((name) => plainIn(entries, name, plain)));
}

function plainIn<T>(entries: ReadonlyMap<string, T>, name: string, plain: (entry: T) => Plain): [string, Plain][] {
  const entry = entries.get(name);
  return entry === undefined ? [] : [[name, plain(entry)]];
}

export function plainConnection(entry: ConnectionEntry): Plain {
  const { labels, cloud, tenant, client, attributes, credential } = entry;
  return {
    ...(labels.length > 0 ? { labels } : {}),
    cloud: plainCloud(cloud),
    tenant,
    client,
    ...(attributes.length > 0 ? { attributes } : {}),
    credential,
  };
}

function plainCloud(cloud: CloudEntry): unknown {
  return cloud.kind === "custom" ? cloud : cloud.kind;
}

export function plainTarget({ type, settings, credential }: TargetEntry): Plain {
  return {
    type,
    ...(Object.keys(settings).length > 0 ? { settings } : {}),
    ...(Object.keys(credential).length > 0 ? { credential } : {}),
  };
}

export function plainSync(entry: SyncEntry): Plain {
  const { connection, target, records, scope, mapping, matching, operations, deprovision } = entry;
  return {
    connection,
    target,
    records,
    ...(same(scope, DEFAULTS.scope) ? {} : { scope }),
    mapping,
    matching,
    operations,
    deprovision,
    guard: { removals: plainLimit(entry.guard.removals), members: plainLimit(entry.guard.members) },
    schedule: plainSchedule(entry.schedule),
  };
}

function plainLimit({ percent, count, windowMs }: GuardLimit): Plain {
  return { percent, count, window: formatDuration(windowMs) };
}

function plainSchedule(schedule: SyncDefinition["schedule"]): unknown {
  return "everyMs" in schedule ? { every: formatDuration(schedule.everyMs) } : "manual";
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
