import { kindsReferred, type Value } from "@entrain/core";
import type { BatchContext } from "../plan-context.ts";
import type { Present } from "./scene.ts";

/** What `Target.get` takes at once. */
const MOST_IDS = 100;

/** Whether the target holds the record that an attribute refers to although it is nobody's. */
export async function heldRecords(
  { target, kind, signal }: BatchContext,
  present: readonly Present[],
): Promise<(recordId: string, attribute: string) => boolean> {
  const asked = new Map<string, Set<string>>();
  for (const attribute of kind.attributes) {
    for (const one of kindsReferred(attribute)) {
      const ids = asked.get(one) ?? new Set<string>();
      for (const { attributes } of present) addText(ids, attributes[attribute.name]);
      asked.set(one, ids);
    }
  }
  const held = new Map<string, Set<string>>();
  for (const [one, ids] of asked) {
    const found = new Set<string>();
    const all = [...ids];
    for (let at = 0; at < all.length; at += MOST_IDS) {
      const records = await target.get(one, all.slice(at, at + MOST_IDS), { members: false }, signal);
      for (const { id } of records) found.add(id);
    }
    held.set(one, found);
  }
  return (recordId, name) => {
    const declared = kind.attributes.find((attribute) => attribute.name === name);
    return kindsReferred(declared ?? {}).some((one) => held.get(one)?.has(recordId) === true);
  };
}

function addText(ids: Set<string>, value: Value | undefined): void {
  if (typeof value === "string" && value !== "") ids.add(value);
}
