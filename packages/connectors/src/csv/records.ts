import {
  type Attributes,
  isEmpty,
  matchKey,
  type Outcome,
  type TargetAttribute,
  type TargetChange,
  type Value,
} from "@entrain/core";
import { type CsvKind, RowCodec } from "./kinds.ts";
import type { Row, Table } from "./table.ts";

/** What a batch does to one kind's table: outcomes, and the lines that take the place of those of the same id. */
export interface RecordChanges {
  readonly outcomes: ReadonlyMap<TargetChange, Outcome>;
  /** New lines by id; `null` deletes. Ids that the file does not hold are appended. */
  readonly lines: ReadonlyMap<string, Row | null>;
}

/**
 * Works a batch out in its order against the lines that it touches: those of its ids, and those that hold a unique value
 * that it sets. Only these are kept in memory, however long the file.
 */
export async function planRecords(
  kind: CsvKind,
  table: Table,
  changes: readonly TargetChange[],
  newId: () => string,
  signal: AbortSignal,
): Promise<RecordChanges> {
  const codec = new RowCodec(kind, table.columns);
  const uniques = kind.kind.attributes.filter(({ unique }) => unique === true);
  const known = await touchedLines({ codec, uniques }, table, changes, signal);
  const holders = new Map<string, string>();
  const keysOf = (row: Row): readonly string[] => uniqueKeys(uniques, (name) => codec.value(row, name));
  for (const [id, row] of known) for (const key of keysOf(row)) holders.set(key, id);
  const outcomes = new Map<TargetChange, Outcome>();
  const lines = new Map<string, Row | null>();

  for (const change of changes) {
    const before = change.recordId === null ? undefined : known.get(change.recordId);
    const result = carryOut(kind, codec, change, before, holders, newId);
    outcomes.set(change, result.outcome);
    if (result.line === undefined || !("recordId" in result.outcome)) continue;
    const id = result.outcome.recordId;
    for (const key of before ? keysOf(before) : []) if (holders.get(key) === id) holders.delete(key);
    if (result.line === null) known.delete(id);
    else {
      known.set(id, result.line);
      for (const key of keysOf(result.line)) holders.set(key, id);
    }
    lines.set(id, result.line);
  }
  return { outcomes, lines };
}

/** The attribute that no two records share: what tells a repeated creation from a new one. */
const KEY = "externalId";

/** What no two records share, as it is compared: the attributes with their values. What is empty is shared by many. */
function uniqueKeys(
  uniques: readonly TargetAttribute[],
  told: (attribute: string) => Value | undefined,
): readonly string[] {
  return uniques.flatMap((attribute) => {
    const key = matchKey(told(attribute.name), attribute);
    return key === null ? [] : [`${attribute.name} ${key}`];
  });
}

async function touchedLines(
  { codec, uniques }: { readonly codec: RowCodec; readonly uniques: readonly TargetAttribute[] },
  table: Table,
  changes: readonly TargetChange[],
  signal: AbortSignal,
): Promise<Map<string, Row>> {
  const ids = new Set(changes.map(({ recordId }) => recordId));
  const keys = new Set(changes.flatMap(({ set }) => uniqueKeys(uniques, (name) => set[name])));
  const isWanted = (row: Row): boolean =>
    uniqueKeys(uniques, (name) => codec.value(row, name)).some((key) => keys.has(key));
  const touched = new Map<string, Row>();
  for await (const rows of table.rows(signal)) {
    for (const row of rows) {
      if (ids.has(codec.id(row)) || isWanted(row)) touched.set(codec.id(row), row);
    }
  }
  return touched;
}

/** `line` is the record's new line, `null` when it is deleted, absent when nothing is to be written. */
interface Step {
  readonly outcome: Outcome;
  readonly line?: Row | null;
}

