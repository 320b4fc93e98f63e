import type { Change, KnownLink } from "../model/plan.ts";
import { type Attributes, GONE_REFERENCE, isGoneReference, isReference, type Reference } from "../model/value.ts";
import { sameValue, writesOf } from "./difference.ts";
import type { SyncRules } from "./evaluation.ts";
import { differs, touchedIn } from "./undo.ts";

/** A record of the target as it stands right before an undoing writes it, and what is behind the references in it. */
export interface TouchScene {
  readonly link: Pick<KnownLink, "known" | "active">;
  /** References in source form; those that lead to nobody's record, as record ids. */
  readonly present: { readonly attributes: Attributes; readonly active: boolean };
  /** Whether the record that a reference led to is gone. */
  readonly isGone: (reference: Reference, attribute: string) => boolean;
  /** Whether the target holds a record of this id that an attribute can refer to. */
  readonly holds: (recordId: string, attribute: string) => boolean;
}

/**
 * What of a record somebody changed since its undoing was planned: the attributes that the undoing writes and that are neither
 * what its plan saw nor what it writes; of a record that it deletes, every managed one. Other attributes are nobody's concern.
 */
export function touchedSince(
  rules: Pick<SyncRules, "kind">,
  change: Pick<Change, "action" | "before" | "after">,
  scene: TouchScene,
): readonly string[] {
  const { link, present, isGone, holds } = scene;
  if (change.action === "delete") {
    const known = Object.entries(link.known).map(([name, value]) => [
      name,
      isReference(value) && isGone(value, name) ? GONE_REFERENCE : value,
    ]);
    return touchedIn(rules, { ...link, known: Object.fromEntries(known) }, present);
  }
  return Object.entries(writesOf(change)).flatMap(([name, to]) => {
    const attribute = rules.kind.attributes.find((one) => one.name === name);
    const is = present.attributes[name];
    if (attribute === undefined || is === undefined || !differs(attribute, is, to)) return [];
    const from = change.before?.[name] ?? null;
    const lost = isReference(from) && (isGoneReference(from) || isGone(from, name));
    // What referred to a record that is gone is empty by now, or the id of that record.
    const isDead = sameValue(is, null) || (typeof is === "string" && !holds(is, name));
    return (lost ? isDead : !differs(attribute, is, from)) ? [] : [name];
  });
}
