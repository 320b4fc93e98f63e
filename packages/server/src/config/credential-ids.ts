import { ConnectorError, canonicalJson, type Value } from "@entrain/core";
import type { CompleteConfiguration, ConfigurationDocument, CredentialEntry } from "./document.ts";

/**
 * The document with each credential of a known connection told apart by its id: the one it bears, else that of the credential
 * that it can only be. A sealed secret is bound to its credential's id, and so stays whose it is wherever it stands in the list.
 * @throws ConnectorError `config_invalid` where nobody can tell which of several sealed secrets is meant
 */
export function identifyCredentials(
  document: ConfigurationDocument,
  current: CompleteConfiguration,
): ConfigurationDocument {
  if (document.connections === null) return document;
  const connections = [...document.connections].map(([name, entry]) => {
    const stored = current.connections.get(name)?.credential ?? [];
    return [name, { ...entry, credential: identified(entry.credential, stored, name) }] as const;
  });
  return { ...document, connections: new Map(connections) };
}

function identified(
  entries: readonly CredentialEntry[],
  stored: readonly CredentialEntry[],
  name: string,
): readonly CredentialEntry[] {
  const found = new Map<CredentialEntry, string | undefined>();
  const left = new Set(stored);
  const take = (entry: CredentialEntry, of: CredentialEntry | undefined): void => {
    if (of === undefined) return;
    found.set(entry, of.id);
    left.delete(of);
  };
  for (const entry of entries) {
    if (entry.id !== undefined) take(entry, [...left].find((one) => one.id === entry.id) ?? { ...entry });
  }
  // First those of which nothing changed but the place, then those of the same kind.
  for (const alike of [isSame, isSameKind]) {
    for (const entry of entries) {
      if (found.has(entry)) continue;
      const candidates = [...left].filter((one) => alike(one, entry));
      const rivals = entries.filter((one) => !found.has(one) && alike(one, entry));
      if (candidates.length > rivals.length && isSealed(entry)) {
        throw ambiguous(`connections.${name}.credential[${entries.indexOf(entry)}]`, candidates);
      }
      take(entry, candidates[0]);
    }
  }
  return entries.map((entry) => {
    const id = found.get(entry);
    return id === undefined ? entry : { ...entry, id };
  });
}

function withoutId({ id: _id, ...rest }: CredentialEntry): object {
  return rest;
}

function isSame(one: CredentialEntry, other: CredentialEntry): boolean {
  return canonicalJson(withoutId(one) as Value) === canonicalJson(withoutId(other) as Value);
}

function isSameKind(one: CredentialEntry, other: CredentialEntry): boolean {
  return one.kind === other.kind;
}

function isSealed(entry: CredentialEntry): boolean {
  return JSON.stringify(entry).includes('"sealed":true');
}

function ambiguous(place: string, candidates: readonly CredentialEntry[]): ConnectorError {
  const ids = candidates.map(({ id }) => `id: ${JSON.stringify(id)}`).join(" or ");
  const message = `${place}: the store holds ${candidates.length} sealed ones that it may be. Say which one is meant with ${ids}; \`entrain config export\` shows them.`;
  return new ConnectorError("config_invalid", message, { stops: "run", retry: "never" });
}
