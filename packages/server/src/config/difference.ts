import { byCodeUnits, canonicalJson, type Value } from "@entrain/core";
import {
  type CompleteConfiguration,
  type ConfigurationDocument,
  type Path,
  pathText,
  SECTIONS,
  type Section,
} from "./document.ts";
import { plainChannel, plainConnection, plainCredential, plainSync, plainTarget } from "./render.ts";
import { maskedUrls } from "./url-mask.ts";

/** One entry that a document would change. `removed` ones are not in the document; they stay unless it is to prune. */
export interface EntryDifference {
  readonly section: Section;
  readonly name: string;
  readonly change: "added" | "changed" | "removed";
  readonly fields: readonly FieldDifference[];
}

/** One value, by its place within the entry. Undefined: not there. Secrets show where they stand, never themselves. */
export interface FieldDifference {
  readonly place: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** What applying the document would change, in the order of the sections. */
export function differencesOf(
  current: CompleteConfiguration,
  document: ConfigurationDocument,
): readonly EntryDifference[] {
  return SECTIONS.flatMap((section) => {
    const wanted = document[section];
    if (wanted === null) return [];
    const names = [...new Set([...current[section].keys(), ...wanted.keys()])].sort(byCodeUnits);
    return names.flatMap((name): readonly EntryDifference[] => {
      const [before, after] = [plainEntry(current, section, name), plainEntry(document, section, name)];
      if (after === undefined) return [{ section, name, change: "removed", fields: [] }];
      if (before === undefined) return [{ section, name, change: "added", fields: [] }];
      const fields = fieldDifferences(before, after, []);
      return fields.length === 0 ? [] : [{ section, name, change: "changed", fields }];
    });
  });
}

function plainEntry(of: ConfigurationDocument, section: Section, name: string): unknown {
  const connection = section === "connections" ? of.connections?.get(name) : undefined;
  if (connection !== undefined) {
    return { ...plainConnection(connection), credential: plainCredential(connection.credential) };
  }
  const target = section === "targets" ? of.targets?.get(name) : undefined;
  if (target !== undefined) return plainTarget(target);
  const channel = section === "channels" ? of.channels?.get(name) : undefined;
  if (channel !== undefined) return plainChannel(channel);
  const sync = section === "syncs" ? of.syncs?.get(name) : undefined;
  return sync === undefined ? undefined : plainSync(sync);
}

function fieldDifferences(before: unknown, after: unknown, path: Path): readonly FieldDifference[] {
  if (isMap(before) && isMap(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => fieldDifferences(before[key], after[key], [...path, key]));
  }
  if (isSame(before, after)) return [];
  const shown = path[0] === "credential" ? { before: maskedUrls(before), after: maskedUrls(after) } : { before, after };
  return [{ place: pathText(path), ...shown }];
}

function isMap(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Maps compare whatever the order of their keys. */
function isSame(before: unknown, after: unknown): boolean {
  if (before === undefined || after === undefined) return before === after;
  return canonicalJson(before as Value) === canonicalJson(after as Value);
}
