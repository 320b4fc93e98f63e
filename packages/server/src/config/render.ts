import { byCodeUnits, DEFAULTS, formatDuration } from "@entrain/core";
import { Document, isMap, isScalar, isSeq, visit } from "yaml";
import { plainDeprovision } from "./deprovision.ts";
import type {
  ChannelEntry,
  CloudEntry,
  CompleteConfiguration,
  ConnectionEntry,
  CredentialEntry,
  SyncEntry,
  TargetEntry,
} from "./document.ts";
import { plainGuard } from "./guard.ts";
import { plainRetries } from "./retries.ts";
import { plainSchedule } from "./schedule.ts";
import { maskedUrls } from "./url-mask.ts";

/** How many nodes stand above the values of an entry: document, map of sections, its pair, map of entries, its pair, entry. */
const ENTRY_DEPTH = 6;
const ONE_LINE_MAX = 4;

type Plain = { readonly [key: string]: unknown };

/** The configuration as a document has it: plain JSON whose reading gives the same configuration again. */
export function plainDocument(configuration: CompleteConfiguration): Plain {
  return {
    connections: section(configuration.connections, plainConnection),
    targets: section(configuration.targets, plainTarget),
    syncs: section(configuration.syncs, plainSync),
    channels: section(configuration.channels, plainChannel),
  };
}

/** The same in YAML. Secrets are references; a sealed one is `{ sealed: true }`, which keeps what the store holds. */
export function renderDocument(configuration: CompleteConfiguration): string {
  return renderPlain(plainDocument(configuration));
}

/** A document, or some of its sections, in YAML. */
export function renderPlain(plain: Plain): string {
  const document = new Document(plain, { aliasDuplicateObjects: false });
  visit(document, {
    Collection: (_key, node, ancestors) => {
      // The document, a section, an entry and its settings stand on lines of their own; what is small and plain on one.
      const values = isMap(node) ? node.items.map(({ value }) => value) : isSeq(node) ? node.items : [];
      if (ancestors.length > ENTRY_DEPTH && values.length <= ONE_LINE_MAX && values.every(isScalar)) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 0 });
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
  const { labels, cloud, tenant, client, attributes, features, accept, reconcileMs, protect, credential } = entry;
  return {
    ...(labels.length > 0 ? { labels } : {}),
    cloud: plainCloud(cloud),
    tenant,
    client,
    ...(attributes.length > 0 ? { attributes } : {}),
    ...(features === undefined ? {} : { features }),
    ...(accept === undefined ? {} : { accept }),
    ...(reconcileMs === undefined ? {} : { reconcile: { every: formatDuration(reconcileMs) } }),
    ...(protect === undefined ? {} : { protect }),
    credential: maskedUrls(plainCredential(credential)),
  };
}

/** The same with addresses as they are: to compare by, never to be shown. One credential alone needs no id. */
export function plainCredential(credential: readonly CredentialEntry[]): unknown {
  const { id: _id, ...alone } = credential[0] ?? {};
  return credential.length === 1 ? alone : credential;
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
  const { connection, target, records, source, scope, mapping, matching, shares, operations, deprovision } = entry;
  return {
    connection,
    target,
    records,
    ...(source === undefined ? {} : { source }),
    ...(same(scope, DEFAULTS.scope) ? {} : { scope }),
    mapping,
    matching,
    ...(shares === undefined ? {} : { shares }),
    operations,
    deprovision: plainDeprovision(deprovision),
    guard: plainGuard(entry.guard),
    ...(entry.protect === undefined ? {} : { protect: entry.protect }),
    ...(entry.approval === undefined ? {} : { approval: entry.approval }),
    ...(entry.retries === undefined ? {} : { retries: plainRetries(entry.retries) }),
    schedule: plainSchedule(entry.schedule),
  };
}

export function plainChannel({ type, types, allowPrivate, ...own }: ChannelEntry): Plain {
  const { url, ...rest } = own as { readonly url?: unknown };
  const address = url === undefined ? {} : { url };
  return { type, ...address, ...(allowPrivate ? { allowPrivate } : {}), ...rest, ...(types ? { types } : {}) };
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
