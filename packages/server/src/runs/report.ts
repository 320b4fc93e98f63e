import { ConnectorError, evaluate, guestOf, type MatchTry, type NeedsMatch, nameOf } from "@entrain/core";
import { loadWatermark } from "../store/directory.ts";
import { linkedRecords } from "../store/links.ts";
import { changedRecords } from "./candidates.ts";
import type { Engine, Progress, SyncRow } from "./context.ts";
import { uniqueWants } from "./evaluate-batch.ts";
import { homeInWords, peopleAtHome } from "./guest-home.ts";
import { inputsOf } from "./inputs.ts";
import { withLook } from "./look.ts";
import { decideMatches, indexKey, keysOf, RECORD } from "./match-records.ts";
import type { BatchContext } from "./plan-context.ts";
import { lookupsIn, noteLookups, type ReportedLookups, valuesAsked, valuesAwaited } from "./report-lookups.ts";
import { type AskedValue, type NotedPerson, ReportNotes, type Some } from "./report-notes.ts";

interface ReportedPerson {
  readonly id: string;
  readonly name: string;
}

/** A person who is held, with the sentence that names both sides. */
type ReportedIssue = ReportedPerson & { readonly code: string; readonly detail: string };

interface ReportedJoin extends ReportedPerson {
  readonly record: string;
  /** `Ana (7)`. */
  readonly recordName: string;
  readonly attribute: string;
}

interface ByAttribute {
  readonly attribute: string;
  readonly count: number;
}

/** Who of a sync's scope corresponds to which record of its target, and what nobody corresponds to. */
export interface SyncReport extends ReportedLookups {
  readonly sync: string;
  readonly connection: string;
  readonly target: string;
  /** The target's kind of record. */
  readonly records: string;
  /** When the directory was read last, in milliseconds UTC. */
  readonly readAt: number | null;
  /** False when it was read in part. */
  readonly complete: boolean;
  /** Living records of the directory, how many are in scope, and of those the disabled ones without a record: none is made. */
  readonly people: { readonly count: number; readonly inScope: number; readonly disabled: number };
  /** Records that the sync has already. */
  readonly linked: {
    readonly created: number;
    readonly joined: number;
    readonly shared: number;
    readonly by: readonly ByAttribute[];
  };
  readonly join: Some<ReportedJoin> & { readonly by: readonly ByAttribute[] };
  /** Who would share the record that another sync owns. */
  readonly share: Some<ReportedJoin>;
  /** Of `join`: records that have rights of their own in the target. These joins wait for approval. */
  readonly privileged: Some<ReportedJoin>;
  readonly create: Some<ReportedPerson>;
  /** Found nowhere, while the sync makes no records. */
  readonly left: Some<ReportedPerson>;
  readonly ambiguous: Some<ReportedIssue>;
  /** What their values find is linked to somebody else. */
  readonly elsewhere: Some<ReportedIssue>;
  readonly unmatchable: Some<ReportedIssue>;
  /** Who cannot be planned for another reason. */
  readonly other: Some<ReportedIssue> & {
    readonly codes: readonly { readonly code: string; readonly count: number }[];
  };
  /** Of those without a record, who is a guest whose home tenant is connected: a hint, by which nothing is linked. */
  readonly guests: Some<ReportedPerson & { readonly home: string }>;
  /**
   * Records of the target that nobody who was looked for corresponds to; `records` are all of the kind. They are left alone.
   * `maybe` people in scope were not looked for (unmatchable, other, disabled), so that some of the records may be theirs.
   */
  readonly unmanaged: Some<ReportedPerson & { readonly active: boolean }> & {
    readonly active: number;
    readonly records: number;
    readonly maybe: number;
  };
}

