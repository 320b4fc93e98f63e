import { byCodeUnits, type SourceAttribute, type SourceAttributes, type SourceKind } from "@entrain/core";
import { USUAL_ATTRIBUTES } from "./attributes.ts";
import type { GraphClient } from "./client.ts";
import { tenantExtensions } from "./extensions.ts";
import { extensionApplication, graphAttributes } from "./properties.ts";

const ON_PREMISES = "onPremisesExtensionAttributes.";

/**
 * Every attribute that lists tell of this tenant's people, groups and contacts: Graph's own, and the directory extensions. `chosen` are
 * the attributes that the connection reads already: the applications in their names are asked too.
 */
export async function catalogueOf(
  client: GraphClient,
  { application, chosen }: { readonly application: string; readonly chosen: readonly string[] },
  signal: AbortSignal,
): Promise<SourceAttributes> {
  const named = chosen.map(extensionApplication).filter((id) => id !== null);
  const { extensions, issues } = await tenantExtensions(client, [...new Set([application, ...named])], signal);
  const own = (["user", "group", "contact"] as const).flatMap((kind) => serviceAttributes(kind));
  const declared = extensions.flatMap((extension): readonly SourceAttribute[] => {
    const { name, type, list, declaredBy } = extension;
    const kinds = [...(extension.users ? ["user" as const] : []), ...(extension.groups ? ["group" as const] : [])];
    return kinds.map((kind) => ({
      ...{ kind, name, origin: "directory extension", type, list, usual: false },
      declaredBy: declaredBy === "" ? extensionApplication(name) : declaredBy,
    }));
  });
  const byName = declared.sort((left, right) => byCodeUnits(left.name, right.name));
  return { attributes: [...own, ...byName], issues };
}

function serviceAttributes(kind: SourceKind): readonly SourceAttribute[] {
  return graphAttributes(kind).map(({ name, list }) => ({
    kind,
    name,
    origin: name.startsWith(ON_PREMISES) ? "on-premises extension" : "service",
    type: null,
    list,
    usual: name === "id" || name === "manager" || USUAL_ATTRIBUTES[kind].includes(name.split(".")[0] ?? name),
    declaredBy: null,
  }));
}
