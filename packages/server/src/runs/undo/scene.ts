import {
  type Attributes,
  type Deed,
  isEmpty,
  isReference,
  type KnownLink,
  kindsReferred,
  matchedAttribute,
  matchKeys,
  type Reference,
  recordName,
  type TargetRecord,
  type UndoScene,
  type Value,
} from "@entrain/core";
import { type DirectoryRow, loadRecords } from "../../store/directory.ts";
import { type LinkRow, loadLinks, loadLinksByKind } from "../../store/links.ts";
import { inSourceForm, linkedPeople, withLookups } from "../as-compared.ts";
import { concealedKnown } from "../conceal-links.ts";
import { nameIn } from "../names.ts";
import type { BatchContext } from "../plan-context.ts";

/** A record of the target as it stands now, references in source form. */
export type Present = NonNullable<UndoScene["present"]>;

/** What undoing a batch of records looks at: links, the target's records, and names. */
export interface Around {
  readonly links: ReadonlyMap<string, LinkRow>;
  readonly rows: ReadonlyMap<string, DirectoryRow>;
  readonly present: ReadonlyMap<string, Present>;
  readonly nameOf: (objectId: string) => string | null;
  /** Whether somebody has a record that an attribute can refer to. */
  readonly isLinked: (reference: Reference, attribute: string) => boolean;
}

/** Looks up everything about these records that undoing asks for, a few requests for all of them. */
export async function aroundOf(context: BatchContext, ids: readonly string[], deeds: readonly Deed[]): Promise<Around> {
  const { store, space, kind, sync } = context;
  const recordIds = deeds.map(({ recordId }) => recordId);
  const links = await loadLinks(store.db, space, [kind.name], ids);
  const present = await presentOf(context, recordIds);
  const known = [...links.values()].flatMap((link) => referredIn(JSON.parse(link.known) as Attributes));
  const wanted = deeds.flatMap(({ fields }) =>
    [...fields.values()].flatMap(({ from }) => (isReference(from) ? [from.$ref] : [])),
  );
  const named = [...known, ...wanted];
  const referred = await loadLinksByKind(store.db, space, kind.attributes.flatMap(kindsReferred), [...new Set(wanted)]);
  const rows = await loadRecords(store.db, sync.connection, [...new Set([...ids, ...named])]);
  const nameOf = (id: string): string | null => {
    const row = rows.get(id);
    return row === undefined ? null : nameIn(row.attributes);
  };
  const isLinked = ({ $ref, $kind }: Reference, name: string): boolean => {
    const declared = kind.attributes.find((attribute) => attribute.name === name);
    const kinds = $kind === undefined ? kindsReferred(declared ?? {}) : [$kind];
    return kinds.some((one) => referred.get(one)?.has($ref) === true);
  };
  return { links, rows, present, nameOf, isLinked };
}

function referredIn(attributes: Attributes): readonly string[] {
  return Object.values(attributes).flatMap((value) => (isReference(value) ? [value.$ref] : []));
}

/** What `Target.get` takes at once. */
const MOST_IDS = 100;

/** Records of the target as they stand now, by record id; what it does not hold is missing. */
export async function presentOf(
  context: BatchContext,
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, Present>> {
  const { target, kind, signal, mapping } = context;
  const present = new Map<string, Present>();
  const ids = [...new Set(recordIds)];
  for (let at = 0; at < ids.length; at += MOST_IDS) {
    const got = await target.get(kind.name, ids.slice(at, at + MOST_IDS), { members: false }, signal);
    const records = await withLookups(context, got);
    const values = records.flatMap(({ attributes }) => Object.values(attributes));
    const people = await linkedPeople(context, values);
    for (const { id, attributes, active } of records) {
      const entries = kind.attributes.flatMap((attribute): readonly (readonly [string, Value])[] => {
        const value = attributes[attribute.name];
        if (value === undefined) return [];
        return [[attribute.name, inSourceForm(value, attribute, people) ?? mapping.concealed(attribute.name, value)]];
      });
      present.set(id, { attributes: Object.fromEntries(entries), active });
    }
  }
  return present;
}

/** A link as core compares it. */
export function linkNow(link: LinkRow | undefined, { sync, mapping }: BatchContext): KnownLink | null {
  if (link === undefined) return null;
  return {
    recordId: link.record_id,
    origin: link.origin as KnownLink["origin"],
    owned: link.sync === sync.id,
    known: concealedKnown(mapping, JSON.parse(link.known) as Attributes),
    active: link.active === 1,
  };
}

/** For records that the run deleted, with what they held: which of them somebody made again, found by what the sync matches by. */
export async function foundAgain(
  context: BatchContext,
  deleted: ReadonlyMap<string, Attributes>,
): Promise<ReadonlyMap<string, string>> {
  const { target, kind, signal, definition } = context;
  const found = new Map<string, string>();
  const attributes = [...new Set(definition.matching.map(matchedAttribute))];
  for (const attribute of attributes) {
    const asking = [...deleted].flatMap(([id, held]) => {
      const value = held[attribute];
      return value === undefined || isEmpty(value) || isReference(value) ? [] : [{ id, value }];
    });
    for (let at = 0; at < asking.length; at += MOST_IDS) {
      const slice = asking.slice(at, at + MOST_IDS);
      const values = slice.map(({ value }) => value);
      const hits = await target.find(kind.name, attribute, values, signal);
      for (const { id, value } of slice) {
        const hit = hits.find((one) => fits(context, one, attribute, value));
        if (hit !== undefined && !found.has(id)) found.set(id, recordName(hit));
      }
    }
  }
  return found;
}

function fits({ kind }: BatchContext, record: TargetRecord, attribute: string, value: Value): boolean {
  const declared = kind.attributes.find(({ name }) => name === attribute) ?? {};
  return matchKeys(record.attributes[attribute], declared).some((key) => matchKeys(value, declared).includes(key));
}

/** Of records that the run deleted: those that were disabled before it, by the last change that says so. */
export async function disabledBefore(
  { store, sync, kind }: BatchContext,
  ids: readonly string[],
  run: string,
): Promise<ReadonlySet<string>> {
  const disabled = new Set<string>();
  for (const id of ids) {
    const last = await store.db
      .selectFrom("journal")
      .select("action")
      .where("object_id", "=", id)
      .where("stream", "=", `sync:${sync.id}`)
      .where("kind", "=", kind.name)
      .where("type", "=", "outcome")
      .where("status", "in", ["applied", "unchanged"])
      .where("action", "in", ["create", "join", "enable", "disable"])
      .where("run", "!=", run)
      .where("sequence", "<", (eb) =>
        eb
          .selectFrom("journal as undone")
          .select((of) => of.fn.min<number>("undone.sequence").as("first"))
          .where("undone.run", "=", run)
          .where("undone.stream", "=", `sync:${sync.id}`),
      )
      // Of one stream the numbers are the order: a clock may be set back.
      .orderBy("sequence", "desc")
      .limit(1)
      .executeTakeFirst();
    if (last?.action === "disable") disabled.add(id);
  }
  return disabled;
}
