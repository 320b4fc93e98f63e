import {
  type Attributes,
  type CompiledMapping,
  chooseMatch,
  type Finding,
  guestOf,
  isAtHome,
  type Match,
  type MatchTry,
  type MatchValue,
  matchKeys,
  plain,
  type TargetRecord,
} from "@entrain/core";
import { countLinks, type LinkRow } from "../store/links.ts";
import { sharedRecords } from "../store/shares.ts";
import type { Lease } from "../store/store.ts";
import { beingDeleted } from "./being-deleted.ts";
import { refuseManyLost } from "./emptied.ts";
import { type LinkOwner, linkOwners, ownerInWords } from "./link-owners.ts";
import type { BatchContext } from "./plan-context.ts";

/** Values that one `find` takes. */
const FIND = 100;
/** From this many unlinked records on, reading the whole target once costs less than asking for each. */
const MANY = 200;

/** Stands in the index where others have the name of an attribute. */
export const RECORD = "the target record";

/** A source record that matching decides on. */
interface Unlinked {
  readonly objectId: string;
  readonly name: string;
  /** Of the source record. */
  readonly attributes: Attributes;
  readonly values: readonly MatchValue[];
}

const SAME_PERSON =
  "the two are one person, a guest of the one tenant who is at home in the other: take guests out of one scope";

/** Finds the target's records that unlinked source records match, by look-up or by reading the target once. */
export class Matcher {
  readonly #context: BatchContext;
  /** Set once the whole target was read into the plan's index. */
  #source: "target" | "index" = "target";
  #adoption: Adoption | null = null;
  readonly #doubted: number;

  /** `doubted`: at most so many records are asked about by {@link held}, where the caller knows that there are fewer than links. */
  constructor(context: BatchContext, { doubted = Number.POSITIVE_INFINITY }: { readonly doubted?: number } = {}) {
    this.#context = context;
    this.#doubted = doubted;
  }

