import {
  type Attributes,
  type Change,
  type Deed,
  deedOf,
  inverseOf,
  isGoneReference,
  type Reference,
} from "@entrain/core";
import { concealedKnown } from "../conceal-links.ts";
import { recordOf } from "../inputs.ts";
import { keptByMembers } from "../kept-groups.ts";
import type { NewChange, NewIssue } from "../plan-context.ts";
import { withoutTaking } from "../spared.ts";
import { appliedChange, type Deeds, type JournalledChange } from "./deeds.ts";
import { membersBack, membersOfMade } from "./members-back.ts";
import { lostReferences } from "./references-back.ts";
import { leftOver, type Planned, rowOf, type UndoContext } from "./rows.ts";
import { deletionsBy, sameSince } from "./same-record.ts";
import { type Around, aroundOf, disabledBefore, foundAgain, linkNow } from "./scene.ts";

type Batch = ReadonlyMap<string, readonly JournalledChange[]>;

/**
 * Finds out of a batch which of the records that the run deleted come back, before anything is planned that leans on them:
 * whoever refers to one, or has it as a member, may be in any batch.
 */
export async function judgeDeleted(context: UndoContext, batch: Batch, of: Deeds): Promise<void> {
  const going = new Map([...batch].filter(([, changes]) => changes.some(({ action }) => action === "delete")));
  const deleted = deletedAmong(await deedsIn(context, going));
  if (deleted.size === 0) return;
  const ids = [...deleted.keys()];
  const around = await aroundOf(context, ids, [...deleted.values()]);
  const found = await foundAgain(context, new Map([...deleted].map(([id, deed]) => [id, heldBefore(deed)])));
  const undone = await undoneAlready(context, around, ids);
  of.judge(
    [...deleted].map(([objectId, deed]) => {
      const link = linkNow(around.links.get(objectId), context);
      const present = around.present.get(deed.recordId) ?? null;
      const scene = { link, present, found: found.get(objectId) ?? null, wasActive: true };
      const { change } = inverseOf(context.rules, { objectId, name: objectId }, deed, scene);
      return { objectId, found: scene.found, comesBack: change !== null || undone.has(objectId) };
    }),
  );
}

/** What the changes of each record add up to; what only had members moved is left out. */
async function deedsIn(context: UndoContext, batch: Batch): Promise<ReadonlyMap<string, Deed>> {
  const deeds = new Map<string, Deed>();
  const lost = await lostReferences(context, [...batch.keys()]);
  for (const [id, changes] of batch) {
    const own = changes.filter(({ action }) => action !== "members" && action !== "lookup");
    if (own.length === 0) continue;
    const deed = deedOf(own.map((change) => appliedChange(concealed(context, change))));
    deeds.set(id, { ...deed, fields: withLost(deed.fields, lost.get(id) ?? []) });
  }
  return deeds;
}

function deletedAmong(deeds: ReadonlyMap<string, Deed>): ReadonlyMap<string, Deed> {
  return new Map([...deeds].filter(([, { existed, exists }]) => existed && !exists));
}

/**
 * The inverse of what a run did to a batch of records and their memberships, and what of it cannot come back. All batches were
 * judged before.
 */
