import type { KnownLink, TargetRecord, Value } from "@entrain/core";
import type { LinkRow } from "../store/links.ts";
import type { PendingRow } from "../store/pending.ts";
import { ownedByOthers } from "../store/shares.ts";
import { inSourceForm, type LinkedPeople, linkedPeople, withLookups } from "./as-compared.ts";
import type { Item } from "./inputs.ts";
import type { Matcher } from "./match-records.ts";
import type { BatchContext } from "./plan-context.ts";

/**
 * Nobody kept links that belong to no sync in step, so what they say is asked of the target: values are read anew, and
 * a record that is gone is none; so it is with the sync's own ones when somebody doubts them. Records that were found gone are
 * told apart from new ones.
 */
export async function verified(
  context: BatchContext,
  matcher: Matcher,
  items: readonly Item[],
  pending: ReadonlyMap<string, PendingRow>,
): Promise<readonly Item[]> {
  const doubtsOwn = context.recreate || context.verifies;
  const isDoubted = ({ sync }: LinkRow): boolean => sync === null || (doubtsOwn && sync === context.sync.id);
  const asHeld = await matcher.held(items.flatMap(({ link }) => (link && isDoubted(link) ? [link] : [])));
  const held = new Map((await withLookups(context, [...asHeld.values()])).map((record) => [record.id, record]));
  const people = await linkedPeople(
    context,
    [...held.values()].flatMap((record) => Object.values(record.attributes)),
  );
  const lost = items.flatMap(({ link }) => (link && isDoubted(link) && !held.has(link.record_id) ? [link] : []));
  const of = { target: context.space.target, kind: context.kind.name, sync: context.sync.id };
  const asked = lost.flatMap((link) => (link.origin === "shared" ? [link.record_id] : []));
  // A record that is shared is made anew by the sync that owns it.
  const others = await ownedByOthers(context.store.db, of, asked);
  return items.map((item) => {
    const { input, link } = item;
    if (!link) {
      const deletedInTarget = pending.get(item.row.id)?.code === "record_missing";
      return deletedInTarget ? { ...item, input: { ...input, deletedInTarget } } : item;
    }
    if (!isDoubted(link) || !input.link) return item;
    const record = held.get(link.record_id);
    if (!record) {
      if (link.origin === "shared" && others.has(link.record_id)) return item;
      return { ...item, input: { ...input, link: null, deletedInTarget: true }, link: undefined, forgets: true };
    }
    return { ...item, input: { ...input, link: readAnew(context, input.link, record, people) } };
  });
}

/** A link with the values that the target holds now. What is not known of it stays unknown: it is not ours to write. */
function readAnew(
  { kind, mapping }: BatchContext,
  link: KnownLink,
  record: TargetRecord,
  people: LinkedPeople,
): KnownLink {
  const known: { [name: string]: Value } = { ...link.known };
  for (const attribute of kind.attributes) {
    const { name } = attribute;
    // What a target leaves out of a record is empty there.
    const value = record.attributes[name] ?? null;
    if (!Object.hasOwn(known, name) || isTheirs(mapping, name)) continue;
    known[name] = inSourceForm(value, attribute, people) ?? mapping.concealed(name, value);
  }
  return { ...link, known, active: kind.disable ? record.active : link.active };
}

/** What is ours until somebody changes it is compared with what was written there: what it may have become is theirs. */
function isTheirs({ rules }: BatchContext["mapping"], name: string): boolean {
  return rules.some((rule) => rule.attribute.name === name && rule.owner === "untilChanged");
}