export interface ReportOptions {
  readonly sync: SyncRow;
  /** How many of each sort are named. */
  readonly samples: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/**
 * Compares everybody whom the directory holds with everything that the target holds, by the run's own rules. The target is
 * read in full; nothing is written to it, to the source or to the store. Memory does not grow with either side.
 * @throws ConnectorError `not_found` while the directory was never read
 */
export async function reportSync(engine: Engine, options: ReportOptions): Promise<SyncReport> {
  const { store } = engine;
  const { sync } = options;
  return await withLook(engine, options, async ({ context, connection, target }) => {
    const watermark = await loadWatermark(store.db, connection.id, context.kind.source);
    if (watermark.read_at === null) throw neverRead(connection.name, sync.name);
    const notes = new ReportNotes();
    try {
      // Everybody is looked at, and nobody reads the names of so many managers.
      const scene: BatchContext = { ...context, span: { ...context.span, cursor: 0 } };
      await noteTarget(scene, notes, options);
      const people = await notePeople(scene, notes, { ...options, upto: connection.sequence });
      await noteHomes(scene, notes, options.signal);
      notes.settleShared(saidKey, (key) => key.startsWith(indexKey(RECORD, "")));
      await noteLookups(scene, notes);
      return {
        sync: sync.name,
        connection: connection.name,
        target,
        records: context.kind.name,
        readAt: watermark.read_at,
        complete: scene.complete,
        ...people,
        ...decided(notes, options.samples, people.people.disabled),
      };
    } finally {
      notes.close();
    }
  });
}

function neverRead(connection: string, sync: string): ConnectorError {
  const message = `The directory of ${connection} was never read, so nobody can be compared with the target.`;
  const fix = `Plan the sync first, which reads and writes nothing to the target: entrain sync plan ${sync}`;
  return new ConnectorError("not_found", message, { stops: "sync", retry: "later", fix });
}

async function noteTarget(
  scene: BatchContext,
  notes: ReportNotes,
  { signal, onProgress }: ReportOptions,
): Promise<void> {
  const { target, kind, rules, store, space } = scene;
  const kept = new Set(["displayName", "userName", "name", ...rules.matching.attributes]);
  let done = 0;
  for await (const page of target.list(kind.name, { members: false }, signal)) {
    signal.throwIfAborted();
    const ids = page.map(({ id }) => id);
    const linked = await linkedRecords(store.db, space.target, kind.name, ids);
    notes.addRecords(
      page.map((record) => ({
        record: {
          ...record,
          attributes: Object.fromEntries(Object.entries(record.attributes).filter(([name]) => kept.has(name))),
        },
        linked: linked.has(record.id),
        keys: rules.matching.attributes.flatMap((attribute) =>
          keysOf(record, attribute, scene).map((key) => indexKey(attribute, key)),
        ),
      })),
    );
    done += page.length;
    onProgress({ phase: "reading", detail: `${kind.name}s of the target`, done, total: null });
  }
}

type People = Pick<SyncReport, "people" | "linked">;

async function notePeople(
  scene: BatchContext,
  notes: ReportNotes,
  options: ReportOptions & { readonly upto: number },
): Promise<People> {
  const { store, sync, kind } = scene;
  const span = { store, sync, kind: kind.source, cursor: 0, upto: options.upto, now: store.clock.now() };
  const tally = { count: 0, inScope: 0, disabled: 0, created: 0, joined: 0, shared: 0, by: new Map<string, number>() };
  for await (const { rows } of changedRecords(span)) {
    options.signal.throwIfAborted();
    const items = await inputsOf(scene, rows);
    const asking: NeedsMatch[] = [];
    const people: NotedPerson[] = [];
    const linked: string[] = [];
    for (const { record, input, link } of items) {
      if (record.removed === null) tally.count += 1;
      if (record.removed === null && input.scope.in) tally.inScope += 1;
      if (link !== undefined && input.link?.owned === true) {
        linked.push(record.id);
        if (link.origin === "joined") tally.joined += 1;
        else if (link.origin === "shared") tally.shared += 1;
        else tally.created += 1;
        if (link.matched_by !== null) tally.by.set(link.matched_by, (tally.by.get(link.matched_by) ?? 0) + 1);
        continue;
      }
      const evaluation = evaluate(scene.rules, input);
      if (evaluation.type === "none" && record.removed === null && input.scope.in) tally.disabled += 1;
      if (evaluation.type === "match") asking.push(evaluation);
      else if (evaluation.type === "issue") people.push(withIssue(record.id, nameOf(record), evaluation.finding));
      else if (evaluation.type === "suppressed") {
        people.push(withIssue(record.id, nameOf(record), { code: "suppressed", detail: evaluation.detail }));
      }
    }
    notes.addAsked(await valuesAwaited(scene, linked));
    await noteMatches(scene, notes, asking, people);
    options.onProgress({ phase: "planning", detail: `${kind.source}s`, done: tally.count, total: null });
  }
  const by = [...tally.by].map(([attribute, count]) => ({ attribute, count })).sort((a, b) => b.count - a.count);
  const { count, inScope, disabled, created, joined, shared } = tally;
  return { people: { count, inScope, disabled }, linked: { created, joined, shared, by } };
}

function withIssue(
  objectId: string,
  name: string,
  { code, detail }: { readonly code: string; readonly detail: string },
): NotedPerson {
  const decision =
    code === "unmatchable" || code === "ambiguous"
      ? code
      : code === "linked_elsewhere" || code === "owned_elsewhere"
        ? "elsewhere"
        : "other";
  return { objectId, name, decision, code, detail, attribute: null, recordId: null };
}

async function noteMatches(
  scene: BatchContext,
  notes: ReportNotes,
  asking: readonly NeedsMatch[],
  others: readonly NotedPerson[],
): Promise<void> {
  const keys = asking.flatMap(({ values }) => values.map(({ attribute, key }) => indexKey(attribute, key)));
  const found = notes.find(scene.kind.name, [...new Set(keys)]);
  const tries = asking.map(({ values }) =>
    values.map((value): MatchTry => {
      return { value, candidates: found.get(indexKey(value.attribute, value.key)) ?? [], rivals: [] };
    }),
  );
  const unlinked = asking.map(({ record, values }) => {
    return { objectId: record.id, name: nameOf(record), attributes: record.attributes, values };
  });
  notes.addGuests(
    unlinked.flatMap(({ objectId, name, attributes }) => {
      const guest = guestOf(attributes);
      return guest === null ? [] : [{ homeName: guest.homeName, objectId, name }];
    }),
  );
  const matches = await decideMatches(scene, unlinked, tries);
  const people: NotedPerson[] = [...others];
  const wanted: { key: string; objectId: string }[] = [];
  const asked: AskedValue[] = [];
  for (const [at, { objectId, name, values }] of unlinked.entries()) {
    const match = matches[at];
    if (match === undefined) throw new Error("matching answered fewer decisions than it was asked");
    if (match.decision === "issue") {
      people.push(withIssue(objectId, name, match.finding));
      continue;
    }
    const isJoin = match.decision === "join";
    const recordId = isJoin ? match.record.id : null;
    const none = { objectId, name, code: null, detail: null };
    if (!isJoin && !scene.rules.operations.create) {
      people.push({ ...none, decision: "left", attribute: null, recordId });
      continue;
    }
    const decision = isJoin && match.sharedWith !== undefined ? "share" : match.decision;
    people.push({ ...none, decision, attribute: isJoin ? match.by.attribute : null, recordId });
    for (const { attribute, key } of values) wanted.push({ key: indexKey(attribute, key), objectId });
    const needs = asking[at];
    if (needs !== undefined) asked.push(...valuesAsked(scene, needs, match));
    if (recordId !== null) wanted.push({ key: indexKey(RECORD, recordId), objectId });
    else wanted.push(...uniqueWants(scene, objectId, needs?.mapped.attributes ?? {}));
  }
  const met = tries.flatMap((of) => of.flatMap(({ candidates }) => candidates.map(({ id }) => id)));
  notes.addPeople(people, wanted, met);
  notes.addAsked(asked);
}

/** The other tenants are walked over once, and only where there are guests. */
async function noteHomes({ store, sync }: BatchContext, notes: ReportNotes, signal: AbortSignal): Promise<void> {
  if (!notes.hasGuests) return;
  for await (const page of peopleAtHome(store, sync.connection)) {
    signal.throwIfAborted();
    notes.meetHomes(page.map(({ homeName, home }) => ({ homeName, home: homeInWords(home) })));
  }
}

/** `userName "ana@x"`, as a key tells it. */
function saidKey(key: string): string {
  const end = Math.max(0, key.indexOf("="));
  return `${key.slice(0, end)} "${key.slice(end + 1)}"`;
}

function decided(
  notes: ReportNotes,
  limit: number,
  disabled: number,
): Omit<SyncReport, keyof People | "sync" | "connection" | "target" | "records" | "readAt" | "complete"> {
  const some = <T>(of: ReturnType<ReportNotes["people"]>, shape: (one: NotedPerson) => T): Some<T> => ({
    count: of.count,
    samples: of.samples.map(shape),
  });
  const person = ({ objectId, name }: NotedPerson): ReportedPerson => ({ id: objectId, name });
  const issue = (one: NotedPerson): ReportedIssue => ({
    ...person(one),
    code: one.code ?? "",
    detail: one.detail ?? "",
  });
  const join = (one: NotedPerson): ReportedJoin => {
    const record = one.recordId ?? "";
    return { ...person(one), record, recordName: notes.nameOf(record), attribute: one.attribute ?? "" };
  };
  const by = notes.grouped("join", "attribute").map(({ of, count }) => ({ attribute: of, count }));
  const codes = notes.grouped("other", "code").map(({ of, count }) => ({ code: of, count }));
  const [unmatchable, other] = [notes.people("unmatchable", limit), notes.people("other", limit)];
  const maybe = unmatchable.count + other.count + disabled;
  return {
    join: { ...some(notes.people("join", limit), join), by },
    share: some(notes.people("share", limit), join),
    privileged: some(notes.people("join", limit, true), join),
    create: some(notes.people("create", limit), person),
    left: some(notes.people("left", limit), person),
    ambiguous: some(notes.people("ambiguous", limit), issue),
    elsewhere: some(notes.people("elsewhere", limit), issue),
    unmatchable: some(unmatchable, issue),
    other: { ...some(other, issue), codes },
    guests: notes.guests(limit),
    ...lookupsIn(notes, limit),
    unmanaged: { ...notes.unmanaged(limit), maybe },
  };
}
