import type { DirectoryObject } from "../state/objects.ts";
import type { Json } from "../tenant/types.ts";
import type { Context } from "./context.ts";
import type { DeltaState } from "./delta-token.ts";
import { type Rendered, visibleNames } from "./render.ts";
import { DEFAULT_SELECT, typeName } from "./schema.ts";

/** Where a page of a round ends: more to come, or the state that the next round starts from. */
export interface DeltaPage {
  readonly value: readonly Rendered[];
  readonly state: DeltaState;
}

/** Whether only changed properties are wanted ("user: delta", optional request header Prefer). */
export function prefersMinimal({ request }: Context): boolean {
  return /\breturn=minimal\b/i.test(request.headers.prefer ?? "");
}

/** The properties that a round tracks, without navigation properties. */
export function trackedNames(state: DeltaState): readonly string[] {
  const names = state.select ?? DEFAULT_SELECT[state.kind];
  return names.filter(
    (name) => name !== "id" && name !== "manager" && name !== "members" && name !== "deletedDateTime",
  );
}

export function tracksMembers({ kind, select }: DeltaState): boolean {
  return kind === "group" && (select === null || select.includes("members"));
}

export function tracksManager({ kind, select }: DeltaState): boolean {
  return kind === "user" && select?.includes("manager") === true;
}

/** All tracked properties that were ever set: `id` first, never-set ones absent. */
export function renderTracked(context: Context, object: DirectoryObject, names: readonly string[]): Rendered {
  const properties = context.view.properties(object);
  const access = context.access[object.kind];
  const visible = access === "full" ? null : visibleNames(object.kind, access);
  const rendered: Rendered = { id: object.id };
  for (const name of names) {
    const value = properties[name];
    if (value === undefined) continue;
    rendered[name] = visible === null || visible.has(name) ? value : null;
  }
  return rendered;
}

/** A tombstone: restorable as `changed`, gone as `deleted`. */
export function renderRemoved(context: Context, object: DirectoryObject): Rendered {
  return { id: object.id, "@removed": { reason: context.view.isDeleted(object) ? "changed" : "deleted" } };
}

/** An entry of `members@delta` or `manager@delta`. */
export function renderReference(object: DirectoryObject, present: boolean): Json {
  const entry = { "@odata.type": `#${typeName(object.kind)}`, id: object.id };
  return present ? entry : { ...entry, "@removed": { reason: "deleted" } };
}
