import { type Change, type Finding, isReference, PHASES, type Value } from "@entrain/core";
import type { PlanRow } from "../../store/plans.ts";
import type { Lease } from "../../store/store.ts";
import type { BatchContext, NewChange, NewIssue } from "../plan-context.ts";
import type { Around } from "./scene.ts";

/** What planning an undo works with. */
export type UndoContext = BatchContext & { readonly lease: Lease; readonly plan: PlanRow };

/** Rows of an undoing's plan. */
export interface Planned {
  readonly changes: readonly NewChange[];
  readonly issues: readonly NewIssue[];
}

type PartialFinding = Pick<Finding, "code" | "detail"> & {
  readonly objectId?: string | null;
  readonly name?: string | null;
};

/** What stays, with the reason, as the plan lists it. */
export function leftOver(
  { code, detail, objectId = null, name = null }: PartialFinding,
  { rows }: Pick<Around, "rows">,
): NewIssue {
  const sequence = objectId === null ? 0 : (rows.get(objectId)?.sequence ?? 0);
  return { state: "left", sequence, code, detail, object_id: objectId, name };
}

/** A change as the plan holds it: all of an undoing waits for approval. */
export function rowOf(change: Change, around: Pick<Around, "rows" | "links" | "isLinked">): NewChange {
  const { objectId, before, after, active } = change;
  const list = (ids: readonly string[]): string | null => (ids.length === 0 ? null : JSON.stringify(ids));
  const isOpen = ([name, value]: readonly [string, Value]): boolean =>
    isReference(value) && !around.isLinked(value, name);
  const refers = change.action === "create" ? Object.entries(after ?? {}).find(isOpen)?.[1] : undefined;
  return {
    phase: PHASES[change.action],
    object_id: objectId,
    ...{ kind: change.kind, name: change.name, action: change.action, cause: change.cause, reason: change.reason },
    record_id: change.recordId,
    before: before === null ? null : JSON.stringify(before),
    after: after === null ? null : JSON.stringify(after),
    active: active === null ? null : Number(active),
    add: list(change.add),
    remove: list(change.remove),
    waits_for: isReference(refers) ? refers.$ref : null,
    record_sequence: around.rows.get(objectId)?.sequence ?? 0,
    link_sequence: around.links.get(objectId)?.sequence ?? 0,
    hold: "undo",
    matched_by: null,
    matched_value: null,
  };
}
