import type { DatabaseSync } from "node:sqlite";
import type { AppliedChange, Attributes } from "@entrain/core";
import { openScratch } from "../../store/scratch.ts";
import type { Store } from "../../store/store.ts";
import { ACTIVATED } from "../applying.ts";

/** One applied change of a run, as its intent and its outcome tell it. */
export interface JournalledChange {
  readonly ordinal: number;
  readonly objectId: string;
  /** `lookup` for a value created in one of the target's lookups. */
  readonly action: string;
  readonly recordId: string;
  readonly before: Attributes | null;
  readonly after: Attributes | null;
  /** Of a join: it enabled the record. */
  readonly activated: boolean;
}

/** Which changes of a run are meant: all of them, or those of some records or with some numbers. */
export interface Chosen {
  readonly records?: ReadonlySet<string>;
  readonly ordinals?: ReadonlySet<number>;
}

const PAGE = 1000;
/** A join that needed no write, or a creation whose first answer nobody heard, took effect all the same. */
const SILENT = ["join", "create"];

/**
 * The applied changes of one run, gathered by record. They come out of the journal in the order in which they were made, and
 * lie in a scratch database meanwhile: memory does not grow with the run.
 */
export class Deeds {
  readonly #database: DatabaseSync = openScratch();

  private constructor() {
    this.#database.exec("create table changes (object_id text, place integer primary key, body text)");
  }

  static async read(
    store: Store,
    of: { readonly stream: string; readonly run: string },
    { records, ordinals }: Chosen,
  ): Promise<Deeds> {
    const deeds = new Deeds();
    let after = { ordinal: -1, sequence: -1 };
    for (;;) {
      const page = await outcomesPage(store, of, after);
      const last = page.at(-1);
      if (last === undefined) break;
      after = last;
      deeds.#add(
        page.flatMap((row) => {
          const isMeant = ordinals?.has(row.ordinal) ?? records?.has(row.objectId) ?? true;
          return isMeant && (row.status === "applied" || SILENT.includes(row.action)) ? [row] : [];
        }),
      );
    }
    deeds.#database.exec("create index changes_by_object on changes (object_id, place)");
    return deeds;
  }

  close(): void {
    this.#database.close();
  }

  /** The changes of each record together, batch by batch of so many records. */
  *batches(size: number): Generator<ReadonlyMap<string, readonly JournalledChange[]>> {
    let after = "";
    for (;;) {
      const ids = this.#database
        .prepare("select distinct object_id from changes where object_id > ? order by object_id limit ?")
        .all(after, size)
        .map((row) => String(row.object_id));
      const last = ids.at(-1);
      if (last === undefined) return;
      const rows = this.#database
        .prepare("select object_id, body from changes where object_id > ? and object_id <= ? order by object_id, place")
        .all(after, last)
        .map((row) => JSON.parse(String(row.body)) as JournalledChange);
      after = last;
      yield Map.groupBy(rows, (row) => row.objectId);
    }
  }

  #add(changes: readonly OutcomeRow[]): void {
    const insert = this.#database.prepare("insert into changes values (?, null, ?)");
    this.#database.exec("begin");
    for (const { status: _, sequence: __, ...change } of changes) {
      insert.run(change.objectId, JSON.stringify(change));
    }
    this.#database.exec("commit");
  }
}

type OutcomeRow = JournalledChange & { readonly status: string; readonly sequence: number };

/** Outcomes of a run in the order of its changes, each with what its last intent said before and after. */
async function outcomesPage(
  store: Store,
  { stream, run }: { readonly stream: string; readonly run: string },
  after: { readonly ordinal: number; readonly sequence: number },
): Promise<readonly OutcomeRow[]> {
  const outcomes = await store.db
    .selectFrom("journal")
    .select(["ordinal", "sequence", "object_id", "action", "status", "record_id"])
    .where("run", "=", run)
    .where("stream", "=", stream)
    .where("type", "=", "outcome")
    .where("status", "in", ["applied", "unchanged"])
    .where((eb) => eb(eb.refTuple("ordinal", "sequence"), ">", eb.tuple(after.ordinal, after.sequence)))
    .orderBy("ordinal")
    .orderBy("sequence")
    .limit(PAGE)
    .execute();
  const intents = await intentsOf(
    store,
    { stream, run },
    outcomes.map(({ ordinal }) => ordinal ?? 0),
  );
  return outcomes.map(({ ordinal, sequence, object_id, action, status, record_id }) => ({
    ...{ ordinal: ordinal ?? 0, sequence, objectId: object_id ?? "", action: action ?? "", status: status ?? "" },
    recordId: record_id ?? "",
    ...(intents.get(ordinal ?? 0) ?? { before: null, after: null, activated: false }),
  }));
}

type Intent = Pick<JournalledChange, "before" | "after" | "activated">;

async function intentsOf(
  store: Store,
  { stream, run }: { readonly stream: string; readonly run: string },
  ordinals: readonly number[],
): Promise<ReadonlyMap<number, Intent>> {
  const found = new Map<number, Intent>();
  for (let at = 0; at < ordinals.length; at += 500) {
    const rows = await store.db
      .selectFrom("journal")
      .leftJoin("journal_values as said", (join) =>
        join.onRef("said.stream", "=", "journal.stream").onRef("said.sequence", "=", "journal.sequence"),
      )
      .select(["journal.ordinal", "journal.code", "said.before", "said.after"])
      .where("journal.run", "=", run)
      .where("journal.stream", "=", stream)
      .where("journal.type", "=", "intent")
      .where("journal.ordinal", "in", ordinals.slice(at, at + 500))
      .orderBy("journal.sequence")
      .execute();
    for (const { ordinal, code, before, after } of rows) {
      found.set(ordinal ?? 0, { before: parsed(before), after: parsed(after), activated: code === ACTIVATED });
    }
  }
  return found;
}

function parsed(text: string | null): Attributes | null {
  return text === null ? null : (JSON.parse(text) as Attributes);
}

/** A journalled change of a record itself in core's terms. */
export function appliedChange({ action, recordId, before, after, activated }: JournalledChange): AppliedChange {
  return { action: action as AppliedChange["action"], recordId, before, after, activated };
}
