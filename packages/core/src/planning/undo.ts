import { matchKey } from "../matching/key.ts";
import type { Change, Finding, KnownLink } from "../model/plan.ts";
import { isEmpty } from "../model/record.ts";
import type { TargetAttribute } from "../model/target.ts";
import {
  type Attributes,
  isConcealed,
  isGoneReference,
  isReference,
  type Reference,
  type Value,
} from "../model/value.ts";
import { type Difference, sameValue, writesOf } from "./difference.ts";
import { changeOf, type SyncRules } from "./evaluation.ts";
import { inReason } from "./reason.ts";

/** One change that a run applied, as the journal holds it. */
export interface AppliedChange {
  readonly action: Exclude<Change["action"], "lookup" | "members">;
  readonly recordId: string;
  readonly before: Attributes | null;
  readonly after: Attributes | null;
  /** Of a join: it enabled the record. */
  readonly activated: boolean;
}

/** What all changes of one run together made of one record. */
export interface Deed {
  /** The record, as the run left it or as it deleted it. */
  readonly recordId: string;
  /** Whether the target held it before the run, and after it. */
  readonly existed: boolean;
  readonly exists: boolean;
  /** The run adopted it. */
  readonly joined: boolean;
  /** Whether it was active before; `null`: the run did not touch that. */
  readonly wasActive: boolean | null;
  /** What it wrote, by attribute; `from` is `undefined` where nothing was known of it. */
  readonly fields: ReadonlyMap<string, { readonly from: Value | undefined; readonly to: Value }>;
  /** Whom its attributes referred to when the run had last changed it, and had not changed those. */
  readonly refers: ReadonlyMap<string, Reference>;
}

/** Adds up the changes that a run applied to one record, in their order, at least one. */
export function deedOf(changes: readonly AppliedChange[]): Deed {
  const [first, last] = [changes[0], changes.at(-1)];
  if (first === undefined || last === undefined) throw new Error("a deed has at least one change");
  const fields = new Map<string, { readonly from: Value | undefined; readonly to: Value }>();
  let wasActive: boolean | null = null;
  for (const change of changes) {
    for (const [name, { from, to }] of written(change)) {
      const known = fields.get(name);
      fields.set(name, { from: known === undefined ? from : known.from, to });
    }
    const turned = change.action === "enable" || change.activated ? false : change.action === "disable" ? true : null;
    wasActive ??= turned;
  }
  return {
    recordId: last.recordId,
    existed: first.action !== "create",
    exists: last.action !== "delete",
    joined: changes.some(({ action }) => action === "join"),
    wasActive,
    fields,
    refers: new Map(
      Object.entries(last.after ?? {}).flatMap(([name, value]) =>
        isReference(value) && !fields.has(name) ? [[name, value] as const] : [],
      ),
    ),
  };
}

function written({
  action,
  before,
  after,
}: AppliedChange): readonly (readonly [string, { readonly from: Value | undefined; readonly to: Value }])[] {
  const all = before ?? {};
  const to = action === "delete" ? Object.fromEntries(Object.keys(all).map((name) => [name, null])) : null;
  return Object.entries(to ?? writesOf({ before, after })).map(([name, value]) => [
    name,
    { from: all[name], to: value },
  ]);
}

/** A record as it stands when its run is undone. */
export interface UndoScene {
  readonly link: KnownLink | null;
  /** What the target holds under the deed's record id, references in source form; `null`: nothing. */
  readonly present: { readonly attributes: Attributes; readonly active: boolean } | null;
  /** Of a deleted record: a record of the target that has a matching value of it by now, in words. */
  readonly found: string | null;
  /** Of a deleted record: whether it was active when it was deleted. */
  readonly wasActive: boolean;
  readonly nameOf?: (objectId: string) => string | null;
  /** Whether what an attribute referred to has a record that it can refer to again; without it, everything has. */
  readonly isThere?: (reference: Reference, attribute: string) => boolean;
  /** Whether the record of a person or group, which the run deleted, comes back with this. */
  readonly comesBack?: (objectId: string) => boolean;
}

/** What brings a record back to what it was before a run, and what of that cannot be done, with why. */
export interface Inverse {
  readonly change: Change | null;
  readonly left: readonly Finding[];
}

/**
 * The inverse of a deed. A field goes back only where neither a later run nor anybody in the target changed it since; a record
 * that the run created is deleted only while it is what Entrain made of it; one that it joined is never deleted.
 */