  /** One decision per record, in the order of `records`. */
  async match(records: readonly Unlinked[]): Promise<readonly Match[]> {
    if (records.length === 0) return [];
    if (records.length >= MANY) await this.#index();
    return await decideMatches(this.#context, records, await this.#tries(records));
  }

  /**
   * The target's records to which doubtful links lead, by id; those that are gone are left out.
   * @throws ConnectorError `target_emptied` when more active ones are gone than the removal guard allows
   */
  async held(links: readonly Pick<LinkRow, "record_id" | "active">[]): Promise<ReadonlyMap<string, TargetRecord>> {
    if (links.length === 0) return new Map();
    const ids = links.map((link) => link.record_id);
    const { store, space, kind, definition, recreate, verifies, sync } = this.#context;
    this.#adoption ??= {
      links: await countLinks(store.db, space, kind.name, recreate || verifies ? sync.id : null),
      lost: 0,
      indexed: false,
    };
    if (Math.min(this.#adoption.links.all, this.#doubted) >= MANY) await this.#index();
    const found = this.#adoption.indexed ? await this.#indexed(ids) : await this.#got(ids);
    this.#adoption.lost += links.filter((link) => link.active === 1 && !found.has(link.record_id)).length;
    if (!recreate) refuseManyLost(this.#adoption.lost, this.#adoption.links.active, definition.guard.removals);
    return found;
  }

  /** The keys of those values that a record of the target has, or that this plan has given to one. */
  async taken(attribute: string, values: readonly MatchValue[]): Promise<ReadonlySet<string>> {
    if (values.length === 0) return new Set();
    const { store, plan } = this.#context;
    const held = await this.#find(attribute, values);
    const taken = new Set(held.keys());
    const keys = new Map(values.map(({ key }) => [indexKey(attribute, key), key]));
    const wanted = [...keys.keys()];
    for (let at = 0; at < wanted.length; at += 500) {
      const rows = await store.db
        .selectFrom("match_index")
        .select("key")
        .where("plan", "=", plan.id)
        .where("key", "in", wanted.slice(at, at + 500))
        .where("object_id", "is not", null)
        .execute();
      for (const row of rows) taken.add(keys.get(row.key) ?? "");
    }
    return taken;
  }

  async #got(ids: readonly string[]): Promise<ReadonlyMap<string, TargetRecord>> {
    const { target, kind, signal } = this.#context;
    const found = new Map<string, TargetRecord>();
    for (let at = 0; at < ids.length; at += FIND) {
      const records = await target.get(kind.name, ids.slice(at, at + FIND), { members: false }, signal);
      for (const record of records) found.set(record.id, record);
    }
    return found;
  }

  async #indexed(ids: readonly string[]): Promise<ReadonlyMap<string, TargetRecord>> {
    const values = ids.map((id) => ({ attribute: RECORD, value: id, key: id }));
    const found = await this.#fromIndex(values);
    return new Map([...found].flatMap(([id, [record]]) => (record ? [[id, record] as const] : [])));
  }

  /**
   * What every value finds, place by place in the order of precedence. Who has a hit is asked about further values too:
   * the first hit decides, but that a later value finds another record is worth saying before anything is joined.
   */
  async #tries(records: readonly Unlinked[]): Promise<readonly (readonly MatchTry[])[]> {
    const tries: MatchTry[][] = records.map(() => []);
    const places = records.reduce((most, { values }) => Math.max(most, values.length), 0);
    for (let place = 0; place < places; place += 1) {
      const asking = records.flatMap(({ values }, at) => {
        const value = values[place];
        return value === undefined ? [] : [{ at, value }];
      });
      for (const attribute of new Set(asking.map(({ value }) => value.attribute))) {
        const of = asking.filter(({ value }) => value.attribute === attribute);
        const found = await this.#find(
          attribute,
          of.map(({ value }) => value),
        );
        for (const { at, value } of of) {
          tries[at]?.push({ value, candidates: found.get(value.key) ?? [], rivals: [] });
        }
      }
    }
    return tries;
  }

  /** Candidates by matching key. */
  async #find(attribute: string, values: readonly MatchValue[]): Promise<ReadonlyMap<string, readonly TargetRecord[]>> {
    return this.#source === "index" ? await this.#fromIndex(values) : await this.#fromTarget(attribute, values);
  }

  async #fromTarget(
    attribute: string,
    values: readonly MatchValue[],
  ): Promise<ReadonlyMap<string, readonly TargetRecord[]>> {
    const { target, kind, signal } = this.#context;
    const found = new Map<string, TargetRecord[]>();
    const distinct = [...new Map(values.map((value) => [value.key, value])).values()];
    for (let at = 0; at < distinct.length; at += FIND) {
      const slice = distinct.slice(at, at + FIND);
      const hits = await target.find(
        kind.name,
        attribute,
        slice.map((value) => value.value),
        signal,
      );
      for (const hit of hits) {
        for (const key of keysOf(hit, attribute, this.#context)) found.set(key, [...(found.get(key) ?? []), hit]);
      }
    }
    return found;
  }

  async #fromIndex(values: readonly MatchValue[]): Promise<ReadonlyMap<string, readonly TargetRecord[]>> {
    const { store, plan, kind } = this.#context;
    const keys = new Map(values.map((value) => [indexKey(value.attribute, value.key), value.key]));
    const found = new Map<string, TargetRecord[]>();
    const wanted = [...keys.keys()];
    for (let at = 0; at < wanted.length; at += 500) {
      const rows = await store.db
        .selectFrom("match_index")
        .select(["key", "record_id", "attributes"])
        .where("plan", "=", plan.id)
        .where("key", "in", wanted.slice(at, at + 500))
        .where("record_id", "is not", null)
        .execute();
      for (const row of rows) {
        const key = keys.get(row.key) ?? "";
        const body = JSON.parse(row.attributes ?? "{}") as Omit<TargetRecord, "id" | "kind">;
        found.set(key, [...(found.get(key) ?? []), { ...body, id: row.record_id ?? "", kind: kind.name }]);
      }
    }
    return found;
  }

  /** Reads the whole target once, where it may be written down. */
  async #index(): Promise<void> {
    const { lease } = this.#context;
    if (this.#source === "target" && lease !== null) await this.#readTarget(lease);
  }

  async #readTarget(lease: Lease): Promise<void> {
    const { target, kind, signal, store, plan, rules, mapping } = this.#context;
    const uniques = mapping.uniques.map(({ attribute }) => attribute.name);
    const indexed = [...new Set([...rules.matching.attributes, ...uniques])];
    for await (const page of target.list(kind.name, { members: false }, signal)) {
      const rows = page.flatMap((record) => {
        const { attributes, active, privileged } = record;
        // The index is kept for as long as the plan is made: no sensitive value of the target's is to stay in it.
        const kept = mapping.sensitive ? concealedIn(mapping, attributes) : attributes;
        const body = JSON.stringify({ attributes: kept, active, ...(privileged === undefined ? {} : { privileged }) });
        const keys = indexed.flatMap((attribute) =>
          keysOf(record, attribute, this.#context).map((key) => indexKey(attribute, key)),
        );
        if (this.#adoption !== null) keys.push(indexKey(RECORD, record.id));
        return keys.map((key) => [plan.id, key, record.id, body]);
      });
      const columns = [
        { name: "plan", type: "text" },
        { name: "key", type: "text" },
        { name: "record_id", type: "text" },
        { name: "attributes", type: "text" },
      ] as const;
      await store.fenced(lease, (tx) => store.insertMany(tx, { table: "match_index", columns }, rows));
    }
    this.#source = "index";
    if (this.#adoption !== null) this.#adoption.indexed = true;
  }
}

function concealedIn(mapping: CompiledMapping, attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, mapping.concealed(name, value)]));
}

