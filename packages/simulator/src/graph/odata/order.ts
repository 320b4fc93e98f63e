import type { Kind } from "../../state/objects.ts";
import type { Json } from "../../tenant/types.ts";
import { malformed } from "../request.ts";
import { shapeOf, typeName } from "../schema.ts";
import type { Filterable } from "./filter.ts";

/** A compiled `$orderby`. */
export interface Order {
  readonly keysOf: (record: Filterable) => readonly Json[];
  readonly compare: (a: readonly Json[], b: readonly Json[]) => number;
  /** Without advanced query only displayName and userPrincipalName sort ("List users", optional query parameters). */
  readonly advanced: boolean;
}

const PLAIN: Readonly<Record<Kind, readonly string[]>> = {
  user: ["displayName", "userPrincipalName"],
  group: ["displayName"],
  orgContact: ["displayName"],
};

export function compileOrder(kind: Kind, text: string): Order {
  const terms = text.split(",").map((term) => termOf(kind, term.trim()));
  return {
    keysOf: ({ id, properties }) =>
      terms.map(({ name }) => {
        const value = name === "id" ? id : (properties[name] ?? null);
        return typeof value === "string" ? value.toLowerCase() : value;
      }),
    compare: (a, b) => {
      for (let i = 0; i < terms.length; i++) {
        const order = compareValues(a[i] ?? null, b[i] ?? null);
        if (order !== 0) return terms[i]?.descending === true ? -order : order;
      }
      return 0;
    },
    advanced: terms.some(({ name }) => !PLAIN[kind].includes(name)),
  };
}

function termOf(kind: Kind, term: string): { readonly name: string; readonly descending: boolean } {
  const match = /^([\w.]+)(?:\s+(asc|desc))?$/i.exec(term);
  if (match === null) throw malformed(`Invalid $orderby clause: Syntax error in '${term}'.`);
  const name = match[1] ?? "";
  if (name !== "id" && shapeOf(kind, name) === undefined) {
    throw malformed(`Invalid $orderby clause: Could not find a property named '${name}' on type '${typeName(kind)}'.`);
  }
  return { name, descending: match[2]?.toLowerCase() === "desc" };
}

function compareValues(a: Json, b: Json): number {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  return a < b ? -1 : 1;
}
