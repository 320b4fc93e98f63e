import { streamOf } from "../applying.ts";
import type { BatchContext } from "../plan-context.ts";
import { intentsOf, keyOf, movesIn, PARTIAL, parsed } from "./deeds.ts";
import type { Moment } from "./same-record.ts";

const PAGE = 1000;

/**
 * The members that a sync gave a group before a run, with when they were added: what the target held of them went with the
 * group's record, so the journal tells it. A record that was made or joined anew began without any.
 */
export async function membersBefore(
  { store, sync, kind }: Pick<BatchContext, "store" | "sync" | "kind">,
  group: string,
  run: string,
): Promise<ReadonlyMap<string, Moment>> {
  const stream = streamOf(sync);
  const { first } = await store.db
    .selectFrom("journal")
    .select((eb) => eb.fn.min<number | null>("sequence").as("first"))
    .where("run", "=", run)
    .where("stream", "=", stream)
    .where("object_id", "=", group)
    .executeTakeFirstOrThrow();
  const members = new Map<string, Moment>();
  for (let after = -1; ; ) {
    const page = await store.db
      .selectFrom("journal")
      .leftJoin("journal_values as said", (join) =>
        join.onRef("said.stream", "=", "journal.stream").onRef("said.sequence", "=", "journal.sequence"),
      )
      .select(["journal.run", "journal.plan", "journal.ordinal", "journal.sequence", "journal.at"])
      .select(["journal.action", "journal.status", "said.after"])
      .where("journal.object_id", "=", group)
      .where("journal.stream", "=", stream)
      .where("journal.kind", "=", kind.name)
      .where("journal.type", "=", "outcome")
      .where("journal.status", "in", ["applied", "unchanged", ...PARTIAL])
      .where("journal.sequence", ">", after)
      .where("journal.sequence", "<", first ?? 0)
      .orderBy("journal.sequence")
      .limit(PAGE)
      .execute();
    const last = page.at(-1);
    if (last === undefined) return members;
    after = last.sequence;
    const said = new Map<string, Awaited<ReturnType<typeof intentsOf>>>();
    for (const [of, rows] of Map.groupBy(page, (row) => row.run ?? "")) {
      const ordinals = rows.flatMap(({ action, ordinal }) => (action === "members" ? [ordinal ?? 0] : []));
      said.set(of, await intentsOf(store, { stream, run: of }, ordinals));
    }
    for (const row of page) {
      const isPartial = PARTIAL.includes(row.status ?? "");
      if (row.action !== "members") {
        if (!isPartial && ["create", "join", "delete"].includes(row.action ?? "")) members.clear();
        continue;
      }
      const intent = said.get(row.run ?? "")?.get(keyOf(row.plan, row.ordinal));
      const { add, remove } = movesIn(isPartial ? parsed(row.after) : (intent?.after ?? null));
      for (const id of add) members.set(id, { stream, sequence: row.sequence, at: row.at });
      for (const id of remove) members.delete(id);
    }
  }
}
