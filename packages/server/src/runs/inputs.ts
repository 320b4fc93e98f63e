import {
  type Attributes,
  type CompiledMapping,
  type DirectoryRecord,
  type Doubt,
  type EvaluationInput,
  isReference,
  type KnownLink,
  kindsReferred,
  type Linked,
  nameOf,
  type Reference,
  type SyncDefinition,
  type Value,
} from "@entrain/core";
import { type DirectoryRow, loadRecords } from "../store/directory.ts";
import { type LinkRow, loadLinks, loadLinksByKind } from "../store/links.ts";
import { loadPhotos } from "../store/photos.ts";
import type { Store } from "../store/store.ts";
import { isHeir } from "../store/unowned-links.ts";
import { concealedKnown } from "./conceal-links.ts";
import { keptByMembers } from "./kept-groups.ts";
import { asScopeSees, withManager } from "./managers.ts";
import type { BatchContext } from "./plan-context.ts";
import { asksForPhotos } from "./read-photos.ts";
import { decideScope, groupsOf, withAppRoles } from "./scope-groups.ts";
import { secretsOfScope, withoutSecrets } from "./sensitive.ts";
import { asFarAsListed, unlistedAmong } from "./unlisted.ts";

/** One record with all that evaluating it asks for. */
export interface Item {
  readonly row: DirectoryRow;
  readonly record: DirectoryRecord;
  readonly input: EvaluationInput;
  readonly link: LinkRow | undefined;
  /** The target holds the record of its unowned link no more: the link goes when the plan begins. */
  readonly forgets?: boolean;
}

const DOUBTS: { readonly [doubtful: number]: Doubt } = { 1: "shrunken", 2: "young" };

/** A stored row as core sees it. */
export function recordOf(row: DirectoryRow): DirectoryRecord {
  const doubt = DOUBTS[row.doubtful];
  return {
    kind: row.kind as DirectoryRecord["kind"],
    id: row.id,
    attributes: JSON.parse(row.attributes) as Attributes,
    manager: row.manager,
    removed: row.removed as DirectoryRecord["removed"],
    ...(doubt === undefined ? {} : { doubtful: doubt }),
  };
}

/** What evaluating a record asks of its surroundings: less than a plan has, for one record is looked at without one. */
export type EvaluationContext = Pick<
  BatchContext,
  "store" | "space" | "kind" | "groups" | "scope" | "mapping" | "creationOf" | "sync" | "complete" | "protection"
> & {
  readonly span: Pick<BatchContext["span"], "cursor">;
};

/** Everything that is known of these records, as core evaluates it. */
export async function inputsOf(context: EvaluationContext, rows: readonly DirectoryRow[]): Promise<readonly Item[]> {
  const { store, space, kind, groups, scope, sync } = context;
  const ids = rows.map((row) => row.id);
  const links = await loadLinks(store.db, space, [kind.name], ids);
  const managers = [...new Set(rows.flatMap((row) => row.manager ?? []))];
  const referenced = await loadLinksByKind(store.db, space, kind.attributes.flatMap(kindsReferred), managers);
  const memberOf = groups
    ? await groupsOf(store, sync.connection, groups, ids)
    : new Map<string, ReadonlySet<string>>();
  const names = await managerNames(context, rows, [...links.values()]);
  const managerRecords =
    scope.readsManagers || context.mapping.readsManagers
      ? await managersOf(store, sync.connection, managers)
      : new Map<string, DirectoryRecord>();
  const photos = asksForPhotos(JSON.parse(sync.definition) as SyncDefinition)
    ? await loadPhotos(store.db, sync.connection, ids)
    : new Map<string, string | null>();
  // Whether this plan creates a referenced record is known at its end only; references to others are taken out then.
  const isLinked = (id: string, of: string): Linked => {
    if (referenced.get(of)?.has(id) === true) return "linked";
    return of === kind.name ? "planned" : "no";
  };
  const exists = ({ $ref: id, $kind: of }: Reference): boolean =>
    of === undefined ? [...referenced.values()].some((links) => links.has(id)) : referenced.get(of)?.has(id) === true;
  const heir = [...links.values()].every((link) => link.sync !== null) || (await isHeir(store.db, sync));
  const owners = await ownersOf(store, [...links.values()], sync.id);
  const secrets = secretsOfScope(scope, context.mapping);
  const linkedRows = rows.filter(({ id }) => links.has(id));
  const unlisted = await unlistedAmong(store, sync.connection, { groups, rows: linkedRows });
  const now = store.clock.now();
  const items = rows.map((row): Item => {
    const memberships = memberOf.get(row.id);
    const manager = (row.manager === null ? undefined : managerRecords.get(row.manager)) ?? null;
    const read = withManager(recordOf(row), manager);
    const known = withPhoto(read, photos.get(row.id));
    const record = groups === null ? known : withAppRoles(known, groups, memberships);
    const link = links.get(row.id);
    const seen = asScopeSees(record, manager);
    const decision =
      groups !== null && unlisted.has(row.id)
        ? asFarAsListed(scope, seen, groups, memberships)
        : decideScope(scope, seen, groups, memberships);
    const decided = withoutSecrets(decision, secrets);
    // A link that nobody owns is taken over by its heir, or by whichever sync has the record in its scope.
    const owned = link?.sync === sync.id || (link?.sync === null && (heir || decided.in));
    const input: EvaluationInput = {
      objectId: row.id,
      record,
      scope: decided,
      link: link
        ? {
            ...knownLink(link, {
              owned,
              exists: (to) => to.$ref !== record.manager || exists(to),
              mapping: context.mapping,
            }),
            ...(owned ? {} : { owner: owners.get(link.sync ?? "") ?? null }),
          }
        : null,
      readComplete: context.complete,
      isLinked,
      nameOf: (id) => names.get(id) ?? null,
      creation: context.creationOf(row.id),
      now,
      protectedBy: context.protection?.of(record) ?? null,
    };
    return { row, record, input, link };
  });
  return await withKept(context, items);
}

