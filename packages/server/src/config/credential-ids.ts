import { ConnectorError, canonicalJson, type Value } from "@entrain/core";
import type { CompleteConfiguration, ConfigurationDocument, CredentialEntry } from "./document.ts";
import { isMaskedUrl, maskedUrl, maskedUrls } from "./url-mask.ts";

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
  return entries.map((entry, at) => {
    const id = found.get(entry);
    const known = stored.find((one) => id !== undefined && one.id === id);
    const whole = withWholeUrl(entry, known, `connections.${name}.credential[${at}].url`);
    return id === undefined ? whole : { ...whole, id };
  });
}

/** An address whose query was hidden by an export means the one that the store holds. */
function withWholeUrl(entry: CredentialEntry, known: CredentialEntry | undefined, place: string): CredentialEntry {
  if (entry.kind !== "federated" || !("url" in entry) || !isMaskedUrl(entry.url)) return entry;
  const held = known !== undefined && known.kind === "federated" && "url" in known ? known.url : null;
  if (held !== null && maskedUrl(held) === entry.url) return { ...entry, url: held };
  const message = `${place}: the store holds no address whose query this would keep; give the whole address.`;
  throw new ConnectorError("config_invalid", message, { stops: "run", retry: "never" });
}

function withoutId({ id: _id, ...rest }: CredentialEntry): object {
  return rest;
}

function isSame(one: CredentialEntry, other: CredentialEntry): boolean {
  const plain = (of: CredentialEntry): string => canonicalJson(maskedUrls(withoutId(of)) as Value);
  return plain(one) === plain(other);
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
