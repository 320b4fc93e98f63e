import {
  type Attributes,
  type Change,
  GONE_REFERENCE,
  isEmpty,
  isGoneReference,
  isReference,
  kindsReferred,
  type Reference,
  referenceTo,
  touchedSince,
} from "@entrain/core";
import { type LinkRow, loadLinks } from "../../store/links.ts";
import { ITSELF } from "../../store/pins.ts";
import type { PlanWriter } from "../plan-writer.ts";
import { plannedHere } from "../seal.ts";
import type { Deeds } from "./deeds.ts";
import { heldRecords } from "./held-records.ts";
import { leftOver, type Planned, rowOf, type UndoContext } from "./rows.ts";
import { aroundOf, linkNow, presentOf } from "./scene.ts";

const PAGE = 500;

/**
 * Has records refer to people again whose record this plan makes anew, for that is the same person as before: those whose
 * references went with the records that the run deleted, and those that an earlier undoing pinned, on which no run decides.
 */
export async function planReferences(context: UndoContext, writer: PlanWriter, deeds: Deeds): Promise<void> {
  const { store, sync, kind } = context;
  if (!kind.attributes.some((attribute) => kindsReferred(attribute).length > 0)) return;
  const judged = new Set<string>();
  for await (const holders of referrers(context)) {
    const ids = holders.filter((id) => !deeds.changed(id));
    const back = await referencesBack(context, ids);
    for (const { object_id: id } of [...back.changes, ...back.issues]) if (id !== null) judged.add(id);
    await writer.write({ ...back, wanted: [] });
  }
  for (let after = ""; ; ) {
    const pins = await store.db
      .selectFrom("pins")
      .select("object_id")
      .where("sync", "=", sync.id)
      .where("member", "=", ITSELF)
      .where("object_id", ">", after)
      .orderBy("object_id")
      .limit(PAGE)
      .execute();
    const last = pins.at(-1);
    if (last === undefined) return;
    after = last.object_id;
    const ids = pins.map((pin) => pin.object_id).filter((id) => !deeds.changed(id) && !judged.has(id));
    await writer.write({ ...(await referencesBack(context, ids)), wanted: [] });
  }
}

/** Whose references went with records that the run deleted, page by page. */
async function* referrers({ store, space, kind, plan }: UndoContext): AsyncGenerator<readonly string[]> {
  for (let after = ""; ; ) {
    const rows = await store.db
      .selectFrom("taken_along")
      .select("holder")
      .distinct()
      .where("target", "=", space.target)
      .where("tenant", "=", space.tenant)
      .where("run", "=", plan.undoes ?? "")
      .where("kind", "=", kind.name)
      .where("attribute", "!=", "")
      .where("holder", ">", after)
      .orderBy("holder")
      .limit(PAGE)
      .execute();
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.holder;
    yield rows.map(({ holder }) => holder);
  }
}

async function referencesBack(context: UndoContext, ids: readonly string[]): Promise<Planned> {
  const { store, space, kind, plan } = context;
  const links = await loadLinks(store.db, space, [kind.name], ids);
  const lost = await lostReferences(context, ids);
  const wanted = new Map<string, readonly (readonly [string, Reference])[]>();
  for (const [id, { known, sync }] of links) {
    const is = JSON.parse(known) as Attributes;
    const dead = (lost.get(id) ?? []).filter(([name]) => isGoneReference(is[name]) || isEmpty(is[name] ?? null));
    const kept = Object.entries(is).flatMap(([name, value]) =>
      isReference(value) && !isGoneReference(value) ? [[name, value] as const] : [],
    );
    if (sync === context.sync.id) wanted.set(id, [...dead, ...kept]);
  }
  const referred = [...wanted.values()].flatMap((of) => of.map(([, { $ref }]) => $ref));
  const made = await plannedHere(store, plan.id, [...new Set(referred)]);
  const back = new Map(
    [...wanted].flatMap(([id, of]) => {
      const open = of.filter(([, { $ref }]) => made.has($ref));
      return open.length === 0 ? [] : [[id, open] as const];
    }),
  );
  return back.size === 0 ? { changes: [], issues: [] } : await changesOf(context, links, back);
}

/** What referred to records that the run deleted, as it was kept when they went. */
export async function lostReferences(
  { store, space, kind, plan }: UndoContext,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly (readonly [string, Reference])[]>> {
  if (ids.length === 0) return new Map();
  const rows = await store.db
    .selectFrom("taken_along")
    .select(["object_id", "holder", "attribute"])
    .where("target", "=", space.target)
    .where("tenant", "=", space.tenant)
    .where("run", "=", plan.undoes ?? "")
    .where("kind", "=", kind.name)
    .where("holder", "in", [...ids])
    .execute();
  const found = rows.flatMap(({ object_id: objectId, holder, attribute }) => {
    const declared = kind.attributes.find(({ name }) => name === attribute);
    return declared === undefined
      ? []
      : [{ holder, lost: [attribute, referenceTo(objectId, kind.name, declared)] as const }];
  });
  const groups = Map.groupBy(found, ({ holder }) => holder);
  return new Map([...groups].map(([holder, of]) => [holder, of.map(({ lost }) => lost)]));
}

async function changesOf(
  context: UndoContext,
  links: ReadonlyMap<string, LinkRow>,
  back: ReadonlyMap<string, readonly (readonly [string, Reference])[]>,
): Promise<Planned> {
  const around = await aroundOf(context, [...back.keys(), ...[...back.values()].flat().map(([, to]) => to.$ref)], []);
  const present = await presentOf(
    context,
    [...back.keys()].flatMap((id) => links.get(id)?.record_id ?? []),
  );
  const holds = await heldRecords(context, [...present.values()]);
  const changes: Planned["changes"][number][] = [];
  const issues: Planned["issues"][number][] = [];
  for (const [id, of] of back) {
    const row = links.get(id);
    const link = linkNow(row, context);
    const is = present.get(row?.record_id ?? "");
    if (link === null || is === undefined) continue;
    const who = { objectId: id, name: around.nameOf(id) ?? id };
    const dead = Object.fromEntries(
      of.map(([name]) => [name, isEmpty(link.known[name] ?? null) ? null : GONE_REFERENCE]),
    );
    const change: Change = {
      ...{ ...who, kind: context.kind.name, action: "update", cause: "undone", recordId: link.recordId },
      reason: `Undone: ${of.map(([name, { $ref }]) => `${name} is ${around.nameOf($ref) ?? $ref} again`).join("; ")}`,
      before: { ...link.known, ...dead },
      after: { ...link.known, ...Object.fromEntries(of) },
      ...{ active: null, add: [], remove: [] },
    };
    const touched = touchedSince(context.rules, change, { link, present: is, isGone: () => true, holds });
    if (touched.length === 0) {
      changes.push(rowOf(change, around));
      continue;
    }
    const detail = `${touched.join(", ")} was changed in the target since, so it stays`;
    issues.push(leftOver({ code: "undo_changed", detail, ...who }, around));
  }
  return { changes, issues };
}