/** Groups that may be deleted, with who keeps them from it. */
async function withKept(context: EvaluationContext, items: readonly Item[]): Promise<readonly Item[]> {
  const leaving = items.filter(
    ({ record, input }) => input.link?.owned === true && (record.removed !== null || !input.scope.in),
  );
  if (leaving.length === 0) return items;
  const ids = leaving.map(({ row }) => row.id);
  const kept = await keptByMembers({ ...context, connection: context.sync.connection }, context.protection, ids);
  if (kept.size === 0) return items;
  return items.map((item) => {
    const keptBy = kept.get(item.row.id);
    return keptBy === undefined ? item : { ...item, input: { ...item.input, keptBy } };
  });
}

/** These managers' records, as far as the directory holds them. */
export async function managersOf(
  store: Store,
  connection: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, DirectoryRecord>> {
  const records = await loadRecords(store.db, connection, ids);
  return new Map([...records].map(([id, row]) => [id, recordOf(row)]));
}

/** A record with what is known of its photo; one of which nothing was told yet counts as never read. */
function withPhoto(record: DirectoryRecord, hash: string | null | undefined): DirectoryRecord {
  return hash === undefined ? record : { ...record, attributes: { ...record.attributes, photo: { hash } } };
}

/**
 * Managers, and those whom the target knows as such, are named in reasons; with a whole directory to plan nobody reads those, and the
 * names cost a read each.
 */
async function managerNames(
  context: EvaluationContext,
  rows: readonly DirectoryRow[],
  links: readonly LinkRow[],
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  if (context.span.cursor === 0) return names;
  const former = links.flatMap(({ known }) =>
    Object.values(JSON.parse(known) as { readonly [name: string]: Value }).flatMap((value) =>
      isReference(value) ? [value.$ref] : [],
    ),
  );
  const ids = [...new Set([...rows.flatMap((row) => row.manager ?? []), ...former])];
  const records = await loadRecords(context.store.db, context.sync.connection, ids);
  for (const row of records.values()) names.set(row.id, nameOf(recordOf(row)));
  return names;
}

/** The names of other syncs that own some of these links, by their ids. */
async function ownersOf(store: Store, links: readonly LinkRow[], sync: string): Promise<ReadonlyMap<string, string>> {
  const ids = new Set(links.flatMap((link) => (link.sync === null || link.sync === sync ? [] : [link.sync])));
  if (ids.size === 0) return new Map();
  const rows = await store.db
    .selectFrom("syncs")
    .select(["id", "name"])
    .where("id", "in", [...ids])
    .execute();
  return new Map(rows.map(({ id, name }) => [id, name]));
}

/** A reference to a record that the target holds no more is nothing that it knows: a new record is written anew. */
function knownLink(
  link: LinkRow,
  of: { readonly owned: boolean; readonly exists: (to: Reference) => boolean; readonly mapping: CompiledMapping },
): KnownLink {
  const { owned, exists, mapping } = of;
  const known = { ...(concealedKnown(mapping, JSON.parse(link.known) as Attributes) as { [name: string]: Value }) };
  for (const [name, value] of Object.entries(known)) if (isReference(value) && !exists(value)) known[name] = null;
  return {
    recordId: link.record_id,
    origin: link.origin as KnownLink["origin"],
    owned,
    known,
    active: link.active === 1,
    leftAlone: leftAlone(link),
    leavingSince: link.leaving_at,
  };
}

/** Attributes of a link's record that somebody changed in the target, as was found when both were compared. */
export function leftAlone({ left_alone: names }: Pick<LinkRow, "left_alone">): readonly string[] {
  return names === null ? [] : (JSON.parse(names) as readonly string[]);
}
