import type { DirectoryObject, Kind } from "../state/objects.ts";
import type { Json } from "../tenant/types.ts";
import type { Access, Context } from "./context.ts";
import { derivedValue } from "./premium.ts";
import { GraphError, malformed } from "./request.ts";
import {
  BASIC_GROUP,
  BASIC_USER,
  DEFAULT_SELECT,
  emptyValue,
  isElsewhere,
  isNavigation,
  isSelectable,
  isSingleOnly,
  shapeOf,
  typeName,
} from "./schema.ts";

/** A record on its way out. */
export type Rendered = Record<string, Json>;

/** Refuses what the type does not have; answers 501 for what a collection does not keep. */
export function checkSelect(kind: Kind, select: readonly string[] | null, collection: boolean): readonly string[] {
  if (select === null) return DEFAULT_SELECT[kind];
  for (const name of select) {
    if (!isSelectable(kind, name)) {
      throw malformed(
        `Parsing OData Select and Expand failed: Could not find a property named '${name}' on type '${typeName(kind)}'.`,
      );
    }
    if (collection && (isElsewhere(kind, name) || isSingleOnly(kind, name))) {
      throw new GraphError(501, "NotImplemented", "This operation target is not yet supported.");
    }
  }
  return select.filter((name) => !isNavigation(kind, name));
}

/** Writes selected properties of one object; what was never set reads as null or as an empty collection. */
export function renderObject(context: Context, object: DirectoryObject, select: readonly string[]): Rendered {
  const properties = context.view.properties(object);
  const access = context.access[object.kind];
  const visible = access === "full" ? null : visibleNames(object.kind, access);
  const rendered: Rendered = {};
  for (const name of select) {
    if (name === "id") rendered.id = object.id;
    else if (visible !== null && !visible.has(name)) rendered[name] = emptyValue(object.kind, name);
    else if (name === "deletedDateTime") rendered[name] = deletionTime(object);
    else
      rendered[name] =
        properties[name] ?? derivedValue(context, object, name) ?? unsetValue(context, object.kind, name);
  }
  return rendered;
}

function unsetValue({ tenant }: Context, kind: Kind, name: string): Json {
  return kind === "group" && name === "organizationId" ? tenant.id : emptyValue(kind, name);
}

/** Checks `$select` of a collection that mixes types: a property must belong to one of them. */
export function checkMixedSelect(select: readonly string[] | null): readonly string[] | null {
  if (select === null) return null;
  const names = select.filter((name) => name !== "@odata.type");
  const kinds = ["user", "group", "orgContact"] as const;
  const kind = (name: string): Kind => kinds.find((candidate) => isSelectable(candidate, name)) ?? "user";
  for (const name of names) checkSelect(kind(name), [name], true);
  return names;
}

/**
 * A member of a mixed collection, which says its type and has only the selected properties of that type; without read
 * permission nothing but type and id.
 */
export function renderMember(context: Context, object: DirectoryObject, select: readonly string[] | null): Rendered {
  const names =
    select?.filter((name) => name === "id" || shapeOf(object.kind, name) !== undefined) ?? DEFAULT_SELECT[object.kind];
  const typed: Rendered = { "@odata.type": `#${typeName(object.kind)}`, id: object.id };
  return Object.assign(
    typed,
    renderObject(context, object, select === null || names.includes("id") ? names : [...names, "id"]),
  );
}

/** Names that limited access shows; everything else is written as never set. */
export function visibleNames(kind: Kind, access: Access): ReadonlySet<string> {
  if (access === "none") return NOTHING;
  return kind === "user" ? BASIC_USER : kind === "group" ? BASIC_GROUP : NOTHING;
}

const NOTHING: ReadonlySet<string> = new Set(["id"]);

function deletionTime(object: DirectoryObject): string | null {
  return object.deletedAt === null ? null : `${new Date(object.deletedAt).toISOString().slice(0, 19)}Z`;
}

/** `@odata.context` of a collection or, with `entity`, of one record. */
export function contextUrl(context: Context, set: string, select: readonly string[] | null, entity = false): string {
  const list = select === null ? "" : `(${select.join(",")})`;
  return `${context.base}/$metadata#${set}${list}${entity ? "/$entity" : ""}`;
}
