import { type Attributes, isConcealed, type SyncDefinition, sameValue, type Value } from "@entrain/core";
import { sql } from "kysely";
import type { Actor } from "../store/journal.ts";
import type { Store } from "../store/store.ts";
import { streamOf } from "./applying.ts";
import { nameIn } from "./names.ts";
import { shownKnown } from "./sensitive.ts";

/** One entry of the journal as it is shown; what was erased since is `null`, and nothing sensitive stands in it. */
export interface JournalView {
  readonly stream: string;
  readonly sequence: number;
  readonly at: number;
  readonly actor: Actor;
  readonly type: string;
  readonly run: string | null;
  readonly plan: string | null;
  readonly ordinal: number | null;
  /** The target's name, or its id where it is gone. */
  readonly target: string | null;
  readonly kind: string | null;
  readonly objectId: string | null;
  readonly recordId: string | null;
  readonly action: string | null;
  readonly cause: string | null;
  readonly status: string | null;
  readonly code: string | null;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly before: Value;
  readonly after: Value;
}

/** Of whom or what the journal is asked: one of these, or nothing for everything. */
export interface JournalOf {
  readonly person?: string;
  /** A record of a target: it is found by whose it was made or joined for. */
  readonly record?: { readonly target: string; readonly id: string };
  readonly run?: string;
  /** A sync's id. */
  readonly sync?: string;
}

/** Where a page ends: entries are in the order of time, and of the journal's streams at one moment. */
export interface JournalKey {
  readonly at: number;
  readonly stream: string;
  readonly sequence: number;
}

export interface JournalPage {
  readonly since: number | null;
  readonly until: number | null;
  /** Entries older than this one. */
  readonly before: JournalKey | null;
  readonly limit: number;
}

/** A page of the journal, newest first. Intents are told with their outcomes: each is an entry of its own. */
export async function journalPage(store: Store, of: JournalOf, page: JournalPage): Promise<readonly JournalView[]> {
  const objects = of.record === undefined ? null : await objectsBehind(store, of.record);
  const rows = await store.db
    .selectFrom("journal")
    .leftJoin("journal_values as said", (join) =>
      join.onRef("said.stream", "=", "journal.stream").onRef("said.sequence", "=", "journal.sequence"),
    )
    .leftJoin("targets", "targets.id", "journal.target")
    .selectAll("journal")
    .select(["said.before", "said.after", "said.reason", "said.detail", "targets.name as target_name"])
    .$if(of.person !== undefined, (query) => query.where("journal.object_id", "=", of.person ?? ""))
    .$if(of.run !== undefined, (query) => query.where("journal.run", "=", of.run ?? ""))
    .$if(of.sync !== undefined, (query) => query.where("journal.stream", "=", streamOf({ id: of.sync ?? "" })))
    .$if(objects !== null, (query) =>
      query
        .where("journal.object_id", "in", [...(objects ?? []), ""])
        .where("journal.target", "=", of.record?.target ?? "")
        .where((eb) => eb.or([eb("journal.record_id", "=", of.record?.id ?? ""), eb("journal.record_id", "is", null)])),
    )
    .$if(page.since !== null, (query) => query.where("journal.at", ">=", page.since ?? 0))
    .$if(page.until !== null, (query) => query.where("journal.at", "<", page.until ?? 0))
    .$if(page.before !== null, (query) => {
      const { at, stream, sequence } = page.before ?? { at: 0, stream: "", sequence: 0 };
      return query.where((eb) =>
        eb(
          eb.refTuple("journal.at", "journal.stream", "journal.sequence"),
          "<",
          eb.tuple(sql<number>`${at}`, sql<string>`${stream}`, sql<number>`${sequence}`),
        ),
      );
    })
    .orderBy("journal.at", "desc")
    .orderBy("journal.stream", "desc")
    .orderBy("journal.sequence", "desc")
    .limit(page.limit)
    .execute();
  const masks = await masksOf(
    store,
    rows.map(({ stream }) => stream),
  );
  const shown = (stream: string, text: string | null): Value => {
    const value = text === null ? null : (JSON.parse(text) as Value);
    return isAttributes(value) ? shownKnown(value, { mapping: masks.get(stream) ?? {} }) : value;
  };
  const reasonOf = ({ stream, before, after, reason }: (typeof rows)[number]): string | null => {
    if (reason === null || before === null || after === null) return reason;
    return tellsSensitive({ before, after }, masks.get(stream) ?? {}) ? NOW_SENSITIVE : reason;
  };
  return rows.map((row) => ({
    ...{ stream: row.stream, sequence: row.sequence, at: row.at },
    actor: { kind: row.actor_kind, id: row.actor_id },
    ...{ type: row.type, run: row.run, plan: row.plan, ordinal: row.ordinal, kind: row.kind },
    target: row.target_name ?? row.target,
    ...{ objectId: row.object_id, recordId: row.record_id, action: row.action, cause: row.cause },
    ...{ status: row.status, code: row.code, reason: reasonOf(row), detail: row.detail },
    before: shown(row.stream, row.before),
    after: shown(row.stream, row.after),
  }));
}

