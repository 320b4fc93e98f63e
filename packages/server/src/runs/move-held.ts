import { isRematched, matchedAttribute, type SyncDefinition } from "@entrain/core";
import type { Transaction } from "kysely";
import type { DB } from "../store/schema.ts";
import { HOLD_CODES } from "./guard.ts";
import { changeOf } from "./seal.ts";

const PAGE = 1000;

/** What of which plan waits, and where it goes. */
interface Moving {
  readonly from: string;
  readonly to: string;
  readonly definition: SyncDefinition;
  /** Codes of the holds. */
  readonly codes: ReadonlySet<string>;
  /** Ordinals of changes that nothing is left of: they do not wait. */
  readonly settled: readonly number[];
}

/** Moves what waits for approval out of a plan into another one: what is held anyway, and all that a tripped guard counts. */
export async function moveHeld(tx: Transaction<DB>, moving: Moving): Promise<void> {
  const { from, to, codes, settled } = moving;
  const actions = [
    ...(codes.has(HOLD_CODES.removals) ? ["disable", "delete"] : []),
    ...(codes.has(HOLD_CODES.creations) ? ["create", "join"] : []),
    ...(codes.has(HOLD_CODES.updates) ? ["update", "enable"] : []),
  ];
  await tx
    .updateTable("plan_changes")
    .set({ plan: to })
    .where("plan", "=", from)
    .where((eb) =>
      eb.or([
        eb("hold", "is not", null),
        ...(actions.length > 0 ? [eb("action", "in", actions)] : []),
        ...(codes.has(HOLD_CODES.members) ? [eb("remove", "is not", null)] : []),
      ]),
    )
    .execute();
  const rematched = codes.has(HOLD_CODES.matching) ? await rematchedIn(tx, moving) : [];
  await move(tx, { from, to, ordinals: rematched });
  await move(tx, { from: to, to: from, ordinals: settled });
  if (codes.has(HOLD_CODES.creations)) await moveMembersOfNew(tx, moving);
}

async function move(
  tx: Transaction<DB>,
  { from, to, ordinals }: { readonly from: string; readonly to: string; readonly ordinals: readonly number[] },
): Promise<void> {
  for (let at = 0; at < ordinals.length; at += 500) {
    const moved = tx.updateTable("plan_changes").set({ plan: to }).where("plan", "=", from);
    await moved.where("ordinal", "in", ordinals.slice(at, at + 500)).execute();
  }
}

/** Changes that give a record another value to be found by. */
async function rematchedIn(tx: Transaction<DB>, { from, definition }: Moving): Promise<readonly number[]> {
  const names = definition.matching.map(matchedAttribute);
  const found: number[] = [];
  for (let after = -1; ; ) {
    const rows = await tx
      .selectFrom("plan_changes")
      .selectAll()
      .where("plan", "=", from)
      .where("action", "in", ["update", "enable"])
      .where("ordinal", ">", after)
      .orderBy("ordinal")
      .limit(PAGE)
      .execute();
    for (const row of rows) if (isRematched(changeOf(row), names)) found.push(row.ordinal);
    const last = rows.at(-1);
    if (last === undefined) return found;
    after = last.ordinal;
  }
}

/** Without its record a group has no memberships to write. */
async function moveMembersOfNew(tx: Transaction<DB>, { from, to }: Moving): Promise<void> {
  const made = tx
    .selectFrom("plan_changes as made")
    .select("made.object_id")
    .where("made.plan", "=", to)
    .where("made.action", "in", ["create", "join"]);
  await tx
    .updateTable("plan_changes")
    .set({ plan: to })
    .where("plan", "=", from)
    .where("action", "=", "members")
    .where("object_id", "in", made)
    .execute();
}
