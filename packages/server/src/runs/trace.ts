import {
  type Attributes,
  type Change,
  type DirectoryRecord,
  type EvaluationInput,
  isEmpty,
  isReference,
  type LinkOrigin,
  type MappingRule,
  type ScopeDecision,
  type SyncDefinition,
  sameValue,
  type TracedField,
  type Value,
  writesOf,
} from "@entrain/core";
import { type DirectoryRow, loadRecords } from "../store/directory.ts";
import { type LinkRow, loadLinks } from "../store/links.ts";
import { undoneRuns } from "../store/pins.ts";
import { inSourceForm, linkedPeople, withLookups } from "./as-compared.ts";
import type { Engine, SyncRow } from "./context.ts";
import { type PlannedRecord, planFew } from "./few.ts";
import { inputsOf } from "./inputs.ts";
import { withLook } from "./look.ts";
import { missingOf, waitInWords } from "./lookups.ts";
import type { BatchContext, NewIssue } from "./plan-context.ts";
import { changeOf, shownChange } from "./seal.ts";
import { shown } from "./sensitive.ts";

/** How one target attribute comes about, and what the target has of it now. */
export interface TraceField {
  readonly attribute: string;
  readonly rule: MappingRule;
  /** What the rule reads, by the names that it is written with. What was never read is left out. */
  readonly sources: Attributes;
  /** In the attribute's type; `null` clears. Left out: the target's value stays as it is. */
  readonly value?: Value;
  /** The source has nothing for it: `value` is the default, or clears, or is left out. */
  readonly emptied: boolean;
  /** Why there is no value, what is wrong with it, or what it depends on that it is written. */
  readonly detail: string | null;
  /** What the target has; left out where no record of it is there, or it does not tell. */
  readonly present?: Value;
  /** The plan writes `value`. */
  readonly written: boolean;
}

/** What the next plan does with the record; `none` where nothing is to do, `held` while a plan with it waits for approval. */
export interface TraceOutcome {
  readonly action: Change["action"] | "none" | "issue" | "held";
  /** In words: why. */
  readonly reason: string;
  /** Of an issue, its code. */
  readonly code: string | null;
  readonly before: Attributes | null;
  readonly after: Attributes | null;
  /** What a held plan waits for. */
  readonly digest: string | null;
}

/** How one sync treats one record, by the run's own code. */
export interface Trace {
  readonly sync: string;
  readonly target: string;
  readonly kind: string;
  /** `null` for what the source deleted: nobody asks the scope for it. */
  readonly scope: ScopeDecision | null;
  /** The target's record: made or joined by the sync before, or found and to be joined. */
  readonly record: {
    readonly id: string;
    readonly state: LinkOrigin | "found";
    /** The attribute by which it was found. */
    readonly matchedBy: string | null;
  } | null;
  /** What the target is searched by for somebody whom it was not linked to yet, in order of precedence. */
  readonly sought: readonly { readonly attribute: string; readonly value: Value }[];
  readonly fields: readonly TraceField[];
  readonly outcome: TraceOutcome;
  /** Which list protects the record, so that nothing is taken away from it; left out where none does. */
  readonly protectedBy?: string;
  /** What else is wrong beside the outcome. */
  readonly issues: readonly { readonly code: string; readonly detail: string }[];
}

/**
 * How a sync treats these records of the directory as it was read last: scope, mapping, matching and what the next plan
 * does, by the run's own code. The target is asked; nothing is written anywhere. Records of another kind are left out.
 * @throws ConnectorError where the sync could not run, or the target does not answer
 */
export async function traceRecords(
  engine: Engine,
  options: { readonly sync: SyncRow; readonly ids: readonly string[]; readonly signal: AbortSignal },
): Promise<ReadonlyMap<string, Trace>> {
  const { store } = engine;
  return await withLook(engine, options, async ({ context, connection, target }) => {
    const rows = [...(await loadRecords(store.db, connection.id, options.ids)).values()];
    const records = rows.filter((row) => row.kind === context.kind.source);
    // With a cursor behind the beginning, managers are named in the reasons.
    const span = { ...context.span, cursor: Math.max(1, context.span.cursor) };
    return await traced({ ...context, span }, target, records);
  });
}

