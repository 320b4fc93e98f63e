import { type Attributes, byCodeUnits, type Value } from "@entrain/core";
import { type KnownLicences, loadLicences, saveLicences } from "../store/licences.ts";
import type { ReadOptions } from "./read.ts";

const SCAN = 1000;

/**
 * Learns which licences the tenant has, for a scope that names some. Where the source does not tell them, those count that somebody in
 * the directory has or had; only records that changed since the last time are looked through for them.
 */
export async function readLicences(options: ReadOptions): Promise<void> {
  const { store, source, connection, lease, signal } = options;
  options.onProgress({ phase: "reading", detail: "licences", done: 0, total: null });
  const told = (await source.licences?.(signal)) ?? { refused: "the source tells no licences" };
  const known = "refused" in told ? await seenLicences(options, told.refused) : { held: told };
  await store.fenced(lease, (tx) => saveLicences(tx, connection, known));
}

async function seenLicences({ store, connection }: ReadOptions, refused: string): Promise<KnownLicences> {
  const before = await loadLicences(store.db, connection);
  // What was told once is not forgotten with the permission.
  const told = before !== null && "held" in before ? before.held.flatMap(({ id, name }) => [id, name]) : [];
  const seen = new Set(before !== null && "seen" in before ? before.seen : told);
  let upto = before !== null && "seen" in before ? before.upto : 0;
  for (;;) {
    const rows = await store.db
      .selectFrom("records")
      .select(["attributes", "sequence"])
      .where("connection", "=", connection)
      .where("kind", "=", "user")
      .where("sequence", ">", upto)
      .orderBy("sequence")
      .limit(SCAN)
      .execute();
    for (const row of rows) for (const one of licencesIn(JSON.parse(row.attributes) as Attributes)) seen.add(one);
    const last = rows.at(-1);
    if (last === undefined) return { refused, seen: [...seen].sort(byCodeUnits), upto };
    upto = last.sequence;
  }
}

function licencesIn({ assignedLicenses, licences }: Attributes): readonly string[] {
  const ids = list(assignedLicenses).flatMap((one) =>
    typeof one === "object" && one !== null && "skuId" in one ? [one.skuId] : [],
  );
  return [...ids, ...list(licences)].flatMap((one) => (typeof one === "string" ? [one.toLowerCase()] : []));
}

function list(value: Value | undefined): readonly Value[] {
  return Array.isArray(value) ? value : [];
}
