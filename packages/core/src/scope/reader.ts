import { type DirectoryRecord, getterOf } from "../model/record.ts";
import type { Value } from "../model/value.ts";

export type ScopeReader = (record: DirectoryRecord) => Value | undefined;

const MANAGERS = "manager.";

/** True for an attribute of the record's manager: `manager.department`. */
export function isManagers(attribute: string): boolean {
  return attribute.startsWith(MANAGERS);
}

/** The name without `manager.` before it. */
export function withoutManager(attribute: string): string {
  return isManagers(attribute) ? attribute.slice(MANAGERS.length) : attribute;
}

/**
 * Compiles the name of a source attribute into a function that reads it. Unlike a mapping, a scope reaches into every item of a list:
 * `assignedLicenses.skuId` is the list of them all, `businessPhones.0` still one of them.
 */
export function readerOf(attribute: string): ScopeReader {
  const [root = "", ...inner] = withoutManager(attribute).split(".");
  const get = getterOf(isManagers(attribute) ? MANAGERS + root : root);
  const [only] = inner;
  if (only === undefined) return get;
  if (inner.length === 1) {
    return (record) => {
      const value = get(record);
      return value === undefined ? undefined : inside(value, only);
    };
  }
  return (record) => {
    const value = get(record);
    return value === undefined ? undefined : inner.reduce(inside, value);
  };
}

function inside(value: Value, name: string): Value {
  if (typeof value !== "object" || value === null) return null;
  if (!Array.isArray(value)) return Object.hasOwn(value, name) ? ((value as Named)[name] ?? null) : null;
  if (/^\d+$/.test(name)) return value[Number(name)] ?? null;
  return value.flatMap((item: Value) => inside(item, name));
}

type Named = { readonly [name: string]: Value };

/** One value, as an operator compares it: neither empty nor a list or object. */
export type Single = string | number | boolean;

export function isSingle(value: Value | undefined): value is Single {
  return value !== undefined && value !== null && value !== "" && typeof value !== "object";
}

/** True where there is no value: nothing, the empty text, and a list of nothing else. */
export function hasNone(value: Value | undefined): boolean {
  if (value === undefined || value === null || value === "") return true;
  return Array.isArray(value) && value.every(hasNone);
}
