import {
  type Attributes,
  type Evaluation,
  evaluate,
  evaluateMatched,
  guestOf,
  type Match,
  matchKey,
  type NeedsMatch,
  nameOf,
  PHASES,
  type PlannedChange,
} from "@entrain/core";
import type { DirectoryRow } from "../store/directory.ts";
import type { PendingRow } from "../store/pending.ts";
import { linkedPeople, withLookups } from "./as-compared.ts";
import type { Candidates } from "./candidates.ts";
import { concealLinks } from "./conceal-links.ts";
import { homeInWords, homeOf } from "./guest-home.ts";
import { type Item, inputsOf } from "./inputs.ts";
import { indexKey, type Matcher, RECORD } from "./match-records.ts";
import type { BatchContext, NewChange, NewIssue, WantedKey } from "./plan-context.ts";
import { type Chosen, chooseUniques, withChosen } from "./unique-values.ts";
import { verified } from "./verify-links.ts";

/** What evaluating a batch gave, ready to be written. */
export interface Evaluated {
  readonly changes: readonly NewChange[];
  readonly issues: readonly NewIssue[];
  readonly wanted: readonly WantedKey[];
  /** Records that this plan creates or joins. */
  readonly fresh: readonly string[];
}

/** Evaluates a batch of records: links, scope, mapping, and matching for those without a link. */
export async function evaluateBatch(
  context: BatchContext,
  matcher: Matcher,
  candidates: Candidates,
): Promise<Evaluated> {
  const inputs = withRefusals(await inputsOf(context, candidates.rows), candidates.pending);
  await concealLinks(context, inputs);
  const items = await verified(context, matcher, inputs, candidates.pending);
  const first = items.map((item) => ({ item, evaluation: evaluate(context.rules, item.input) }));
  const final = await withMatches(context, matcher, first);
  const homes = await guestHomes(context, final);
  const changes: NewChange[] = [];
  const issues: NewIssue[] = [];
  const wanted: WantedKey[] = [];
  const fresh: string[] = [];
  for (const { item, evaluation, needs, wanted: chosen = [] } of final) {
    if (item.forgets === true) issues.push(forgotten(item));
    if (item.link?.sync === null && item.input.link?.owned === true) issues.push(adopted(item));
    issues.push(...leavingIn(item, evaluation), ...issuesOf(item, evaluation, candidates.pending.get(item.row.id)));
    if (evaluation.type !== "change") continue;
    changes.push(changeRow(item, evaluation, homes.get(item.row.id)));
    const { action } = evaluation.change;
    if (action !== "create" && action !== "join") continue;
    fresh.push(item.row.id);
    wanted.push(...chosen);
    if (action === "create") wanted.push(...uniqueWants(context, item.row.id, evaluation.change.after ?? {}));
    for (const value of needs?.values ?? []) {
      wanted.push({ objectId: item.row.id, key: indexKey(value.attribute, value.key) });
    }
    if (evaluation.change.recordId !== null) {
      wanted.push({ objectId: item.row.id, key: indexKey(RECORD, evaluation.change.recordId) });
    }
  }
  if (context.lookups === null) return { changes, issues, wanted, fresh };
  const served = await context.lookups.serve(candidates.rows, changes);
  for (const { row, record } of items) {
    if (!served.emptied.has(row.id) || !candidates.pending.has(row.id)) continue;
    issues.push({
      state: "settled",
      code: "",
      detail: "",
      object_id: row.id,
      sequence: row.sequence,
      name: nameOf(record),
    });
  }
  return { changes: served.changes, issues: [...issues, ...served.issues], wanted, fresh };
}

/** What the target would refuse two new records to have in common, beside what they are matched by. */
export function uniqueWants(
  { kind, rules }: Pick<BatchContext, "kind" | "rules">,
  objectId: string,
  after: Attributes,
): readonly WantedKey[] {
  return kind.attributes.flatMap((attribute) => {
    const { name, unique } = attribute;
    if (unique !== true || rules.matching.attributes.includes(name)) return [];
    const key = matchKey(after[name], attribute);
    return key === null ? [] : [{ objectId, key: indexKey(name, key) }];
  });
}

