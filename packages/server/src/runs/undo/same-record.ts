import type { LinkRow } from "../../store/links.ts";
import type { BatchContext } from "../plan-context.ts";

/**
 * Of people and groups, each with a time: those whose record is the one that they had then, or one that undoing its deletion made
 * since. A record that a run made or joined in between is another one.
 */
export async function sameSince(
  { store, space }: Pick<BatchContext, "store" | "space">,
  links: ReadonlyMap<string, LinkRow>,
  asked: ReadonlyMap<string, number>,
): Promise<ReadonlySet<string>> {
  const same = new Set<string>();
  const younger: string[] = [];
  for (const [id, since] of asked) {
    const link = links.get(id);
    if (link === undefined) continue;
    if (link.created_at <= since) same.add(id);
    else younger.push(id);
  }
  for (let at = 0; at < younger.length; at += 500) {
    const slice = younger.slice(at, at + 500);
    const entries = await store.db
      .selectFrom("journal")
      .select(["type", "run", "plan", "ordinal", "object_id", "kind", "cause", "status", "at"])
      .where("object_id", "in", slice)
      .where("target", "=", space.target)
      .where("action", "in", ["create", "join"])
      .where("type", "in", ["intent", "outcome"])
      .execute();
    const causes = new Map(entries.flatMap((one) => (one.type === "intent" ? [[keyOf(one), one.cause]] : [])));
    const made = entries.filter(
      ({ type, status, object_id: id, kind, at: then }) =>
        type === "outcome" &&
        (status === "applied" || status === "unchanged") &&
        kind === links.get(id ?? "")?.kind &&
        then > (asked.get(id ?? "") ?? 0),
    );
    for (const [id, of] of Map.groupBy(made, (one) => one.object_id ?? "")) {
      if (of.every((one) => causes.get(keyOf(one)) === "undone")) same.add(id);
    }
  }
  return same;
}

function keyOf({ run, plan, ordinal }: { run: string | null; plan: string | null; ordinal: number | null }): string {
  return `${run} ${plan} ${ordinal}`;
}