export async function inversesOf(context: UndoContext, batch: Batch, all: Deeds): Promise<Planned> {
  const deeds = await deedsIn(context, batch);
  const around = await aroundOf(context, [...batch.keys()], [...deeds.values()]);
  const deleted = deletedAmong(deeds);
  const undone = await undoneAlready(context, around, [...deleted.keys()]);
  const disabled = await disabledBefore(context, [...deleted.keys()], context.plan.undoes ?? "");
  const comesBack = (id: string): boolean => all.judged(id).comesBack;
  const changes: NewChange[] = [];
  const issues: NewIssue[] = [];
  for (const [id, of] of batch) {
    const who = { objectId: id, name: around.nameOf(id) ?? id };
    const deed = deeds.get(id);
    const members: Planned[] = [];
    let made = false;
    if (deed !== undefined && !undone.has(id)) {
      const inverse = inverseOf(context.rules, who, deed, {
        link: linkNow(around.links.get(id), context),
        present: around.present.get(deed.recordId) ?? null,
        found: all.judged(id).found,
        wasActive: !disabled.has(id) && !of.some(({ wasDisabled }) => wasDisabled),
        nameOf: around.nameOf,
        comesBack,
        isThere: (reference, name) => around.isLinked(reference, name) || comesBack(reference.$ref),
      });
      const kept = inverse.change === null ? null : await sparing(context, inverse.change, around);
      const change = kept === null ? inverse.change : kept.change;
      if (change !== null) changes.push(rowOf(change, around));
      made = change?.action === "create";
      if (kept !== null) issues.push(kept.issue);
      issues.push(...inverse.left.map((finding) => leftOver(finding, around)));
    }
    const isMadeAnew = deed?.existed === true && !deed.exists;
    if (!isMadeAnew) members.push(await membersBack(context, who, { changes: of, comesBack }, around));
    else if (made || undone.has(id)) {
      const recordId = around.links.get(id)?.record_id ?? null;
      members.push(await membersOfMade(context, who, around, { recordId, comesBack }));
    }
    changes.push(...members.flatMap((one) => one.changes));
    issues.push(...members.flatMap((one) => one.issues), ...lookupsLeft(of));
  }
  return { changes, issues };
}

/** What referred to a record that the same run had deleted before referred to a person all the same. */
function withLost(fields: Deed["fields"], lost: readonly (readonly [string, Reference])[]): Deed["fields"] {
  const references = new Map(lost);
  return new Map(
    [...fields].map(([name, field]) => [
      name,
      isGoneReference(field.from) ? { ...field, from: references.get(name) ?? field.from } : field,
    ]),
  );
}

/** Of records that the run deleted: those that an undoing has made again already. What went with them may be left to undo. */
async function undoneAlready(
  context: UndoContext,
  { links }: Around,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const own = ids.filter((id) => links.get(id)?.sync === context.sync.id);
  if (own.length === 0) return new Set();
  return await sameSince(context, links, await deletionsBy(context, context.plan.undoes ?? "", own));
}

/** What was known of a record before the run. */
function heldBefore({ fields }: Deed): Attributes {
  const values = [...fields].flatMap(([name, { from }]) => (from === undefined ? [] : [[name, from] as const]));
  return Object.fromEntries(values);
}

/** What was written before one of its attributes was marked sensitive says its value in plain. */
function concealed({ mapping }: UndoContext, change: JournalledChange): JournalledChange {
  const { before, after } = change;
  return {
    ...change,
    before: before && concealedKnown(mapping, before),
    after: after && concealedKnown(mapping, after),
  };
}

/** What of an inverse may be made of a protected record, and what is said of the rest; `null`: nothing keeps it. */
async function sparing(
  context: UndoContext,
  change: Change,
  around: Around,
): Promise<{ readonly change: Change | null; readonly issue: NewIssue } | null> {
  const row = around.rows.get(change.objectId);
  const own = row === undefined ? null : context.protection?.of(recordOf(row));
  const by = own ?? (await keptBy(context, change));
  const taken = by === null ? null : withoutTaking(change);
  if (taken === null) return null;
  const { objectId, name } = change;
  const detail = `it would ${taken.not} again, but is protected by ${by}`;
  return { change: taken.change, issue: leftOver({ code: "protected", detail, objectId, name }, around) };
}

/** The protected member for whose sake a group is not deleted. */
async function keptBy(context: UndoContext, { action, objectId }: Change): Promise<string | null> {
  if (action !== "delete") return null;
  const of = { ...context, connection: context.sync.connection };
  return (await keptByMembers(of, context.protection, [objectId])).get(objectId) ?? null;
}

/** Others may point to a value by now, and a target's own lists are never shortened. */
function lookupsLeft(of: readonly JournalledChange[]): readonly NewIssue[] {
  return of
    .filter(({ action }) => action === "lookup")
    .map(({ objectId }) => ({
      ...{ state: "left", sequence: 0, code: "undo_lookup", object_id: null, name: objectId },
      detail: "the value that the run created in the target's own list stays, for others may use it",
    }));
}
