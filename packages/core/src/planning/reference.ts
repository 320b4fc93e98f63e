import { kindsReferred, type TargetAttribute } from "../model/target.ts";
import type { Reference } from "../model/value.ts";
import type { EvaluationInput, Linked } from "./evaluation.ts";

/**
 * Where a reference points to: the first of the attribute's kinds in which the person has a record, or gets one by this
 * plan. The order in which syncs linked them does not matter.
 */
export function pointTo(
  reference: Reference,
  attribute: TargetAttribute,
  { isLinked }: Pick<EvaluationInput, "isLinked">,
): { readonly linked: Linked; readonly to: Reference } {
  for (const kind of kindsReferred(attribute)) {
    const linked = isLinked(reference.$ref, kind);
    if (linked !== "no") return { linked, to: referenceTo(reference.$ref, kind, attribute) };
  }
  return { linked: "no", to: reference };
}

/** A reference in source form to one of the records that a person has in the target. */
export function referenceTo(objectId: string, kind: string, attribute: Pick<TargetAttribute, "references">): Reference {
  return kindsReferred(attribute).length > 1 ? { $ref: objectId, $kind: kind } : { $ref: objectId };
}
