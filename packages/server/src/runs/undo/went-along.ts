import { byCodeUnits } from "@entrain/core";
import type { Selectable } from "kysely";
import type { DB } from "../../store/schema.ts";
import type { PlanWriter } from "../plan-writer.ts";
import { plannedHere } from "../seal.ts";
import type { Chosen, Deeds } from "./deeds.ts";
import { addedBack, knownAmong } from "./members-back.ts";
import { leftOver, type Planned, type UndoContext } from "./rows.ts";
import { deletionsBy } from "./same-record.ts";
import { aroundOf } from "./scene.ts";
import { syncsOfGroups } from "./syncs-of-groups.ts";
import { inLines, listed } from "./words.ts";

type TakenRow = Selectable<DB["taken_along"]>;

const PAGE = 1000;
/** Behind everything, and before it. */
const START = { holder: "", object_id: "" };

interface Along {
  readonly deeds: Deeds;
  readonly chosen: Chosen;
  /** Another sync made the run. */
  readonly isOthers: boolean;
}

/**
 * Plans the memberships back that went with records which the run deleted, in groups of this sync, whoever's run it was; and
 * tells of those in groups of other syncs, which that sync plans back in turn.
 */
export async function planAlong(context: UndoContext, writer: PlanWriter, along: Along): Promise<void> {
  for await (const rows of takenPages(context, ["holder", "object_id"])) {
    const meant = rows.filter((row) => isMeant(row, along));
    for (const [holder, of] of Map.groupBy(meant, (row) => row.holder)) {
      // A group that is made anew gets all its members.
      if (along.deeds.deleted(holder)) continue;
      await writer.write({ ...(await backInto(context, holder, of, along)), wanted: [] });
    }
  }
  if (along.isOthers) return;
  for await (const rows of takenPages(context, ["object_id", "holder"])) {
    const meant = rows.filter((row) => isMeant(row, along));
    const made = await plannedHere(context.store, context.plan.id, [...new Set(meant.map((row) => row.object_id))]);
    const back = meant.filter((row) => made.has(row.object_id));
    await writer.write({ changes: [], issues: await toldElsewhere(context, back), wanted: [] });
  }
}

function isMeant(row: TakenRow, { deeds, chosen, isOthers }: Along): boolean {
  if (!isOthers) return deeds.deleted(row.object_id);
  const { records, ordinals } = chosen;
  return ordinals?.has(row.ordinal) ?? (records === undefined || records.has(row.object_id) || records.has(row.holder));
}

/** Whose undoing it is. */
type OfRun = Pick<UndoContext, "store" | "space"> & { readonly plan: Pick<UndoContext["plan"], "undoes"> };

function takenBy({ store, space, plan }: OfRun) {
  return store.db
    .selectFrom("taken_along")
    .selectAll()
    .where("target", "=", space.target)
    .where("tenant", "=", space.tenant)
    .where("run", "=", plan.undoes ?? "")
    .where("attribute", "=", "");
}

/** The memberships that went with records which the run deleted, page by page in this order. */
async function* takenPages(
  context: UndoContext,
  [first, second]: readonly ["holder" | "object_id", "holder" | "object_id"],
): AsyncGenerator<readonly TakenRow[]> {
  let last: Pick<TakenRow, "holder" | "object_id"> = START;
  for (;;) {
    const after = last;
    const rows = await takenBy(context)
      .where((eb) => eb(eb.refTuple(first, second), ">", eb.tuple(after[first], after[second])))
      .orderBy(first)
      .orderBy(second)
      .limit(PAGE)
      .execute();
    const end = rows.at(-1);
    if (end === undefined) return;
    yield rows;
    last = end;
  }
}

async function backInto(
  context: UndoContext,
  group: string,
  rows: readonly TakenRow[],
  { deeds, isOthers }: Along,
): Promise<Planned> {
  const around = await aroundOf(context, [group], []);
  const link = around.links.get(group);
  if (link?.sync !== context.sync.id) return { changes: [], issues: [] };
  const ids = rows.map((row) => row.object_id);
  const known = await knownAmong(context, group, ids);
  const missing = rows.filter(({ object_id: id }) => !known.has(id));
  const deletions = await deletionsBy(
    context,
    context.plan.undoes ?? "",
    missing.map(({ object_id: id }) => id),
  );
  const unnumbered = { stream: "", sequence: 0 };
  const members = new Map(missing.map(({ object_id: id, at }) => [id, deletions.get(id) ?? { ...unnumbered, at }]));
  const who = { objectId: group, name: around.nameOf(group) ?? group };
  const comesBack = (id: string): boolean => !isOthers && deeds.judged(id).comesBack;
  return await addedBack(context, who, around, { members, recordId: link.record_id, comesBack });
}

