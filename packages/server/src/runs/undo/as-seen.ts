import { type Attributes, type Change, isReference, kindsReferred, type Reference, touchedSince } from "@entrain/core";
import { type LinkRow, loadLinksByKind } from "../../store/links.ts";
import type { PlanChangeRow } from "../../store/plans.ts";
import { openBasis, positionOf } from "../basis.ts";
import type { BatchContext } from "../plan-context.ts";
import { freshSync, type Session } from "../session.ts";
import { heldRecords } from "./held-records.ts";
import { foundAgain, linkNow, presentOf } from "./scene.ts";
import type { AsSeen } from "./seen.ts";

/**
 * The records of an undoing stand as the plan saw them until somebody edits them, and it may be approved days later. A membership
 * has two states alone, so that nothing that others made of it can be written over.
 */
export function asSeen(session: Session): AsSeen {
  let opened: Promise<Omit<BatchContext, "lease" | "plan">> | null = null;
  let lookups: { close(): void } | null = null;
  const open = async (): Promise<BatchContext> => {
    opened ??= openAgain(session);
    const basis = await opened;
    lookups = basis.lookups;
    return { ...basis, lease: null, plan: { id: "" } };
  };
  return {
    changedSince: async (rows, links) => {
      const own = rows.filter(({ action }) => action !== "members" && action !== "lookup");
      if (own.length === 0) return new Map();
      const context = await open();
      return new Map([...(await madeAgain(context, own)), ...(await touched(context, own, links))]);
    },
    close: () => lookups?.close(),
  };
}

async function openAgain(session: Session): Promise<Omit<BatchContext, "lease" | "plan">> {
  const { engine, connection, targetRow, target, options } = session;
  const { store, keyring } = engine;
  const { signal } = options;
  const position = await positionOf(store, connection.id, []);
  const sync = await freshSync(session);
  return await openBasis({ store, keyring, sync, connection, targetRow, target, position, recreate: false, signal });
}

/** Records that the undoing makes anew and that somebody made before it. */
async function madeAgain(
  context: BatchContext,
  rows: readonly PlanChangeRow[],
): Promise<readonly (readonly [number, string])[]> {
  const creates = rows.filter(({ action }) => action === "create");
  const held = creates.map(({ object_id: id, after }) => [id, parsed(after)] as const);
  const found = await foundAgain(context, new Map(held));
  return creates.flatMap(({ object_id: id, ordinal }) => {
    const hit = found.get(id);
    return hit === undefined
      ? []
      : [[ordinal, `${hit} has its matching value by now, so it was not made again`] as const];
  });
}

async function touched(
  context: BatchContext,
  rows: readonly PlanChangeRow[],
  links: ReadonlyMap<string, LinkRow>,
): Promise<readonly (readonly [number, string])[]> {
  const ids = rows.flatMap(({ action, record_id: id }) => (action === "create" || id === null ? [] : [id]));
  const present = await presentOf(context, ids);
  const isGone = await goneReferences(context, rows, links);
  const holds = await heldRecords(context, [...present.values()]);
  return rows.flatMap((row) => {
    const is = present.get(row.record_id ?? "");
    const link = linkNow(links.get(row.object_id), context);
    // What the target holds no more is told by its answer.
    if (row.action === "create" || is === undefined || link === null) return [];
    const [before, after] = [row.before && parsed(row.before), row.after && parsed(row.after)].map(
      (one) => one || null,
    );
    const change = { action: row.action as Change["action"], before: before ?? null, after: after ?? null };
    const names = touchedSince(context.rules, change, { link, present: is, isGone, holds });
    if (names.length === 0) return [];
    const was = names.length === 1 ? "was" : "were";
    const detail = `${names.join(", ")} ${was} changed in the target after the plan was made, so nothing of it was undone`;
    return [[row.ordinal, detail] as const];
  });
}

/** Whether the record that a reference led to is gone. */
async function goneReferences(
  { store, space, kind }: BatchContext,
  rows: readonly PlanChangeRow[],
  links: ReadonlyMap<string, LinkRow>,
): Promise<(reference: Reference, attribute: string) => boolean> {
  const texts = rows.flatMap(({ object_id: id, before }) => [before, links.get(id)?.known ?? null]);
  const values = texts.flatMap((text) => Object.values(parsed(text)));
  const ids = values.flatMap((value) => (isReference(value) ? [value.$ref] : []));
  const kinds = kind.attributes.flatMap(kindsReferred);
  const linked = await loadLinksByKind(store.db, space, kinds, [...new Set(ids)]);
  return ({ $ref, $kind }) => !($kind === undefined ? kinds : [$kind]).some((one) => linked.get(one)?.has($ref));
}

function parsed(text: string | null): Attributes {
  return text === null ? {} : (JSON.parse(text) as Attributes);
}
