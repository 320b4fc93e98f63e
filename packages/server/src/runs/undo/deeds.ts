import type { AppliedChange, Attributes } from "@entrain/core";
import { Scratch } from "../../store/scratch.ts";
import type { Store } from "../../store/store.ts";
import { ACTIVATED, DISABLED } from "../applying.ts";

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
  /** Of a deletion: the record was disabled. */
  readonly wasDisabled: boolean;
}

/** Which changes of a run are meant: all of them, or those of some records, or those with some numbers. */
export type Chosen =
  | { readonly records?: ReadonlySet<string>; readonly ordinals?: never }
  | { readonly records?: never; readonly ordinals: ReadonlySet<number> };

/** Of a record that the run deleted: another one that matches it by now, in words, and whether it comes back, or is back. */
interface Judged {
  readonly objectId: string;
  readonly found: string | null;
  readonly comesBack: boolean;
}

const SCHEMA = `
  create table changes (object_id text, place integer primary key, ordinal integer, action text, body text);
  create index changes_by_object on changes (object_id, place);
  create index changes_by_ordinal on changes (ordinal);
  create table deleted (object_id text primary key, found text, comes_back integer) without rowid;`;
const PAGE = 1000;
/** A join that needed no write, or a creation whose first answer nobody heard, took effect all the same. */
const SILENT = ["join", "create"];
export const PARTIAL: readonly string[] = ["refused", "conflict"];

/**
 * The applied changes of one run, gathered by record. They lie in a scratch database meanwhile: memory does not grow with the run.
 */
export class Deeds {
  readonly #scratch = new Scratch(SCHEMA);

  private constructor() {}

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
          return isMeant && tookEffect(row) ? [row] : [];
        }),
      );
    }
    return deeds;
  }

  close(): void {
    this.#scratch.close();
  }

  /** Those of the chosen records, or of the chosen numbers, that the run changed nothing of. */
  missing({ records, ordinals }: Chosen): readonly string[] {
    const has =
      (column: "ordinal" | "object_id") =>
      (value: string | number): boolean =>
        this.#scratch.first(`select 1 from changes where ${column} = ? limit 1`, value) !== undefined;
    if (ordinals !== undefined) return [...ordinals].filter((one) => !has("ordinal")(one)).map(String);
    return [...(records ?? [])].filter((one) => !has("object_id")(one));
  }

  /** Whether the run changed anything of this person or group that is meant. */
  changed(objectId: string): boolean {
    return this.#scratch.first("select 1 from changes where object_id = ? limit 1", objectId) !== undefined;
  }

  /** Whether the run deleted the record of this person or group. */
  deleted(objectId: string): boolean {
    const asked = "select 1 from changes where object_id = ? and action = 'delete' limit 1";
    return this.#scratch.first(asked, objectId) !== undefined;
  }

  /** Keeps of records that the run deleted what of the target now matches them, and whether they come back. */
  judge(deleted: readonly Judged[]): void {
    this.#scratch.together(() => {
      for (const { objectId, found, comesBack } of deleted)
        this.#scratch.run("insert into deleted values (?, ?, ?)", objectId, found, Number(comesBack));
    });
  }

  /** Of a person or group whose record the run deleted: what was found out of it by {@link judge}. */
  judged(objectId: string): Omit<Judged, "objectId"> {
    const row = this.#scratch.first("select found, comes_back from deleted where object_id = ?", objectId);
    return { found: row?.found == null ? null : String(row.found), comesBack: row?.comes_back === 1 };
  }

  /** The changes of each record together, batch by batch of so many records. */
  *batches(size: number): Generator<ReadonlyMap<string, readonly JournalledChange[]>> {
    let after = "";
    for (;;) {
      const some = "select distinct object_id from changes where object_id > ? order by object_id limit ?";
      const ids = this.#scratch.all(some, after, size).map((row) => String(row.object_id));
      const last = ids.at(-1);
      if (last === undefined) return;
      const theirs = "select body from changes where object_id > ? and object_id <= ? order by object_id, place";
      const rows = this.#scratch
        .all(theirs, after, last)
        .map((row) => JSON.parse(String(row.body)) as JournalledChange);
      after = last;
      yield Map.groupBy(rows, (row) => row.objectId);
    }
  }

  #add(changes: readonly OutcomeRow[]): void {
    this.#scratch.together(() => {
      for (const { status: _, sequence, ...change } of changes) {
        const { objectId, ordinal, action } = change;
        const insert = "insert into changes values (?, ?, ?, ?, ?)";
        this.#scratch.run(insert, objectId, sequence, ordinal, action, JSON.stringify(change));
      }
    });
  }
}

