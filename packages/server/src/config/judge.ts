import { type Code, ConnectorError } from "@entrain/core";
import type { ConfigurationChange } from "./change.ts";
import { isLoopbackHost } from "./channel-of.ts";
import type { EntryDifference } from "./difference.ts";
import type { ChannelEntry, ConnectionEntry, SyncEntry } from "./document.ts";
import { cloudKey } from "./save.ts";
import { sharedTwice } from "./shares.ts";

/**
 * What no single entry can tell: entries that others need, tenants with two connections, and changes that would turn an
 * entry into another thing. @throws ConnectorError `config_invalid`, `exists`, `demo_only`
 */
export function refuseImpossible(change: ConfigurationChange, differences: readonly EntryDifference[]): void {
  const removed = new Set(differences.flatMap((one) => (one.change === "removed" ? [placeOf(one)] : [])));
  refuseNeeded(change, removed);
  refuseTwice(change, removed);
  refuseSharedTwice(change, removed);
  for (const one of differences) if (one.change === "changed") refuseOther(change, one);
  if (change.demo) refuseFarAway(change);
}

function placeOf({ section, name }: Pick<EntryDifference, "section" | "name">): string {
  return `${section}.${name}`;
}

function refuseNeeded({ current, document }: ConfigurationChange, removed: ReadonlySet<string>): void {
  const syncs = new Map<string, SyncEntry>([...current.syncs, ...(document.syncs ?? [])]);
  for (const [name, sync] of syncs) {
    if (removed.has(`syncs.${name}`)) continue;
    for (const [section, needed] of [
      ["connections", sync.connection],
      ["targets", sync.target],
    ] as const) {
      if (!removed.has(`${section}.${needed}`)) continue;
      throw refusal(
        "config_invalid",
        `${section}.${needed} cannot be removed: the sync ${name} needs it. Remove that first, and say what becomes of what it owns: entrain sync remove ${name} --owned release, disable or delete.`,
      );
    }
  }
}

function refuseTwice({ current, document }: ConfigurationChange, removed: ReadonlySet<string>): void {
  const connections = new Map<string, ConnectionEntry>([...current.connections, ...(document.connections ?? [])]);
  const owners = new Map<string, string>();
  for (const [name, entry] of connections) {
    if (removed.has(`connections.${name}`)) continue;
    const key = `${cloudKey(entry.cloud)} ${entry.tenant}`;
    const other = owners.get(key);
    if (other !== undefined) {
      const detail = `connections.${name} and connections.${other} are the same tenant ${entry.tenant}; a tenant has one connection.`;
      throw refusal("exists", detail);
    }
    owners.set(key, name);
  }
}

function refuseSharedTwice({ current, document }: ConfigurationChange, removed: ReadonlySet<string>): void {
  const all = new Map<string, SyncEntry>([...current.syncs, ...(document.syncs ?? [])]);
  const syncs = new Map([...all].filter(([name]) => !removed.has(`syncs.${name}`)));
  const twice = sharedTwice(syncs);
  if (twice === null) return;
  const { sync, other, attribute } = twice;
  const detail = `syncs.${sync}.shares: ${other} maps ${attribute}, too, for the same kind of records, and both would write it. Take ${attribute} out of one of the two.`;
  throw refusal("config_invalid", detail);
}

/** An id never changes its meaning: another tenant, type or end is another entry. */
function refuseOther({ current, document }: ConfigurationChange, { section, name }: EntryDifference): void {
  const refuse = (what: string, is: string, shall: string): never => {
    const detail = `${section}.${name}.${what}: cannot become ${shall}, it is ${is}. Add another entry under a new name and remove this one.`;
    throw refusal("config_invalid", detail);
  };
  if (section === "connections") {
    const [before, after] = [current.connections.get(name), document.connections?.get(name)];
    if (before && after && before.tenant !== after.tenant) refuse("tenant", before.tenant, after.tenant);
    if (before && after && before.cloud.kind !== after.cloud.kind) {
      refuse("cloud", before.cloud.kind, after.cloud.kind);
    }
  }
  if (section === "targets") {
    const [before, after] = [current.targets.get(name), document.targets?.get(name)];
    if (before && after && before.type !== after.type) refuse("type", before.type, after.type);
  }
  if (section === "channels") {
    const [before, after] = [current.channels.get(name), document.channels?.get(name)];
    if (before && after && before.type !== after.type) refuse("type", before.type, after.type);
  }
  if (section === "syncs") {
    const [before, after] = [current.syncs.get(name), document.syncs?.get(name)];
    for (const what of ["connection", "target", "records"] as const) {
      if (before && after && before[what] !== after[what]) refuse(what, before[what], after[what]);
    }
    const [was, shall] = [before?.source ?? "people", after?.source ?? "people"];
    if (before && after && was !== shall) refuse("source", was, shall);
  }
}

function refuseFarAway({ document, types }: ConfigurationChange): void {
  for (const [name, { cloud }] of document.connections ?? []) {
    const near = cloud.kind === "custom" && isLoopback(cloud.login) && isLoopback(cloud.graph);
    if (!near) throw refusal("demo_only", `connections.${name} leads beyond this machine.`);
  }
  for (const [name, channel] of document.channels ?? []) {
    if (!isNear(channel)) throw refusal("demo_only", `channels.${name} leads beyond this machine.`);
  }
  for (const [name, { type, settings }] of document.targets ?? []) {
    const far = types
      .get(type)
      ?.addresses(settings)
      .find((address) => !isLoopback(address));
    if (far !== undefined) throw refusal("demo_only", `targets.${name} leads beyond this machine.`);
  }
}

/** Of an address that is a secret nobody can tell. */
function isNear(channel: ChannelEntry): boolean {
  if (channel.type === "email") return isLoopbackHost(channel.host);
  return channel.type === "webhook" && isLoopback(channel.url);
}

function isLoopback(address: string): boolean {
  const host = URL.parse(address)?.hostname ?? "";
  return host === "localhost" || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function refusal(code: Code, message: string): ConnectorError {
  return new ConnectorError(code, message, { stops: "run", retry: "never" });
}