async function traced(
  context: BatchContext,
  target: string,
  rows: readonly DirectoryRow[],
): Promise<ReadonlyMap<string, Trace>> {
  const { store, space, kind, sync } = context;
  const ids = rows.map(({ id }) => id);
  const links = await loadLinks(store.db, space, [kind.name], ids);
  const planned = await planFew(context, rows);
  const recordIds = rows.flatMap(({ id }) => links.get(id)?.record_id ?? planned.get(id)?.change?.record_id ?? []);
  const present = await presentValues(context, recordIds);
  const waiting = await waitingOutcomes(context, ids);
  const pinned = await undoneRuns(store.db, sync.id, ids);
  const traces = new Map<string, Trace>();
  for (const { row, record, input } of await inputsOf(context, rows)) {
    const one = planned.get(row.id);
    if (one === undefined) continue;
    const link = links.get(row.id);
    const change = one.change === null ? null : changeOf(one.change);
    const recordId = link?.record_id ?? change?.recordId ?? null;
    const creating = link === undefined && change?.action !== "join";
    const fields = context.mapping.trace(record, creating, input.creation);
    const around = { present: present.get(recordId ?? ""), change, definition: context.definition };
    const depends = one.change === null ? undefined : context.lookups?.created(one.change);
    traces.set(row.id, {
      ...{ sync: sync.name, target, kind: kind.name },
      scope: row.removed === null ? input.scope : null,
      ...(input.protectedBy == null ? {} : { protectedBy: input.protectedBy }),
      record: recordId === null ? null : recordIn(recordId, link, change),
      sought: link === undefined && record.removed === null ? soughtBy(context, record, input) : [],
      fields: fields.map((field) => {
        const told = withLookup(fieldOf(field, around), one, depends);
        return recordId === null && change === null ? told : withReason(told, context, input);
      }),
      outcome: waiting.get(row.id) ?? pinnedOutcome(pinned.get(row.id)) ?? outcomeOf(one, change),
      issues: one.issues.flatMap(asFinding).map(({ code, detail }) => ({ code, detail })),
    });
  }
  return traces;
}

/** What the target is searched by, in order of precedence, for somebody without a link. */
function soughtBy({ rules }: BatchContext, record: DirectoryRecord, { creation }: EvaluationInput): Trace["sought"] {
  const wanted = rules.matching.values(rules.mapping.map(record, true, creation).attributes, record);
  return "finding" in wanted ? [] : wanted.values.map(({ attribute, value }) => ({ attribute, value }));
}

/** Why a value that the target lacks is not written all the same. */
function withReason(field: TraceField, { kind }: BatchContext, input: EvaluationInput): TraceField {
  const { attribute, value, present, written, detail } = field;
  if (written || detail !== null || value === undefined || sameValue(value, present ?? null)) return field;
  if (isReference(value)) {
    const who = input.nameOf?.(value.$ref) ?? value.$ref;
    return { ...field, detail: `waits until the target has a record of ${who}` };
  }
  const isMail = kind.attributes.some(({ name, mail }) => name === attribute && mail === true);
  return isMail ? { ...field, detail: "a mail address is not written by a join" } : field;
}