/** The matching values that unlinked records want, whatever becomes of them now. */
export async function wantedBy(context: BatchContext, rows: readonly DirectoryRow[]): Promise<readonly WantedKey[]> {
  const items = await inputsOf(context, rows);
  return items.flatMap((item) => {
    const needs = evaluate(context.rules, item.input);
    if (needs.type !== "match") return [];
    const { id } = item.row;
    const uniques = uniqueWants(context, id, needs.mapped.attributes);
    return [...needs.values.map(({ attribute, key }) => ({ objectId: id, key: indexKey(attribute, key) })), ...uniques];
  });
}

/** Who is disabled and renamed to a name that the target refuses would stay active with it. */
function withRefusals(items: readonly Item[], pending: ReadonlyMap<string, PendingRow>): readonly Item[] {
  return items.map((item) => {
    const isRefused = item.link !== undefined && pending.get(item.row.id)?.reason === "failed";
    return isRefused ? { ...item, input: { ...item.input, refused: true } } : item;
  });
}

/** The link becomes the sync's own when the plan begins. */
function adopted({ row, record }: Item): NewIssue {
  return { state: "adopted", code: "", detail: "", object_id: row.id, sequence: row.sequence, name: nameOf(record) };
}

function forgotten({ row, record }: Item): NewIssue {
  const detail = "the target holds the linked record no more";
  return {
    state: "gone",
    code: "record_missing",
    detail,
    object_id: row.id,
    sequence: row.sequence,
    name: nameOf(record),
  };
}

/** When a record began to wait for its deletion is kept when the plan begins. */
function leavingIn({ row, record }: Item, evaluation: Evaluation): readonly NewIssue[] {
  const leaving = evaluation.type === "none" || evaluation.type === "change" ? evaluation.leaving : undefined;
  if (leaving === undefined) return [];
  const state = leaving === "begins" ? "leaving" : "staying";
  return [{ state, code: "", detail: "", object_id: row.id, sequence: row.sequence, name: nameOf(record) }];
}

interface Decided {
  readonly item: Item;
  readonly evaluation: Evaluation;
  readonly needs?: NeedsMatch;
  /** Values that were chosen because nobody else has them. */
  readonly wanted?: readonly WantedKey[];
}

async function withMatches(
  context: BatchContext,
  matcher: Matcher,
  first: readonly Decided[],
): Promise<readonly Decided[]> {
  const asking = first.flatMap(({ item, evaluation }) =>
    evaluation.type === "match" ? [{ item, needs: evaluation }] : [],
  );
  if (asking.length === 0) return first;
  const unlinked = asking.map(({ item, needs }) => ({
    objectId: item.row.id,
    name: nameOf(needs.record),
    attributes: needs.record.attributes,
    values: needs.values,
  }));
  const matches = await inValues(context, await matcher.match(unlinked));
  const chosen = await choicesFor(context, matcher, asking, matches);
  const joined = matches.flatMap((match) => (match.decision === "join" ? [match.record] : []));
  const people = await linkedPeople(
    context,
    joined.flatMap((record) => Object.values(record.attributes)),
  );
  const decided = new Map<string, Decided>();
  for (const [at, { item, needs }] of asking.entries()) {
    const match = matches[at];
    if (!match) throw new Error("matching answered fewer decisions than it was asked");
    const choice = chosen.get(item.row.id);
    if (choice !== undefined && "finding" in choice) {
      decided.set(item.row.id, { item, evaluation: { type: "issue", finding: choice.finding }, needs });
      continue;
    }
    const evaluation = evaluateMatched(
      context.rules,
      item.input,
      choice === undefined ? needs : withChosen(needs, choice.values),
      match,
      (kind, id) => people.get(kind)?.get(id)?.objectId ?? null,
    );
    decided.set(item.row.id, { item, evaluation, needs, ...(choice && { wanted: choice.wanted }) });
  }
  return first.map((one) => decided.get(one.item.row.id) ?? one);
}

