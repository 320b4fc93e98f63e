import type { CredentialEnd } from "@entrain/connectors/entra";
import type { Store } from "./store.ts";

/** When a credential ends, as it was last learnt. Times in milliseconds UTC. */
export interface KnownEnd extends CredentialEnd {
  readonly checkedAt: number;
  /** The least threshold, in days before the end, that was told of. */
  readonly warned: number | null;
}

/** What is known of a connection's credentials, in their order. */
export async function knownEnds(store: Store, connection: string): Promise<readonly KnownEnd[]> {
  const rows = await store.db
    .selectFrom("credential_ends")
    .selectAll()
    .where("connection", "=", connection)
    .orderBy("position")
    .execute();
  return rows.map((row) => ({
    at: row.position,
    kind: row.kind as CredentialEnd["kind"],
    endsAt: row.ends_at,
    toldBy: row.told_by as CredentialEnd["toldBy"],
    ends: true,
    checkedAt: row.checked_at,
    warned: row.warned,
  }));
}

/** Keeps what was learnt. Another end is another credential: its warnings begin anew. */
export async function saveEnds(store: Store, connection: string, ends: readonly CredentialEnd[]): Promise<void> {
  const known = new Map((await knownEnds(store, connection)).map((one) => [one.at, one]));
  const rows = ends.flatMap(({ at, kind, endsAt, toldBy, ends: ending }) => {
    if (!ending) return [];
    const before = known.get(at);
    const same = before !== undefined && before.kind === kind && before.endsAt === endsAt;
    const warned = same ? before.warned : null;
    const told = { ends_at: endsAt, told_by: toldBy, checked_at: store.clock.now(), warned };
    return [{ connection, position: at, kind, ...told }];
  });
  await store.transaction(
    async (tx) => {
      await tx.deleteFrom("credential_ends").where("connection", "=", connection).execute();
      if (rows.length > 0) await tx.insertInto("credential_ends").values(rows).execute();
    },
    { repeatable: true },
  );
}

/** Remembers that a threshold was told of. */
export async function markWarned(store: Store, connection: string, at: number, days: number): Promise<void> {
  await store.transaction(
    (tx) =>
      tx
        .updateTable("credential_ends")
        .set({ warned: days })
        .where("connection", "=", connection)
        .where("position", "=", at)
        .execute(),
    { repeatable: true },
  );
}
