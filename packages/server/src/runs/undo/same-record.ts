import type { LinkRow } from "../../store/links.ts";
import { streamOf } from "../applying.ts";
import type { BatchContext } from "../plan-context.ts";

/** When something happened. Within a stream its number decides, as a clock may be set back; two streams share the clock alone. */
export interface Moment {
  readonly stream: string;
  readonly sequence: number;
  readonly at: number;
}

type InTarget = Pick<BatchContext, "store" | "space">;

/**
 * Of people and groups, each with a moment: those whose record is the one that they had then, or one that undoing its deletion
 * made since. A record that a run made or joined in between is another one.
 */
export async function sameSince(
  { store, space }: InTarget,
  links: ReadonlyMap<string, LinkRow>,
  asked: ReadonlyMap<string, Moment>,
): Promise<ReadonlySet<string>> {
  const same = new Set<string>();
  const unsure = new Map<string, Moment>();
  for (const [id, since] of asked) {
    const link = links.get(id);
    if (link === undefined) continue;
    const isOlder = link.created_at <= since.at;
    if (isOlder) same.add(id);
    if (!isOlder || streamOf({ id: link.sync ?? "" }) === since.stream) unsure.set(id, since);
  }
  const ids = [...unsure.keys()];
  for (let at = 0; at < ids.length; at += 500) {
    const entries = await store.db
      .selectFrom("journal")
      .select(["type", "run", "plan", "ordinal", "object_id", "kind", "cause", "status", "stream", "sequence", "at"])
      .where("object_id", "in", ids.slice(at, at + 500))
      .where("target", "=", space.target)
      .where("action", "in", ["create", "join"])
      .where("type", "in", ["intent", "outcome"])
      .execute();
    const causes = new Map(entries.flatMap((one) => (one.type === "intent" ? [[keyOf(one), one.cause]] : [])));
    const made = entries.filter(
      ({ type, status, object_id: id, kind }) =>
        type === "outcome" && (status === "applied" || status === "unchanged") && kind === links.get(id ?? "")?.kind,
    );
    for (const [id, of] of Map.groupBy(made, (one) => one.object_id ?? "")) {
      const since = unsure.get(id);
      if (since === undefined) continue;
      const later = of.filter((one) => isAfter(one, since));
      const isTold = later.length > 0 || of.some((one) => one.stream === since.stream);
      if (!isTold) continue;
      if (later.every((one) => causes.get(keyOf(one)) === "undone")) same.add(id);
      else same.delete(id);
    }
  }
  return same;
}

function isAfter(one: Moment, since: Moment): boolean {
  return one.stream === since.stream ? one.sequence > since.sequence : one.at > since.at;
}

function keyOf({ run, plan, ordinal }: { run: string | null; plan: string | null; ordinal: number | null }): string {
  return `${run} ${plan} ${ordinal}`;
}

/** When a run deleted the records of these people and groups. */
export async function deletionsBy(
  { store, space }: InTarget,
  run: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Moment>> {
  const found = new Map<string, Moment>();
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await store.db
      .selectFrom("journal")
      .select(["object_id", "stream", "sequence", "at"])
      .where("object_id", "in", ids.slice(at, at + 500))
      .where("target", "=", space.target)
      .where("run", "=", run)
      .where("type", "=", "outcome")
      .where("action", "=", "delete")
      .orderBy("sequence")
      .execute();
    for (const { object_id: id, ...moment } of rows) if (id !== null) found.set(id, moment);
  }
  return found;
}