/** Matches whose records hold the values of lookups. */
async function inValues(context: BatchContext, matches: readonly Match[]): Promise<readonly Match[]> {
  if (context.lookups === null) return matches;
  const joined = matches.flatMap((match) => (match.decision === "join" ? [match.record] : []));
  const records = new Map((await withLookups(context, joined)).map((record) => [record.id, record]));
  return matches.map((match) =>
    match.decision === "join" ? { ...match, record: records.get(match.record.id) ?? match.record } : match,
  );
}

/** Values that nobody else has, for the records that will be created. */
async function choicesFor(
  context: BatchContext,
  matcher: Matcher,
  asking: readonly { readonly item: Item; readonly needs: NeedsMatch }[],
  matches: readonly Match[],
): Promise<ReadonlyMap<string, Chosen>> {
  if (context.mapping.uniques.length === 0 || !context.rules.operations.create) return new Map();
  const creating = asking.filter((_, at) => matches[at]?.decision === "create");
  const batch = creating.map(({ item, needs }) => {
    return { objectId: item.row.id, record: needs.record, creation: item.input.creation };
  });
  return await chooseUniques(context, matcher, batch);
}

/** More guests than these in one batch are told by the report: finding a home walks over the other tenants. */
const HOMES_SAID = 20;

/** Who the guests that are created are at home, in words; with a whole directory to plan nobody reads that in reasons. */
async function guestHomes(context: BatchContext, final: readonly Decided[]): Promise<ReadonlyMap<string, string>> {
  const homes = new Map<string, string>();
  if (context.span.cursor === 0) return homes;
  const guests = final.filter(
    ({ item, evaluation }) =>
      evaluation.type === "change" && evaluation.change.action === "create" && guestOf(item.record.attributes) !== null,
  );
  for (const { item } of guests.slice(0, HOMES_SAID)) {
    const { attributes } = item.record;
    const home = await homeOf(context.store, { connection: context.sync.connection, attributes });
    if (home !== null) homes.set(item.row.id, homeInWords(home));
  }
  return homes;
}

function changeRow(item: Item, planned: PlannedChange, home: string | undefined): NewChange {
  const { change } = planned;
  return {
    phase: PHASES[change.action],
    object_id: change.objectId,
    kind: change.kind,
    name: change.name,
    action: change.action,
    cause: change.cause,
    reason: home === undefined ? change.reason : `${change.reason}; ${home}`,
    record_id: change.recordId,
    before: change.before === null ? null : JSON.stringify(change.before),
    after: change.after === null ? null : JSON.stringify(change.after),
    active: change.active === null ? null : Number(change.active),
    add: null,
    remove: null,
    waits_for: planned.refersTo[0] ?? null,
    record_sequence: item.row.sequence,
    link_sequence: item.link?.sequence ?? 0,
    hold: planned.hold?.code ?? null,
    matched_by: change.matchedBy?.attribute ?? null,
    matched_value: change.matchedBy === undefined ? null : JSON.stringify(change.matchedBy.value),
  };
}

/** What becomes of the pending set: issues and suppressions enter it, whatever needs nothing any more leaves it. */
function issuesOf({ row, record }: Item, evaluation: Evaluation, pending: PendingRow | undefined): readonly NewIssue[] {
  const base = { object_id: row.id, sequence: row.sequence, name: nameOf(record) };
  if (evaluation.type === "issue") {
    return [{ ...base, state: "issue", code: evaluation.finding.code, detail: evaluation.finding.detail }];
  }
  if (evaluation.type === "suppressed") {
    return [{ ...base, state: "suppressed", code: evaluation.cause, detail: evaluation.detail }];
  }
  if (evaluation.type === "none") {
    return pending === undefined ? [] : [{ ...base, state: "settled", code: "", detail: "" }];
  }
  if (evaluation.type !== "change") return [];
  const beside = evaluation.issues.map((finding) => ({
    ...base,
    state: "issue",
    code: finding.code,
    detail: finding.detail,
  }));
  if (evaluation.suppressed.length === 0) return beside;
  const detail = `${evaluation.suppressed.join(", ")} came empty from an incomplete read`;
  return [...beside, { ...base, state: "suppressed", code: "attributes", detail }];
}
