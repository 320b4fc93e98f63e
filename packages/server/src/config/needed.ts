import { CONTACT_ATTRIBUTES, type FeatureName, GROUP_ATTRIBUTES, USER_ATTRIBUTES } from "@entrain/connectors/entra";
import {
  APP_ROLES,
  byCodeUnits,
  compileMapping,
  compileMatching,
  compileScope,
  provisionedKind,
  type SourceKind,
  type SyncDefinition,
} from "@entrain/core";
import type { Store } from "../store/store.ts";
import type { TargetTypes } from "./targets.ts";

/** What reading a connection takes, beyond what it says of itself. */
interface NeededAttributes {
  readonly user: readonly string[];
  readonly group: readonly string[];
  readonly contact: readonly string[];
  /** What syncs use beside people and groups. */
  readonly features: readonly FeatureName[];
  readonly askedBy: (kind: SourceKind, name: string) => readonly string[];
}

/** The wide default, the connection's own, and whatever its syncs map or filter by: one selection for all of them. */
export async function neededAttributes(
  { store, types }: { readonly store: Store; readonly types: TargetTypes },
  row: { readonly id: string; readonly name: string; readonly attributes: string },
): Promise<NeededAttributes> {
  const own = JSON.parse(row.attributes) as readonly string[];
  const asked = {
    user: new Map<string, string[]>([...USER_ATTRIBUTES, ...own].map((name) => [name, []])),
    group: new Map<string, string[]>(GROUP_ATTRIBUTES.map((name) => [name, []])),
    contact: new Map<string, string[]>(CONTACT_ATTRIBUTES.map((name) => [name, []])),
  };
  const features = new Set<FeatureName>();
  for (const name of own) asked.user.get(name)?.push(`the connection ${row.name}`);
  const syncs = await store.db
    .selectFrom("syncs")
    .innerJoin("targets", "targets.id", "syncs.target")
    .select(["syncs.name", "syncs.definition", "targets.type", "targets.settings"])
    .where("syncs.connection", "=", row.id)
    .orderBy("syncs.name")
    .execute();
  for (const sync of syncs) {
    const definition = JSON.parse(sync.definition) as SyncDefinition;
    const kinds = types.get(sync.type)?.kinds(JSON.parse(sync.settings));
    const found = kinds?.find(({ name }) => name === definition.records);
    if (found === undefined) continue; // The sync's own run says what is wrong with it.
    const kind = provisionedKind(found, definition);
    const mapping = compileMapping(definition.mapping, kind);
    const matching =
      "mapping" in mapping ? compileMatching(definition.matching, mapping.mapping, kind) : { findings: [] };
    const scope = compileScope(definition.scope);
    const names = [
      ...("mapping" in mapping ? mapping.mapping.attributes : []),
      ...("matching" in matching ? matching.matching.reads : []),
      ...("scope" in scope ? scope.scope.attributes : []),
    ];
    if (definition.scope.assigned !== undefined) features.add("assigned-apps");
    if (definition.source === "contact") features.add("contacts");
    const all = asked[kind.source];
    for (const name of new Set(names.filter((one) => one !== APP_ROLES)))
      all.set(name, [...(all.get(name) ?? []), `the sync ${sync.name}`]);
  }
  const sorted = (kind: SourceKind): readonly string[] => [...asked[kind].keys()].sort(byCodeUnits);
  return {
    user: sorted("user"),
    group: sorted("group"),
    contact: sorted("contact"),
    features: [...features],
    askedBy: (kind, name) => asked[kind].get(name) ?? [],
  };
}