/** What the target holds of these records now, references in source form, nothing sensitive; those that are gone are left out. */
async function presentValues(
  context: BatchContext,
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, Attributes>> {
  const { target, kind, signal, mapping } = context;
  const present = new Map<string, Attributes>();
  for (let at = 0; at < recordIds.length; at += MOST_IDS) {
    const got = await target.get(kind.name, recordIds.slice(at, at + MOST_IDS), { members: false }, signal);
    const records = await withLookups(context, got);
    const people = await linkedPeople(
      context,
      records.flatMap(({ attributes }) => Object.values(attributes)),
    );
    for (const { id, attributes } of records) {
      const entries = kind.attributes.flatMap((attribute) => {
        const { name } = attribute;
        const value = attributes[name];
        if (value === undefined) return [];
        return [[name, inSourceForm(value, attribute, people) ?? mapping.concealed(name, value)] as const];
      });
      present.set(id, shown(Object.fromEntries(entries)));
    }
  }
  return present;
}

/** What `Target.get` takes at once. */
const MOST_IDS = 100;

function recordIn(id: string, link: LinkRow | undefined, change: Change | null): NonNullable<Trace["record"]> {
  if (link !== undefined) return { id, state: link.origin as LinkOrigin, matchedBy: link.matched_by };
  return { id, state: "found", matchedBy: change?.matchedBy?.attribute ?? null };
}

function fieldOf(
  field: TracedField,
  around: {
    readonly present: Attributes | undefined;
    readonly change: Change | null;
    readonly definition: SyncDefinition;
  },
): TraceField {
  const { attribute, sources, emptied } = field;
  const { present, change, definition } = around;
  const rule = definition.mapping[attribute];
  if (rule === undefined) throw new Error(`there is no rule for ${attribute}`);
  const writes = change === null ? {} : writesOf({ before: change.before ?? {}, after: change.after ?? {} });
  const value = field.chosen ? change?.after?.[attribute] : field.value;
  return {
    ...{ attribute, rule, sources, emptied },
    ...(value === undefined ? {} : { value: shown({ value }).value ?? null }),
    detail: detailOf(field, value),
    ...(present?.[attribute] === undefined ? {} : { present: present[attribute] }),
    // A new record is told of what is empty, too; nothing comes of that.
    written: Object.hasOwn(writes, attribute) && !(isEmpty(writes[attribute]) && isEmpty(change?.before?.[attribute])),
  };
}

function detailOf(field: TracedField, value: Value | undefined): string | null {
  if (field.unwritten === "readOnly") return "not written: the target says that it takes no values for it";
  if (field.unwritten === "unlisted") return "not written: the target says that it does not have it";
  if (field.issue !== null) return field.issue.detail;
  if (field.onlyOnCreate) return "written only when the record is created";
  if (field.chosen && value === undefined) return "chosen when the record is created";
  if (value === undefined) return "nothing is written: the target's value stays as it is";
  return null;
}

/** What is wrong with a record, in words; other rows beside the changes say nothing of that. */
function asFinding(issue: NewIssue): readonly NewIssue[] {
  if (issue.state === "waits") return [{ ...issue, detail: waitInWords(missingOf(issue)) }];
  return issue.state === "issue" || issue.state === "suppressed" ? [issue] : [];
}

/** What is to be said of a lookup's value: that the target lacks it, or that it rests on a change of its own. */
function withLookup(
  field: TraceField,
  { issues }: PlannedRecord,
  depends: ReadonlyMap<string, string> | undefined,
): TraceField {
  const missing = issues.flatMap((issue) => (issue.state === "waits" ? missingOf(issue) : []));
  const own = missing.filter(({ attribute }) => attribute === field.attribute);
  const detail = own.length === 0 ? depends?.get(field.attribute) : waitInWords(own);
  return detail === undefined ? field : { ...field, detail };
}

function outcomeOf({ issues }: PlannedRecord, change: Change | null): TraceOutcome {
  if (change !== null) {
    const { action, reason, before, after } = change;
    return { ...NOTHING, action, reason, before: shown(before), after: shown(after) };
  }
  const [issue] = issues.flatMap(asFinding);
  if (issue === undefined) return NOTHING;
  return { ...NOTHING, action: issue.state === "issue" ? "issue" : "none", code: issue.code, reason: issue.detail };
}

const NOTHING: TraceOutcome = { action: "none", reason: "", code: null, before: null, after: null, digest: null };

/** What was undone, or exempted, is planned by nobody until it is released. */
function pinnedOutcome(run: string | undefined): TraceOutcome | null {
  if (run === undefined) return null;
  const why = run === "" ? "exempted from a held plan: left alone" : `stays as undoing the run ${run} left it,`;
  return { ...NOTHING, reason: `${why} until it is released` };
}

/** Those whose change waits for approval: until that is decided, no plan looks at them. */
async function waitingOutcomes(
  { store, sync }: BatchContext,
  ids: readonly string[],
): Promise<ReadonlyMap<string, TraceOutcome>> {
  const waiting = new Map<string, TraceOutcome>();
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await store.db
      .selectFrom("pending")
      .innerJoin("plans", "plans.id", "pending.plan")
      .innerJoin("plan_changes", (join) =>
        join.onRef("plan_changes.plan", "=", "plans.id").onRef("plan_changes.object_id", "=", "pending.object_id"),
      )
      .selectAll("plan_changes")
      .select("plans.digest")
      .where("pending.sync", "=", sync.id)
      .where("pending.object_id", "in", ids.slice(at, at + 500))
      .where("plans.state", "=", "held")
      .where("plan_changes.action", "!=", "members")
      .execute();
    for (const { digest, ...row } of rows) {
      const { action, reason, before, after } = shownChange(row);
      const said = `${action} waits for approval: ${reason}`;
      waiting.set(row.object_id, { action: "held", reason: said, code: null, before, after, digest });
    }
  }
  return waiting;
}
