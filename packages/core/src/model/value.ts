/** Plain JSON only, so that a plan can be stored, hashed, shown and replayed. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value };

/** Attributes by name. An absent name means "not known here"; `null` means "known to be empty". */
export type Attributes = { readonly [name: string]: Value };

/**
 * A reference to another person or group, by its object id at the source. Plans and links keep references in this
 * form; the runner replaces them by the target's record id right before a change is sent. `$kind` says which of the
 * person's records in the target is meant, where an attribute may point to several kinds.
 */
export type Reference = { readonly $ref: string; readonly $kind?: string };

/** True when a value is a {@link Reference}. */
export function isReference(value: Value | undefined): value is Reference {
  return typeof value === "object" && value !== null && "$ref" in value && typeof value.$ref === "string";
}

/**
 * What stands for a sensitive value wherever it is kept or shown: a keyed digest, by which two can be told apart and a
 * plan's digest covers it. The value itself is made anew from the source right before it is sent.
 */
export type Concealed = { readonly $sensitive: string };

/** True when a value is {@link Concealed}. */
export function isConcealed(value: Value | undefined): value is Concealed {
  return typeof value === "object" && value !== null && "$sensitive" in value && typeof value.$sensitive === "string";
}

/**
 * What is known of a reference whose record was deleted: the target may hold a dead id, or nothing. It is the same as no value
 * that is wanted, so that whatever is wanted next is written, nothing included.
 */
export const GONE_REFERENCE: Reference = { $ref: "deleted record" };

export function isGoneReference(value: Value | undefined): boolean {
  return isReference(value) && value.$ref === GONE_REFERENCE.$ref;
}