type OutcomeRow = JournalledChange & { readonly status: string; readonly sequence: number };

/** Of memberships that were refused, those that took effect all the same stand in the outcome itself. */
function tookEffect({ status, action, after }: OutcomeRow): boolean {
  if (status === "applied") return true;
  return status === "unchanged" ? SILENT.includes(action) : action === "members" && after !== null;
}

/** Outcomes of a run in the order of its changes, each with what the last intent of its change said before and after. */
async function outcomesPage(
  store: Store,
  { stream, run }: { readonly stream: string; readonly run: string },
  after: { readonly ordinal: number; readonly sequence: number },
): Promise<readonly OutcomeRow[]> {
  const outcomes = await store.db
    .selectFrom("journal")
    .leftJoin("journal_values as said", (join) =>
      join.onRef("said.stream", "=", "journal.stream").onRef("said.sequence", "=", "journal.sequence"),
    )
    .select(["journal.plan", "journal.ordinal", "journal.sequence", "journal.object_id", "journal.action"])
    .select(["journal.status", "journal.record_id", "said.after"])
    .where("journal.run", "=", run)
    .where("journal.stream", "=", stream)
    .where("journal.type", "=", "outcome")
    .where("journal.status", "in", ["applied", "unchanged", ...PARTIAL])
    .where((eb) => eb(eb.refTuple("journal.ordinal", "journal.sequence"), ">", eb.tuple(after.ordinal, after.sequence)))
    .orderBy("journal.ordinal")
    .orderBy("journal.sequence")
    .limit(PAGE)
    .execute();
  const intents = await intentsOf(
    store,
    { stream, run },
    outcomes.map(({ ordinal }) => ordinal ?? 0),
  );
  return outcomes.map(({ plan, ordinal, sequence, object_id, action, status, record_id, after }) => {
    const said = intents.get(keyOf(plan, ordinal)) ?? NOTHING_SAID;
    return {
      ...{ ordinal: ordinal ?? 0, sequence, objectId: object_id ?? "", action: action ?? "", status: status ?? "" },
      ...{ recordId: record_id ?? "", ...said },
      ...(PARTIAL.includes(status ?? "") ? { after: parsed(after) } : {}),
    };
  });
}

type Intent = Pick<JournalledChange, "before" | "after" | "activated" | "wasDisabled">;

const NOTHING_SAID: Intent = { before: null, after: null, activated: false, wasDisabled: false };

/** One run may apply several plans, each with numbers of its own. */
export function keyOf(plan: string | null, ordinal: number | null): string {
  return `${plan ?? ""} ${ordinal ?? 0}`;
}

/** What the intents of these changes say, by plan and number. */
export async function intentsOf(
  store: Store,
  { stream, run }: { readonly stream: string; readonly run: string },
  ordinals: readonly number[],
): Promise<ReadonlyMap<string, Intent>> {
  const found = new Map<string, Intent>();
  for (let at = 0; at < ordinals.length; at += 500) {
    const rows = await store.db
      .selectFrom("journal")
      .leftJoin("journal_values as said", (join) =>
        join.onRef("said.stream", "=", "journal.stream").onRef("said.sequence", "=", "journal.sequence"),
      )
      .select(["journal.plan", "journal.ordinal", "journal.code", "said.before", "said.after"])
      .where("journal.run", "=", run)
      .where("journal.stream", "=", stream)
      .where("journal.type", "=", "intent")
      .where("journal.ordinal", "in", ordinals.slice(at, at + 500))
      .orderBy("journal.sequence")
      .execute();
    for (const { plan, ordinal, code, before, after } of rows) {
      const said = { before: parsed(before), after: parsed(after) };
      found.set(keyOf(plan, ordinal), { ...said, activated: code === ACTIVATED, wasDisabled: code === DISABLED });
    }
  }
  return found;
}

export function parsed(text: string | null): Attributes | null {
  return text === null ? null : (JSON.parse(text) as Attributes);
}

/** A journalled change of a record itself in core's terms. */
export function appliedChange({ action, recordId, before, after, activated }: JournalledChange): AppliedChange {
  return { action: action as AppliedChange["action"], recordId, before, after, activated };
}

/** The members that a membership change names. */
export function movesIn(after: Attributes | null): {
  readonly add: readonly string[];
  readonly remove: readonly string[];
} {
  const ids = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);
  return { add: ids(after?.add), remove: ids(after?.remove) };
}
