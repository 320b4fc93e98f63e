import {
  kindsReferred,
  type Reference,
  referenceTo,
  type TargetAttribute,
  type TargetRecord,
  type Value,
} from "@entrain/core";
import { linkedRecords } from "../store/links.ts";
import { lookupValues, withLookupValues } from "./lookup-records.ts";
import type { BatchContext } from "./plan-context.ts";

/** Records of the target with the values of its lookups in place of their ids; they are compared by those. */
export async function withLookups(
  context: Pick<BatchContext, "target" | "kind" | "signal" | "lookups">,
  records: readonly TargetRecord[],
): Promise<readonly TargetRecord[]> {
  const { lookups, kind } = context;
  if (lookups === null || records.length === 0) return records;
  const names = kind.attributes.flatMap(({ name, lookup }) => (lookup === undefined ? [] : [name]));
  const values = await lookupValues(
    context,
    records.flatMap(({ attributes }) => names.flatMap((name) => attributes[name] ?? [])),
  );
  return records.map((record) => withLookupValues(record, kind, values));
}

/** Whom records of the target are linked to, by kind and record id. */
export type LinkedPeople = ReadonlyMap<string, ReadonlyMap<string, { readonly objectId: string }>>;

/** A joined record's references are record ids of the target; where they are linked, they are compared as anchors. */
export async function linkedPeople(context: BatchContext, values: readonly Value[]): Promise<LinkedPeople> {
  const ids = [...new Set(values.filter((value) => typeof value === "string"))];
  const found = new Map<string, ReadonlyMap<string, { readonly objectId: string }>>();
  for (const kind of new Set(context.kind.attributes.flatMap(kindsReferred))) {
    found.set(kind, await linkedRecords(context.store.db, context.space.target, kind, ids));
  }
  return found;
}

/** The reference that a record id stands for; `null` where the attribute is none, or the record is linked to nobody. */
export function inSourceForm(value: Value, attribute: TargetAttribute, people: LinkedPeople): Reference | null {
  if (attribute.type !== "reference" || typeof value !== "string") return null;
  for (const kind of kindsReferred(attribute)) {
    const objectId = people.get(kind)?.get(value)?.objectId;
    if (objectId !== undefined) return referenceTo(objectId, kind, attribute);
  }
  return null;
}