/** What doubtful links came to so far. */
interface Adoption {
  readonly links: Awaited<ReturnType<typeof countLinks>>;
  lost: number;
  /** The index holds the target's records by their ids too. */
  indexed: boolean;
}

/** One decision per record, in the order of `records`, by what their values found. */
export async function decideMatches(
  { kind, store, space, sync, rules }: Pick<BatchContext, "kind" | "store" | "space" | "sync" | "rules">,
  records: readonly Unlinked[],
  tries: readonly (readonly MatchTry[])[],
): Promise<readonly Match[]> {
  const candidates = tries.flatMap((of) => of.flatMap((one) => one.candidates.map((candidate) => candidate.id)));
  const of = { target: space.target, kind: kind.name };
  const owners = await linkOwners(store, of, [...new Set(candidates)]);
  const linkedTo = (id: string): string | null => {
    const owner = owners.get(id);
    return owner === undefined ? null : ownerInWords(owner);
  };
  const taken = [...owners.keys()];
  const shared = rules.shares === null ? null : await sharedRecords(store.db, { ...of, sync: sync.id }, taken);
  const deleted = await beingDeleted(store, of, [...new Set(candidates)]);
  return records.map((record, at) => {
    // Another sync's record is shared with one person, and one of the sync's own is nobody else's.
    const sharedWith = (id: string): string | null => {
      const owner = owners.get(id);
      if (shared === null || owner === undefined || owner.sync === null || owner.sync === sync.name) return null;
      return (shared.get(id) ?? record.objectId) === record.objectId ? `${owner.sync}, ${ownerInWords(owner)}` : null;
    };
    const who = { objectId: record.objectId, name: record.name };
    const match = chooseMatch(who, tries[at] ?? [], kind, linkedTo, sharedWith);
    const owner = match.decision === "issue" ? owners.get(match.taken ?? "") : undefined;
    if (match.decision === "join" && deleted.has(match.record.id)) return stillThere(who, match.record.id);
    return owner === undefined ? match : withBothSides(match, record, owner, sync.name);
  });
}

/** Whoever comes back while their record is on its way out would be left without one, joined to it. */
function stillThere(who: Pick<Finding, "objectId" | "name">, recordId: string): Match {
  const detail = `the target accepted the deletion of ${recordId} and still shows it; another record is made once it is gone`;
  return { decision: "issue", finding: { code: "being_deleted", detail, ...who } };
}

/** The first owner keeps a record that two syncs reach; who comes second is told of both. */
function withBothSides(match: Match, record: Unlinked, owner: LinkOwner, sync: string): Match {
  if (match.decision !== "issue") return match;
  const who = `${plain(record.name)} (${record.objectId})`;
  const owns = owner.sync === null ? "no sync owns it any more" : `the sync ${owner.sync} owns it`;
  const leaves = owner.sync === sync ? `it is not joined for ${who}` : `${sync} does not join it for ${who}`;
  const same = samePerson(record.attributes, owner.attributes) ? `; ${SAME_PERSON}` : "";
  return { ...match, finding: { ...match.finding, detail: `${match.finding.detail}; ${owns}, so ${leaves}${same}` } };
}

/** Whether one of two records is the other as a guest. */
function samePerson(one: Attributes, other: Attributes | null): boolean {
  if (other === null) return false;
  const [here, there] = [guestOf(one), guestOf(other)];
  return (here !== null && isAtHome(here, other)) || (there !== null && isAtHome(there, one));
}

/** A matching key in the plan's index; the part before `=` is the attribute. */
export function indexKey(attribute: string, key: string): string {
  return `${attribute}=${key}`;
}

/** The matching keys that a target record has by one attribute. */
export function keysOf(
  record: Pick<TargetRecord, "attributes">,
  attribute: string,
  { kind }: Pick<BatchContext, "kind">,
): readonly string[] {
  const definition = kind.attributes.find((one) => one.name === attribute);
  return definition ? matchKeys(record.attributes[attribute], definition) : [];
}
