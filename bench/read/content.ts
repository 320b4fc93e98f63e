import { createHash } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Counts and digests a directory's people, so that a benchmark can prove that all contenders wrote the same. */
export function contentOf(folder: string): { readonly rows: number; readonly digest: string } {
  const file = new DatabaseSync(join(folder, "entrain.sqlite"), { readOnly: true });
  try {
    const hash = createHash("sha256");
    let rows = 0;
    const statement = file.prepare(
      "select id, attributes, manager, removed, round from records order by connection, id",
    );
    for (const { id, attributes, manager, removed, round } of statement.iterate()) {
      const values = Object.entries(JSON.parse(String(attributes)) as object).sort(([a], [b]) => (a < b ? -1 : 1));
      hash.update(JSON.stringify([id, values, manager, removed, round]));
      rows += 1;
    }
    return { rows, digest: hash.digest("hex") };
  } finally {
    file.close();
  }
}
