import type { Licence } from "@entrain/core";
import type { Transaction } from "kysely";
import type { DB } from "./schema.ts";
import type { Store } from "./store.ts";

type Reader = Store["db"] | Transaction<DB>;

/** What is known of the licences that a tenant has. */
export type KnownLicences =
  | { readonly held: readonly Licence[] }
  /** The source does not tell them, so only those are known that somebody had: object ids, from the records up to a change number. */
  | { readonly refused: string; readonly seen: readonly string[]; readonly upto: number };

/** `null`: nobody asked yet. */
export async function loadLicences(db: Reader, connection: string): Promise<KnownLicences | null> {
  const row = await db
    .selectFrom("connections")
    .select("licences")
    .where("id", "=", connection)
    .executeTakeFirstOrThrow();
  return row.licences === null ? null : (JSON.parse(row.licences) as KnownLicences);
}

/** Keeps what is known; the caller holds the connection's read lease. */
export async function saveLicences(tx: Transaction<DB>, connection: string, known: KnownLicences): Promise<void> {
  await tx
    .updateTable("connections")
    .set({ licences: JSON.stringify(known) })
    .where("id", "=", connection)
    .execute();
}

/** Which of these licences, named by part number or id, the tenant is not known to have; none while nobody asked. */
export function unknownAmong(known: KnownLicences | null, wanted: readonly string[]): readonly string[] {
  if (known === null) return [];
  const names = "held" in known ? known.held.flatMap(({ id, name }) => [id, name]) : known.seen;
  const all = new Set(names.map((name) => name.toLowerCase()));
  return wanted.filter((name) => !all.has(name.toLowerCase()));
}
