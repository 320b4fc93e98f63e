import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Attributes } from "@entrain/core";
import type { Content, Held } from "./content.ts";

/** One intent of the journal, with the plan and the planned change that it names. */
export interface Intent {
  readonly stream: string;
  readonly sequence: number;
  readonly run: string;
  readonly plan: string;
  readonly ordinal: number;
  readonly objectId: string;
  readonly recordId: string | null;
  readonly action: string;
  readonly after: Attributes | null;
  /** What was planned; `null` where the plan has no such change. */
  readonly planned: {
    readonly objectId: string;
    readonly action: string;
    readonly cause: string;
    readonly after: string | null;
    readonly add: string | null;
    readonly remove: string | null;
  } | null;
  /** `changes`, `removals` or `undo`. */
  readonly part: string | null;
  readonly holds: string | null;
  readonly approved: boolean;
}

/** One record of the target, before and after a piece of work; `null`: it was not there. */
export interface Difference {
  readonly before: Held | null;
  readonly after: Held | null;
}

/** Looks into the store from outside, past the engine's code. */
export class StoreReader {
  readonly #database: DatabaseSync;
  readonly #seen = new Map<string, number>();

  constructor(folder: string) {
    this.#database = new DatabaseSync(join(folder, "entrain.sqlite"), { readOnly: true });
  }

  rows(sql: string, ...values: readonly (string | number)[]): readonly { readonly [name: string]: unknown }[] {
    return this.#database.prepare(sql).all(...values) as { readonly [name: string]: unknown }[];
  }

  count(sql: string, ...values: readonly (string | number)[]): number {
    return Number(Object.values(this.rows(sql, ...values)[0] ?? {})[0] ?? 0);
  }

  /** The intents that were journalled since this was asked last. */
  newIntents(): readonly Intent[] {
    const intents: Intent[] = [];
    for (const { stream } of this.rows("select distinct stream from journal where stream like 'sync:%'")) {
      const rows = this.rows(INTENTS, String(stream), this.#seen.get(String(stream)) ?? 0);
      intents.push(...rows.map(intentOf));
      this.#seen.set(String(stream), this.count("select max(sequence) from journal where stream = ?", String(stream)));
    }
    return intents;
  }

  close(): void {
    this.#database.close();
  }
}

const INTENTS = `select j.*, v.after as written, c.object_id as planned_object, c.action as planned_action,
    c.cause as planned_cause, c.after as planned_after, c."add" as planned_add, c.remove as planned_remove,
    p.part, p.holds, p.approved_at
  from journal j left join journal_values v on v.stream = j.stream and v.sequence = j.sequence
    left join plan_changes c on c.plan = j.plan and c.ordinal = j.ordinal left join plans p on p.id = j.plan
  where j.type = 'intent' and j.stream = ? and j.sequence > ? order by j.sequence`;

function intentOf(row: { readonly [name: string]: unknown }): Intent {
  const text = (value: unknown): string | null => (typeof value === "string" ? value : null);
  const written = text(row.written);
  return {
    stream: String(row.stream),
    sequence: Number(row.sequence),
    run: String(row.run),
    plan: String(row.plan),
    ordinal: Number(row.ordinal),
    objectId: String(row.object_id),
    recordId: text(row.record_id),
    action: String(row.action),
    after: written === null ? null : (JSON.parse(written) as Attributes),
    planned:
      row.planned_object === null
        ? null
        : {
            objectId: String(row.planned_object),
            action: String(row.planned_action),
            cause: String(row.planned_cause),
            after: text(row.planned_after),
            add: text(row.planned_add),
            remove: text(row.planned_remove),
          },
    part: text(row.part),
    holds: text(row.holds),
    approved: row.approved_at !== null,
  };
}

/** The records that are not in both as they are in the other. */
export function differencesOf(before: Content, after: Content): readonly Difference[] {
  const ids = new Set([...before.keys(), ...after.keys()]);
  return [...ids].flatMap((id) => {
    const one = { before: before.get(id) ?? null, after: after.get(id) ?? null };
    return JSON.stringify(one.before) === JSON.stringify(one.after) ? [] : [one];
  });
}
