import { uuidFrom } from "../state/identifiers.ts";
import type { Kind } from "../state/objects.ts";
import type { Json } from "../tenant/types.ts";

/** Data types of "extensionProperty resource type". */
export const EXTENSION_TYPES = ["Binary", "Boolean", "DateTime", "Integer", "LargeInteger", "String"] as const;

/** A directory extension that an application has declared. */
export interface ExtensionProperty {
  readonly id: string;
  /** Client id of the application. */
  readonly appId: string;
  readonly appDisplayName: string;
  readonly name: string;
  readonly dataType: (typeof EXTENSION_TYPES)[number];
  readonly isMultiValued: boolean;
  readonly isSyncedFromOnPremises: boolean;
  readonly targetObjects: readonly string[];
}

/** The directory extensions of a tenant, by their full names. */
export class ExtensionProperties {
  readonly #byName = new Map<string, ExtensionProperty>();

  list(): readonly ExtensionProperty[] {
    return [...this.#byName.values()];
  }

  get(name: string): ExtensionProperty | undefined {
    return this.#byName.get(name.toLowerCase());
  }

  /** Declares an extension; false when there is one of the name. */
  declare(extension: Omit<ExtensionProperty, "id">): ExtensionProperty | null {
    const key = extension.name.toLowerCase();
    if (this.#byName.has(key)) return null;
    const declared = { ...extension, id: uuidFrom("extension property", extension.name) };
    this.#byName.set(key, declared);
    return declared;
  }

  remove({ name }: ExtensionProperty): void {
    this.#byName.delete(name.toLowerCase());
  }

  /** Whether a value may be written to this property of this kind; null when no extension of the name is declared. */
  accepts(kind: Kind, name: string, value: Json): boolean | null {
    const extension = this.get(name);
    if (extension === undefined) return null;
    const target = kind === "user" ? "User" : "Group";
    if (!extension.targetObjects.includes(target)) return false;
    if (value === null) return true;
    const values = extension.isMultiValued ? value : [value];
    return Array.isArray(values) && values.every((item) => hasType(extension.dataType, item as Json));
  }
}

function hasType(type: ExtensionProperty["dataType"], value: Json): boolean {
  switch (type) {
    case "Boolean":
      return typeof value === "boolean";
    case "Integer":
    case "LargeInteger":
      return Number.isSafeInteger(value) && (type === "LargeInteger" || Math.abs(Number(value)) <= 2 ** 31);
    case "DateTime":
      return typeof value === "string" && !Number.isNaN(Date.parse(value));
    default:
      return typeof value === "string" && value.length <= 256;
  }
}