/** Of people and groups whose records come back: in which groups of other syncs they were, and how they get there again. */
async function toldElsewhere(context: UndoContext, rows: readonly TakenRow[]): Promise<Planned["issues"]> {
  if (rows.length === 0) return [];
  const around = await aroundOf(context, [...new Set(rows.flatMap((row) => [row.object_id, row.holder]))], []);
  const syncs = await syncsOfGroups(
    context,
    rows.map(({ holder }) => holder),
  );
  const issues: Planned["issues"][number][] = [];
  for (const [id, of] of Map.groupBy(rows, (row) => row.object_id)) {
    const open: TakenRow[] = [];
    for (const row of of) if (!(await knownAmong(context, row.holder, [id])).has(id)) open.push(row);
    const elsewhere = open.filter(({ holder }) => syncs.get(holder)?.id !== context.sync.id);
    for (const [name, holders] of Map.groupBy(elsewhere, ({ holder }) => syncs.get(holder)?.name ?? null)) {
      const names = holders.map(({ holder }) => around.nameOf(holder) ?? holder).sort(byCodeUnits);
      for (const line of inLines(names)) {
        const detail = `it was in ${listed(line)}, ${ofSync(line.length, name)}, and went from there with its record${next(context, name)}`;
        const who = { objectId: id, name: around.nameOf(id) ?? id };
        issues.push(leftOver({ code: "undo_membership", detail, ...who }, around));
      }
    }
  }
  return issues;
}

function ofSync(count: number, sync: string | null): string {
  const groups = count === 1 ? "a group" : "groups";
  return sync === null ? `${groups} that no sync has any more` : `${groups} of the sync ${sync}`;
}

function next({ plan }: UndoContext, sync: string | null): string {
  return sync === null ? "" : `; once it is back: entrain sync undo ${sync} --run ${plan.undoes ?? ""}`;
}

/** Tells of who is left to themselves by the plan: they stay in groups, and their record with them. */
export async function tellStaying(context: UndoContext, writer: PlanWriter): Promise<void> {
  const { store, space, plan } = context;
  for (let after = -1; ; ) {
    const rows = await store.db
      .selectFrom("plan_changes")
      .select(["ordinal", "object_id", "name"])
      .where("plan", "=", plan.id)
      .where("cause", "=", "unjoined")
      .where("ordinal", ">", after)
      .orderBy("ordinal")
      .limit(500)
      .execute();
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.ordinal;
    const members = await store.db
      .selectFrom("known_members")
      .select(["group_id", "member_id"])
      .where("target", "=", space.target)
      .where("tenant", "=", space.tenant)
      .where(
        "member_id",
        "in",
        rows.map((row) => row.object_id),
      )
      .execute();
    if (members.length === 0) continue;
    const groups = [...new Set(members.map((row) => row.group_id))];
    const around = await aroundOf(context, [...groups, ...rows.map((row) => row.object_id)], []);
    const syncs = await syncsOfGroups(context, groups);
    const issues = rows.flatMap(({ object_id: objectId, name }) => {
      const of = members.filter((row) => row.member_id === objectId).map((row) => row.group_id);
      return [...Map.groupBy(of, (id) => syncs.get(id)?.name ?? null)].flatMap(([sync, ids]) =>
        inLines(ids.map((id) => around.nameOf(id) ?? id).sort(byCodeUnits)).map((line) => {
          const detail = `it stays in ${listed(line)}, ${ofSync(line.length, sync)}, as its record stays${first(sync)}`;
          return leftOver({ code: "undo_membership", detail, objectId, name }, around);
        }),
      );
    });
    await writer.write({ changes: [], issues, wanted: [] });
  }
}

function first(sync: string | null): string {
  return sync === null ? "" : `; to take it out, undo that before this: entrain sync undo ${sync}`;
}

/** Of some that were chosen, people and groups or numbers: those that memberships hang on which the run took along. */
export async function chosenAlong(
  context: OfRun,
  { ordinals }: Chosen,
  names: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (let at = 0; at < names.length; at += 500) {
    const slice = names.slice(at, at + 500);
    if (ordinals !== undefined) {
      const rows = await takenBy(context).where("ordinal", "in", slice.map(Number)).execute();
      for (const { ordinal } of rows) found.add(String(ordinal));
      continue;
    }
    const rows = await takenBy(context)
      .where((eb) => eb.or([eb("object_id", "in", slice), eb("holder", "in", slice)]))
      .execute();
    for (const row of rows) for (const one of [row.object_id, row.holder]) found.add(one);
  }
  return found;
}

/** Whether the run took memberships along that are this sync's to bring back. */
export async function hasTaken(
  { db }: UndoContext["store"],
  of: { readonly sync: Pick<UndoContext["sync"], "id" | "target" | "records">; readonly run: string },
): Promise<boolean> {
  const row = await db
    .selectFrom("taken_along")
    .innerJoin("links", (join) =>
      join
        .onRef("links.target", "=", "taken_along.target")
        .onRef("links.tenant", "=", "taken_along.tenant")
        .onRef("links.object_id", "=", "taken_along.holder"),
    )
    .select("taken_along.holder")
    .where("taken_along.target", "=", of.sync.target)
    .where("taken_along.run", "=", of.run)
    .where("taken_along.attribute", "=", "")
    .where("links.kind", "=", of.sync.records)
    .where("links.sync", "=", of.sync.id)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
