import type { CredentialEnd } from "@entrain/connectors/entra";
import type { Selectable, Transaction } from "kysely";
import type { DB } from "./schema.ts";
import type { Store } from "./store.ts";

/** When a credential ends, as it was last learnt. Times in milliseconds UTC. */
export interface KnownEnd extends CredentialEnd {
  readonly checkedAt: number;
}

/** An end that somebody was told of. */
export interface ToldEnd {
  readonly kind: CredentialEnd["kind"];
  readonly endsAt: number;
}

/** What is known of a connection's credentials, in their order. */
export async function knownEnds(store: Store, connection: string): Promise<readonly KnownEnd[]> {
  const rows = await store.db
    .selectFrom("credential_ends")
    .selectAll()
    .where("connection", "=", connection)
    .orderBy("position")
    .execute();
  return rows.map(knownOf);
}

/** What stands while nobody is asked: what the registration told before stays in the place of what was seen without it. */
export async function standingEnds(
  store: Store,
  connection: string,
  seen: readonly CredentialEnd[],
): Promise<readonly CredentialEnd[]> {
  const before = await knownEnds(store, connection);
  return seen
    .filter(({ ends }) => ends)
    .map((end) => before.find((one) => one.at === end.at && stillStands(one, end)) ?? end);
}

function knownOf(row: EndRow): KnownEnd {
  return {
    at: row.position,
    kind: row.kind as CredentialEnd["kind"],
    endsAt: row.ends_at,
    toldBy: row.told_by as CredentialEnd["toldBy"],
    ends: true,
    checkedAt: row.checked_at,
  };
}

/** Keeps what was learnt, beside what a registration told before that could not be asked this time. */
export async function saveEnds(store: Store, connection: string, ends: readonly CredentialEnd[]): Promise<void> {
  await store.transaction(
    async (tx) => {
      const before = await tx
        .deleteFrom("credential_ends")
        .where("connection", "=", connection)
        .returningAll()
        .execute();
      const rows = ends.flatMap((end) => {
        if (!end.ends) return [];
        const { at, kind, endsAt, toldBy } = end;
        const told = before.find((row) => row.position === at && stillStands(knownOf(row), end));
        return [
          told ?? { connection, position: at, kind, ends_at: endsAt, told_by: toldBy, checked_at: store.clock.now() },
        ];
      });
      if (rows.length === 0) return;
      // Another process may have written between the two: what was learnt last stands.
      await tx
        .insertInto("credential_ends")
        .values(rows)
        .onConflict((conflict) =>
          conflict.columns(["connection", "position"]).doUpdateSet((eb) => ({
            kind: eb.ref("excluded.kind"),
            ends_at: eb.ref("excluded.ends_at"),
            told_by: eb.ref("excluded.told_by"),
            checked_at: eb.ref("excluded.checked_at"),
          })),
        )
        .execute();
    },
    { repeatable: true },
  );
}

type EndRow = Selectable<DB["credential_ends"]>;

/** What the registration told outlives a look that could not ask it: just then a credential has often ended. */
function stillStands(told: KnownEnd, { kind, endsAt, toldBy, unasked }: CredentialEnd): boolean {
  if (unasked !== true || told.kind !== kind || told.toldBy !== "registration" || told.endsAt === null) return false;
  return toldBy !== "certificate" || endsAt === null || told.endsAt < endsAt;
}

/**
 * Marks the end of a credential as told at a threshold. False when that or a lesser one was marked already: of several
 * who look at the same time, one alone tells.
 */
export async function markTold(
  tx: Transaction<DB>,
  connection: string,
  { kind, endsAt, threshold }: ToldEnd & { readonly threshold: number },
): Promise<boolean> {
  const marked = await tx
    .insertInto("credential_warnings")
    .values({ connection, kind, ends_at: endsAt, threshold })
    .onConflict((conflict) =>
      conflict
        .columns(["connection", "kind", "ends_at"])
        .doUpdateSet({ threshold })
        .where("credential_warnings.threshold", ">", threshold),
    )
    .returning("threshold")
    .execute();
  return marked.length > 0;
}

/** The ends of a connection's credentials that somebody was told of. */
export async function toldEnds(tx: Transaction<DB>, connection: string): Promise<readonly ToldEnd[]> {
  const rows = await tx
    .selectFrom("credential_warnings")
    .select(["kind", "ends_at"])
    .where("connection", "=", connection)
    .orderBy("ends_at")
    .execute();
  return rows.map((row) => ({ kind: row.kind as CredentialEnd["kind"], endsAt: row.ends_at }));
}

/** Forgets that an end was told of. False when somebody else did meanwhile. */
export async function forgetTold(tx: Transaction<DB>, connection: string, { kind, endsAt }: ToldEnd): Promise<boolean> {
  const forgotten = await tx
    .deleteFrom("credential_warnings")
    .where("connection", "=", connection)
    .where("kind", "=", kind)
    .where("ends_at", "=", endsAt)
    .returning("kind")
    .execute();
  return forgotten.length > 0;
}
