import type { SourceKind } from "./source.ts";
import type { Attributes, Reference, Value } from "./value.ts";

/** One person or group as the directory holds it, pages merged: what scope and mapping are evaluated on. */
export interface DirectoryRecord {
  readonly kind: SourceKind;
  readonly id: string;
  /** By the source's names. `null` is known to be empty; an absent name was never read. */
  readonly attributes: Attributes;
  /** Object id of the manager; `null`: none. */
  readonly manager: string | null;
  /**
   * What the directory holds of the manager, where that is asked for; `null` when that person was deleted, absent while it
   * holds nothing of them.
   */
  readonly managerAttributes?: Attributes | null;
  /** A tombstone: `soft` while the source can restore the record, `hard` when it is gone for good. */
  readonly removed: "soft" | "hard" | null;
  /** Why a tombstone may be wrong, so that what it removes waits for approval; absent: nothing speaks against it. */
  readonly doubtful?: Doubt;
}

/**
 * What makes a tombstone doubtful: a `shrunken` full round made it, or a full round found a record gone for good that is so
 * `young` that a copy of the directory which lags behind may not have it yet.
 */
export type Doubt = "shrunken" | "young";

/** Reads one source attribute; `undefined` when it was never read. */
export type Getter = (record: DirectoryRecord) => Value | Reference | undefined;

/**
 * Compiles the name of a source attribute into a function that reads it. Names are Graph's, dotted for what lies inside
 * (`onPremisesExtensionAttributes.extensionAttribute1`, `businessPhones.0`). `id` is the object id and `manager` a
 * reference to the manager, whose own attributes stand behind it (`manager.mail`). What is missing inside an attribute
 * that was read is empty (`null`), for the source gives such an attribute as a whole.
 */
export function getterOf(attribute: string): Getter {
  if (attribute === "id") return (record) => record.id;
  if (attribute === "manager") return (record) => (record.manager === null ? null : { $ref: record.manager });
  if (attribute.startsWith("manager.")) return managersOf(attribute.slice("manager.".length));
  const [root = attribute, ...inner] = attribute.split(".");
  if (inner.length === 0) return (record) => own(record.attributes, root);
  return (record) => {
    let value = own(record.attributes, root);
    for (const name of inner) {
      if (value === undefined) return undefined;
      value = inside(value, name);
    }
    return value;
  };
}

/** Without a manager there is nothing; of a manager whom the directory does not hold yet, nothing is known. */
function managersOf(attribute: string): Getter {
  const get = getterOf(attribute);
  return (record) => {
    const { manager, managerAttributes } = record;
    if (manager === null || attribute === "id") return manager;
    if (managerAttributes === undefined || managerAttributes === null) return managerAttributes;
    return get({ kind: record.kind, id: manager, attributes: managerAttributes, manager: null, removed: null });
  };
}

/** Never reads what objects inherit, such as `constructor`. */
function own(attributes: Attributes, name: string): Value | undefined {
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined;
}

function inside(value: Value, name: string): Value {
  if (typeof value !== "object" || value === null) return null;
  if (Array.isArray(value)) return /^\d+$/.test(name) ? (value[Number(name)] ?? null) : null;
  return own(value as Attributes, name) ?? null;
}

/** True for what counts as no value: absent, `null`, the empty text and the empty list. */
export function isEmpty(value: Value | undefined): boolean {
  return value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
}
