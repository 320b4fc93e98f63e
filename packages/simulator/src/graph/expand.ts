import type { DirectoryObject, Kind } from "../state/objects.ts";
import type { Json } from "../tenant/types.ts";
import { membersOf } from "./collections.ts";
import type { Context } from "./context.ts";
import { checkSelect, renderMember } from "./render.ts";
import { malformed, unsupportedQuery } from "./request.ts";
import { isNavigation, typeName } from "./schema.ts";

const EXPANDED_MOST = 20; // "Use query parameters": $expand on directory objects returns at most 20 items.
const DEEPEST = 100; // Bounds `$levels=max`, so that a cycle of managers ends.

/** A compiled `$expand` of one navigation property. */
export interface Expansion {
  readonly property: string;
  readonly valueOf: (context: Context, object: DirectoryObject) => Json;
}

/** Compiles `$expand=manager`, `manager($levels=max;$select=…)`, `members`, `memberOf` or `directReports`. */
export function parseExpand(kind: Kind, text: string): Expansion {
  const match = /^\s*(\w+)\s*(?:\(([^)]*)\))?\s*$/.exec(text);
  if (match === null) {
    throw text.includes(",")
      ? unsupportedQuery("Only one property can be expanded in a single request.")
      : malformed(`Parsing OData Select and Expand failed: Syntax error in '${text}'.`);
  }
  const [, property = "", inner = ""] = match;
  if (!isNavigation(kind, property)) {
    throw malformed(
      `Parsing OData Select and Expand failed: Could not find a property named '${property}' on type '${typeName(kind)}'.`,
    );
  }
  const { select, levels } = innerOptions(inner);
  if (property === "manager") {
    const names = select === null ? null : checkSelect("user", select, true);
    return { property, valueOf: (context, user) => managerOf(context, user, names, levels) };
  }
  const related = RELATED[property];
  // "Add custom data to users using open extensions": kept with the object.
  if (property === "extensions") {
    return { property, valueOf: ({ view }, object) => view.properties(object).extensions ?? [] };
  }
  if (related === undefined) return { property, valueOf: () => [] };
  return {
    property,
    valueOf: (context, object) =>
      related(context, object)
        .slice(0, EXPANDED_MOST)
        .flatMap((ordinal) => context.directory.at(ordinal) ?? [])
        .map((other) => renderMember(context, other, select)),
  };
}

const RELATED: Readonly<Record<string, (context: Context, object: DirectoryObject) => readonly number[]>> = {
  members: membersOf,
  memberOf: ({ view }, object) => view.memberOf(object),
  directReports: ({ view }, user) => view.reports(user),
};

function innerOptions(text: string): { readonly select: readonly string[] | null; readonly levels: number } {
  let select: readonly string[] | null = null;
  let levels = 1;
  for (const part of text.split(";").filter((piece) => piece.trim() !== "")) {
    const [name = "", value = ""] = part.split("=").map((piece) => piece.trim());
    if (name === "$select") select = value.split(",").map((item) => item.trim());
    else if (name === "$levels") levels = value === "max" ? DEEPEST : Number(value);
    else throw malformed(`Parsing OData Select and Expand failed: '${name}' is not supported inside $expand.`);
  }
  return { select, levels };
}

function managerOf(context: Context, user: DirectoryObject, select: readonly string[] | null, levels: number): Json {
  const manager = context.view.manager(user);
  if (manager === null) return null;
  const rendered = renderMember(context, manager, select);
  if (levels > 1) rendered.manager = managerOf(context, manager, select, levels - 1);
  return rendered;
}