const NOW_SENSITIVE = "What it says was written is sensitive by now.";

/** A reason says from what to what a value changed, in plain where its attribute was marked sensitive later. */
function tellsSensitive(
  said: { readonly before: string; readonly after: string },
  mapping: SyncDefinition["mapping"],
): boolean {
  const [before, after] = [said.before, said.after].map((text) => JSON.parse(text) as Value);
  if (!isAttributes(before) || !isAttributes(after)) return false;
  const shownThen = shownKnown(after, { mapping });
  return Object.entries(after).some(
    ([name, value]) =>
      !isConcealed(value) && !sameValue(shownThen[name] ?? null, value) && !sameValue(before[name] ?? null, value),
  );
}

function isAttributes(value: Value | undefined): value is Attributes {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The mappings of the syncs behind these streams: what they mark sensitive now is not shown, whenever it was written. */
async function masksOf(
  store: Store,
  streams: readonly string[],
): Promise<ReadonlyMap<string, SyncDefinition["mapping"]>> {
  const ids = [...new Set(streams)].flatMap((stream) => (stream.startsWith("sync:") ? [stream.slice(5)] : []));
  if (ids.length === 0) return new Map();
  const rows = await store.db.selectFrom("syncs").select(["id", "definition"]).where("id", "in", ids).execute();
  return new Map(
    rows.map((row) => [streamOf(row), (JSON.parse(row.definition) as Pick<SyncDefinition, "mapping">).mapping]),
  );
}

/** The names of records of any directory, by object id; those without one are left out. */
export async function namesIn(store: Store, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  const wanted = [...new Set(ids)];
  for (let at = 0; at < wanted.length; at += 500) {
    const rows = store.db.selectFrom("records").select(["id", "attributes"]);
    for (const { id, attributes } of await rows.where("id", "in", wanted.slice(at, at + 500)).execute()) {
      const name = nameIn(attributes);
      if (name !== null) names.set(id, name);
    }
  }
  return names;
}

/** For whom a record of a target was made or joined, now or before. */
async function objectsBehind(
  store: Store,
  { target, id }: NonNullable<JournalOf["record"]>,
): Promise<readonly string[]> {
  const linked = await store.db
    .selectFrom("links")
    .select("object_id")
    .where("target", "=", target)
    .where("record_id", "=", id)
    .execute();
  const made = await store.db
    .selectFrom("journal")
    .select("object_id")
    .distinct()
    .where("record_id", "=", id)
    .where("target", "=", target)
    .where("type", "=", "outcome")
    .where("action", "in", ["create", "join"])
    .execute();
  return [...new Set([...linked, ...made].flatMap(({ object_id }) => object_id ?? []))];
}