export function inverseOf(
  rules: Pick<SyncRules, "kind">,
  who: { readonly objectId: string; readonly name: string },
  deed: Deed,
  scene: UndoScene,
): Inverse {
  if (!deed.existed && !deed.exists) return { change: null, left: [] };
  if (!deed.exists) return recreated(rules, who, deed, scene);
  const left = (code: string, detail: string): Inverse => ({ change: null, left: [{ code, detail, ...who }] });
  const { link, present } = scene;
  if (link === null) return left("undo_unlinked", `the record ${deed.recordId} does not belong to the sync any more`);
  if (!link.owned) return left("undo_unlinked", `the record ${link.recordId} belongs to another sync by now`);
  if (link.recordId !== deed.recordId) {
    return left("undo_unlinked", `the record was ${deed.recordId} then, and is ${link.recordId} by now`);
  }
  if (present === null) return left("undo_gone", `the target does not hold the record ${deed.recordId} any more`);
  if (deed.existed) return restored(rules, who, deed, { ...scene, link, present });
  const touched = touchedIn(rules, link, present);
  if (touched.length > 0) {
    const detail = `${touched.join(", ")} of the record ${deed.recordId} was changed in the target since, so it is not deleted`;
    return left("undo_changed", detail);
  }
  const common = { recordId: link.recordId, before: link.known, cause: "undone" as const };
  const verb = rules.kind.verbs?.delete;
  const reason = `Undone: the run created the record${verb === undefined ? "" : `; ${verb}`}`;
  return { change: changeOf(rules, who, { ...common, action: "delete", reason }), left: [] };
}

function recreated(
  rules: Pick<SyncRules, "kind">,
  who: { readonly objectId: string; readonly name: string },
  deed: Deed,
  scene: UndoScene,
): Inverse {
  const { link, present, found, wasActive } = scene;
  const left = (code: string, detail: string): Inverse => ({ change: null, left: [{ code, detail, ...who }] });
  if (link !== null) return left("undo_unlinked", `the person or group has the record ${link.recordId} by now`);
  if (present !== null) return left("undo_present", `the target still holds the record ${deed.recordId}`);
  if (found !== null) return left("undo_present", `${found} has its matching value by now`);
  const values = [...deed.fields].flatMap(([name, { from }]) => (from === undefined ? [] : [[name, from] as const]));
  const secret = values.filter(([, value]) => isConcealed(value)).map(([name]) => name);
  const lost = values.filter(([name, value]) => isLost(scene, name, value)).map(([name]) => name);
  const kept = values.filter(([name, value]) => !isEmpty(value) && !isConcealed(value) && !lost.includes(name));
  if (kept.length === 0) return left("undo_unknown", `what the record ${deed.recordId} held is not known any more`);
  const after = Object.fromEntries(kept);
  const active = deed.wasActive ?? wasActive;
  const change = changeOf(rules, who, {
    action: "create",
    cause: "undone",
    reason: "Undone: the run deleted the record",
    after,
    active: active ? null : false,
  });
  const told = lost.map((name) => referredGone(scene, name, deed.fields.get(name)?.from, who));
  return { change, left: [...secret.map((name) => sensitive(name, who)), ...told] };
}

function restored(
  rules: Pick<SyncRules, "kind">,
  who: { readonly objectId: string; readonly name: string },
  deed: Deed,
  scene: UndoScene & {
    readonly link: KnownLink;
    readonly present: { readonly attributes: Attributes; readonly active: boolean };
  },
): Inverse {
  const { link, present } = scene;
  const { differences, left } = fieldsBack(rules, who, deed, scene);
  const moved = link.active !== present.active;
  const turns = deed.wasActive !== null && link.active !== deed.wasActive;
  if (turns && moved) left.push(changedSince("whether it is active", who));
  const active = turns && !moved ? deed.wasActive : null;
  if (differences.length === 0 && active === null && !deed.joined) return { change: null, left };
  const said = [
    ...(deed.joined ? ["the record is left to itself again"] : []),
    ...(active === null ? [] : [active ? "enabled" : (rules.kind.verbs?.disable ?? "disabled")]),
    ...(differences.length === 0 ? [] : [inReason(differences, scene.nameOf)]),
  ];
  const change = changeOf(rules, who, {
    action: active === null ? "update" : active ? "enable" : "disable",
    cause: deed.joined ? "unjoined" : "undone",
    reason: `Undone: ${said.join("; ")}`,
    recordId: link.recordId,
    before: link.known,
    after: { ...link.known, ...Object.fromEntries(differences.map(({ name, to }) => [name, to])) },
    active,
  });
  return { change, left };
}