function carryOut(
  { kind }: CsvKind,
  codec: RowCodec,
  change: TargetChange,
  before: Row | undefined,
  holders: ReadonlyMap<string, string>,
  newId: () => string,
): Step {
  const recordId = change.recordId ?? "";
  if (change.action === "delete") {
    return before
      ? { outcome: { status: "applied", recordId }, line: null }
      : { outcome: { status: "unchanged", recordId } };
  }
  if (change.action !== "create" && before === undefined) {
    return refuse("conflict", "record_missing", `The ${kind.name} ${recordId} is no longer in the file.`, "now");
  }
  const wrong = invalidValue(change.set);
  if (wrong !== null)
    return refuse("refused", "value_invalid", `${wrong} holds a character that no file can hold.`, "later");
  const limit = limitOf(kind.attributes, change);
  if (limit !== null) return refuse("refused", limit.code, `A ${kind.name} ${limit.detail}`, "later");
  for (const attribute of kind.attributes) {
    const [key] = attribute.unique === true ? uniqueKeys([attribute], (name) => change.set[name]) : [];
    const holder = key === undefined ? undefined : holders.get(key);
    if (holder === undefined || holder === change.recordId) continue;
    const retry = change.action === "create" ? "now" : "later";
    return refuse("refused", "exists", `The ${kind.name} ${holder} has the same ${attribute.name}.`, retry);
  }
  const id = before ? recordId : newId();
  const line = codec.change(before ?? codec.create(id), change.set, change.active);
  if (before?.every((stored, index) => stored === line[index]))
    return { outcome: { status: "unchanged", recordId: id } };
  return { outcome: { status: "applied", recordId: id }, line };
}

/** What a change would write that the columns do not take, as the rest of a sentence; `null`: nothing. */
function limitOf(
  attributes: readonly TargetAttribute[],
  { action, set }: TargetChange,
): { readonly code: "value_missing" | "value_invalid"; readonly detail: string } | null {
  for (const { name, required, maxLength, choices } of attributes) {
    const value = set[name];
    const isSet = value !== undefined && !isEmpty(value);
    if (required === true && !isSet && (action === "create" || value !== undefined)) {
      const why = name === KEY ? `an ${KEY}: it tells records apart` : `a value for ${name}`;
      return { code: "value_missing", detail: `needs ${why}.` };
    }
    if (typeof value !== "string" || !isSet) continue;
    if (maxLength !== undefined && [...value].length > maxLength) {
      return { code: "value_invalid", detail: `takes at most ${maxLength} characters for ${name}.` };
    }
    if (choices?.includes(value) === false) {
      return { code: "value_invalid", detail: `takes none but ${choices.join(", ")} for ${name}.` };
    }
  }
  return null;
}

/** The name of the first attribute whose value would not come back as it was: half of a surrogate pair, or U+0000. */
function invalidValue(set: Attributes): string | null {
  const wrong = Object.entries(set).find(
    ([, value]) => typeof value === "string" && (!value.isWellFormed() || value.includes("\0")),
  );
  return wrong?.[0] ?? null;
}

function refuse(
  status: "refused" | "conflict",
  code: "record_missing" | "value_invalid" | "value_missing" | "exists",
  detail: string,
  retry: "now" | "later",
): Step {
  return { outcome: { status, code, detail, retry } };
}

/** The whole table with the new lines in place, piece by piece. */
export async function* mergedRecords(
  kind: CsvKind,
  table: Table,
  lines: ReadonlyMap<string, Row | null>,
  signal: AbortSignal,
): AsyncIterable<readonly Row[]> {
  const codec = new RowCodec(kind, table.columns);
  const left = new Map(lines);
  for await (const rows of table.rows(signal)) {
    const kept: Row[] = [];
    for (const row of rows) {
      const id = codec.id(row);
      const line = left.has(id) ? left.get(id) : row;
      if (line) kept.push(line);
      left.delete(id);
    }
    yield kept;
  }
  yield [...left.values()].filter((line) => line !== null);
}
