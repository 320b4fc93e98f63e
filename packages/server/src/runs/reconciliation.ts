import type { SourceKind, SourcePage } from "@entrain/core";
import type { Transaction } from "kysely";
import { changedIn, MOST_DIFFERENCES, removedIn } from "../store/differences.ts";
import { unknownAmong } from "../store/directory.ts";
import { appendJournal } from "../store/journal.ts";
import type { DB } from "../store/schema.ts";
import type { Store } from "../store/store.ts";

interface Of {
  readonly connection: string;
  readonly kind: SourceKind;
  /** The connection's change number when the round began. */
  readonly from: number;
}

/**
 * What a repeated full round found that no delta had told: records that had come, changed or gone. What the delta behind it tells
 * after all (changes of that very time) does not count, and no more than {@link MOST_DIFFERENCES} of each kind are counted.
 */
export class Reconciliation {
  readonly #of: Of;
  readonly #added = new Set<string>();
  #changed: ReadonlySet<string> = new Set();
  readonly #told = new Set<string>();
  #isWhole = false;

  constructor(of: Of) {
    this.#of = of;
  }

  /** Looks at a page before it is merged. */
  async meet(tx: Transaction<DB>, page: SourcePage): Promise<void> {
    const ids = page.records.map(({ id }) => id);
    const into = page.round === "delta" ? this.#told : this.#added;
    if (into.size >= MOST_DIFFERENCES) return;
    const found = into === this.#told ? ids : await unknownAmong(tx, this.#of.connection, ids);
    for (const id of found) into.add(id);
  }

  /** The round's last page was merged. */
  async complete(tx: Transaction<DB>): Promise<void> {
    this.#changed = new Set(await changedIn(tx, this.#of));
    this.#isWhole = true;
  }

  /** Writes the differences to the journal and beside the watermark, once the absent records were looked up. */
  async close(tx: Transaction<DB>, store: Store, run: string | null): Promise<void> {
    if (!this.#isWhole) return;
    const missed = (ids: Iterable<string>): number => [...ids].filter((id) => !this.#told.has(id)).length;
    const removed = new Set(await removedIn(tx, this.#of));
    const changed = [...this.#changed].filter((id) => !this.#added.has(id) && !removed.has(id));
    const after = { added: missed(this.#added), changed: missed(changed), removed: missed(removed) };
    const what = this.#of.kind === "user" ? "people" : `${this.#of.kind}s`;
    const detail = `All ${what} were read again. Of what no delta had told, ${told(after.added)} had come, ${told(after.changed)} had changed and ${told(after.removed)} had gone.`;
    const actor = { kind: "system", id: "reconciliation" };
    const reconciled = JSON.stringify({ at: store.clock.now(), ...after });
    await tx
      .updateTable("watermarks")
      .set({ reconciled })
      .where("connection", "=", this.#of.connection)
      .where("kind", "=", this.#of.kind)
      .execute();
    await appendJournal(tx, store, "system", [{ type: "reconciled", actor, run, kind: this.#of.kind, after, detail }]);
  }
}

function told(count: number): string {
  return count < MOST_DIFFERENCES ? `${count}` : `${count} or more`;
}