function fieldsBack(
  rules: Pick<SyncRules, "kind">,
  who: { readonly objectId: string; readonly name: string },
  deed: Deed,
  scene: UndoScene & {
    readonly link: KnownLink;
    readonly present: { readonly attributes: Attributes; readonly active: boolean };
  },
): { readonly differences: readonly Difference[]; readonly left: Finding[] } {
  const { known } = scene.link;
  const differences: Difference[] = [];
  const left: Finding[] = [];
  for (const [name, { from, to }] of deed.fields) {
    const is = known[name];
    const attribute = rules.kind.attributes.find((one) => one.name === name);
    if (from !== undefined && sameValue(from, is ?? null)) continue;
    if (isConcealed(from) || isConcealed(to)) left.push(sensitive(name, who));
    else if (attribute === undefined) left.push(unwritable(name, who));
    else if (from === undefined) left.push(unknownThen(name, who));
    else if (is === undefined || !sameValue(is, to)) left.push(changedLater(name, who));
    else if (differs(attribute, scene.present.attributes[name], is)) left.push(changedSince(name, who));
    else if (isLost(scene, name, from)) left.push(referredGone(scene, name, from, who));
    else differences.push({ name, from: is, to: from });
  }
  // Whose record the run deleted took every reference to it along.
  for (const [name, to] of deed.refers) {
    const is = known[name] ?? null;
    if ((isEmpty(is) || isGoneReference(is)) && scene.comesBack?.(to.$ref) === true)
      differences.push({ name, from: is, to });
  }
  return { differences, left };
}

/** Managed attributes that are not in the target what Entrain knows of them. */
export function touchedIn(
  { kind }: Pick<SyncRules, "kind">,
  link: Pick<KnownLink, "known" | "active">,
  present: { readonly attributes: Attributes; readonly active: boolean },
): readonly string[] {
  const touched = kind.attributes.filter((attribute) => {
    const known = link.known[attribute.name];
    return (
      known !== undefined && !isGoneReference(known) && differs(attribute, present.attributes[attribute.name], known)
    );
  });
  return [...touched.map(({ name }) => name), ...(link.active === present.active ? [] : ["whether it is active"])];
}

/** What a target does not tell is taken for what is known; texts are compared as it compares them. */
export function differs(attribute: TargetAttribute, present: Value | undefined, known: Value): boolean {
  if (present === undefined || sameValue(present, known)) return false;
  const key = matchKey(present, attribute);
  return key === null || key !== matchKey(known, attribute);
}

/** A value that refers to somebody who has no record in the target by now, nor gets one back. */
function isLost({ isThere }: Pick<UndoScene, "isThere">, name: string, value: Value): value is Reference {
  return isReference(value) && isThere !== undefined && !isThere(value, name);
}

type Who = { readonly objectId: string; readonly name: string };

function sensitive(name: string, who: Who): Finding {
  return { code: "undo_sensitive", detail: `${name} is sensitive, so what it was is kept nowhere`, ...who };
}

function referredGone({ nameOf }: Pick<UndoScene, "nameOf">, name: string, from: Value | undefined, who: Who): Finding {
  const whom = isReference(from) ? (nameOf?.(from.$ref) ?? from.$ref) : "somebody";
  return { code: "undo_gone", detail: `${name} was ${whom}, who has no record in the target now, so it stays`, ...who };
}

function unknownThen(name: string, who: Who): Finding {
  return { code: "undo_unknown", detail: `what ${name} was before the run is not known`, ...who };
}

function unwritable(name: string, who: Who): Finding {
  return { code: "undo_unknown", detail: `the target has no ${name} any more`, ...who };
}

function changedLater(name: string, who: Who): Finding {
  return { code: "undo_changed", detail: `a later run changed ${name}, so it stays`, ...who };
}

function changedSince(name: string, who: Who): Finding {
  return { code: "undo_changed", detail: `${name} was changed in the target since, so it stays`, ...who };
}

/** The memberships of one group that a run moved, net of what it moved back itself. */
export interface MovedMembers {
  readonly added: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
}

/** Adds up the membership changes of one group, in their order. */
export function movedMembers(
  changes: readonly { readonly add: readonly string[]; readonly remove: readonly string[] }[],
): MovedMembers {
  const [added, removed] = [new Set<string>(), new Set<string>()];
  for (const { add, remove } of changes) {
    for (const id of add) if (!removed.delete(id)) added.add(id);
    for (const id of remove) if (!added.delete(id)) removed.add(id);
  }
  return { added, removed };
}
